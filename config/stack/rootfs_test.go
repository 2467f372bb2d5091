//go:build docker

package stack_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// rootfs is the file system of an image built from files of this machine.
type rootfs struct {
	t     *testing.T
	files []file
	// late adds files that depend on the others and are slow to create. It runs only
	// if the image must be built.
	late func()
}

// file is a file of a rootfs, or a directory if source is empty.
type file struct {
	path, source string
	mode         int64
	uid          int
}

func (r *rootfs) dir(path string, mode int64, uid int) {
	r.files = append(r.files, file{path: path, mode: mode, uid: uid})
}

// copy adds a file, or the target of a symbolic link.
func (r *rootfs) copy(path, source string) {
	r.t.Helper()
	info, err := os.Stat(source)
	if err != nil {
		r.t.Fatal(err)
	}
	mode := int64(0o644)
	if info.Mode()&0o111 != 0 {
		mode = 0o755
	}
	r.files = append(r.files, file{path: path, source: source, mode: mode})
}

// tree adds the regular files below source for which want holds.
func (r *rootfs) tree(path, source string, want func(name string) bool) {
	r.t.Helper()
	err := filepath.WalkDir(source, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, name)
		if err == nil && entry.Type().IsRegular() && want(relative) {
			r.copy(path+"/"+filepath.ToSlash(relative), name)
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

var library = regexp.MustCompile(`(/\S+) \(0x`)

// program adds an executable and the shared libraries that it is linked to.
func (r *rootfs) program(path, source string) {
	r.t.Helper()
	r.copy(path, source)
	out, err := exec.Command("ldd", source).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "not a dynamic executable") {
			return
		}
		r.t.Fatalf("ldd %s: %v\n%s", source, err, out)
	}
	for _, found := range library.FindAllStringSubmatch(string(out), -1) {
		if !slices.ContainsFunc(r.files, func(f file) bool { return f.path == found[1] }) {
			r.copy(found[1], found[1])
		}
	}
}

// image builds an image called name and returns its reference. An existing image of
// the same files is reused, and images of other files are removed.
func (r *rootfs) image(s *stack, name string, changes ...string) string {
	r.t.Helper()
	digest := sha256.New()
	_, _ = io.WriteString(digest, strings.Join(changes, "\n"))
	if err := r.write(digest); err != nil {
		r.t.Fatal(err)
	}
	reference := name + ":" + hex.EncodeToString(digest.Sum(nil)[:8])
	if _, err := s.try("docker", "image", "inspect", reference); err == nil {
		return reference
	}
	others := strings.Fields(s.docker("images", "-q", name))
	if r.late != nil {
		r.late()
	}
	args := []string{"import"}
	for _, change := range changes {
		args = append(args, "--change", change)
	}
	cmd := exec.Command("docker", append(args, "-", reference)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	written := errors.Join(r.write(in), in.Close())
	if err := cmd.Wait(); err != nil || written != nil {
		r.t.Fatalf("docker import: %v, %v\n%s", err, written, &output)
	}
	for _, other := range others {
		_, _ = s.try("docker", "rmi", other) // it may be in use
	}
	return reference
}

// modTime is the modification time of all files. It is in the future: Go updates an
// older time of a cache file when it uses it, and the engine then copies the file
// into the new layer.
var modTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// write writes the files as a reproducible tar archive.
func (r *rootfs) write(w io.Writer) error {
	archive := tar.NewWriter(w)
	for _, f := range r.files {
		if err := f.write(archive); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return archive.Close()
}

func (f file) write(archive *tar.Writer) error {
	header := &tar.Header{Name: strings.TrimPrefix(f.path, "/"), Mode: f.mode, Uid: f.uid, Gid: f.uid, Typeflag: tar.TypeDir, ModTime: modTime}
	if f.source == "" {
		header.Name += "/"
		return archive.WriteHeader(header)
	}
	content, err := os.Open(f.source)
	if err != nil {
		return err
	}
	defer content.Close()
	info, err := content.Stat()
	if err != nil {
		return err
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, content)
	return err
}
