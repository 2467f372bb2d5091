package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge/boltstore"
)

// storeBytes returns a backup of a new store.
func storeBytes(t *testing.T) []byte {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	var copied bytes.Buffer
	if err := errors.Join(s.Backup(t.Context(), &copied), s.Close()); err != nil {
		t.Fatal(err)
	}
	return copied.Bytes()
}

// TestBackupCopy: FILE does not exist while a copy is received, so that a kill
// leaves none. Afterwards it is a complete copy or does not exist.
func TestBackupCopy(t *testing.T) {
	const pageSize = 4096
	whole := storeBytes(t)
	corrupt := bytes.Clone(whole)
	copy(corrupt[2*pageSize:], bytes.Repeat([]byte{0xa5}, len(whole))) // all but the meta pages
	cut := http.ErrAbortHandler
	for name, c := range map[string]struct {
		send   []byte
		then   func(path string, interrupt func()) // called after sending
		code   int
		errs   string
		stays  string // content of another process's file that stays at the path
		leaves bool   // the copy exists afterwards
	}{
		"whole":                {send: whole, code: exitOK, leaves: true},
		"the stream is cut":    {send: whole[:len(whole)/2], then: func(string, func()) { panic(cut) }, code: exitFailed, errs: "cut off after"},
		"the last page is cut": {send: whole[:len(whole)-pageSize], code: exitFailed, errs: "damaged"},
		"cut, without error":   {send: whole[:2*pageSize], code: exitFailed, errs: "damaged"},
		"empty":                {code: exitFailed, errs: "empty"},
		"corrupt":              {send: corrupt, code: exitFailed, errs: "the copy is incomplete or damaged, and was not kept"},
		"not a store":          {send: bytes.Repeat([]byte("hello\n"), 9999), code: exitFailed, errs: "not a store"},
		"interrupted":          {send: whole[:len(whole)/2], then: func(_ string, interrupt func()) { interrupt() }, code: exitFailed, errs: "canceled"},
		"file appears":         {send: whole, then: writeOther, code: exitFailed, errs: "exists", stays: "theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "copy.db")
			ctx, interrupt := context.WithCancel(t.Context())
			bridge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/octet-stream")
				_, _ = w.Write(c.send)
				_ = http.NewResponseController(w).Flush()
				if _, err := os.Lstat(path); err == nil {
					t.Error("FILE exists while the copy is received")
				}
				if c.then != nil {
					c.then(path, func() { interrupt(); <-r.Context().Done() }) // before the stream ends without error
				}
			}))
			t.Cleanup(bridge.Close)
			var out, errs bytes.Buffer
			code := run(ctx, []string{"backup", path, "-e", bridge.URL}, []string{envAPIKey + "=" + key}, stdio{out: &out, err: &errs})
			if code != c.code || !strings.Contains(errs.String(), c.errs) {
				t.Errorf("code %d: %s%s", code, &out, &errs)
			}
			want := map[string]string{}
			if c.leaves {
				want["copy.db"] = string(whole)
			} else if c.stays != "" {
				want["copy.db"] = c.stays
			}
			sameFiles(t, filepath.Dir(path), want)
		})
	}
}

// writeOther creates another process's file at the path of the copy.
func writeOther(path string, _ func()) { _ = os.WriteFile(path, []byte("theirs"), 0o600) }

// TestBackupOverAFile: the bridge is not called if FILE cannot be created.
func TestBackupOverAFile(t *testing.T) {
	bridge := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s", r.Method, r.URL)
	}))
	t.Cleanup(bridge.Close)
	dir := t.TempDir()
	writeOther(filepath.Join(dir, "there.db"), nil)
	if err := os.Symlink("nowhere", filepath.Join(dir, "link.db")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"there.db", "link.db", ".", "no/such/directory.db"} {
		code, _, errs := command(t, []string{envAPIKey + "=" + key}, "backup", filepath.Join(dir, name), "-e", bridge.URL)
		if code != exitUsage {
			t.Errorf("%s: %d %s", name, code, errs)
		}
	}
	if err := os.Remove(filepath.Join(dir, "link.db")); err != nil {
		t.Error(err)
	}
	sameFiles(t, dir, map[string]string{"there.db": "theirs"})
}

// sameFiles compares the files in a directory by name, content and mode.
func sameFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("the directory has %v", entries)
	}
	for name, text := range want {
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := io.ReadAll(file)
		info, statErr := file.Stat()
		_ = file.Close()
		if err != nil || statErr != nil || string(got) != text || info.Mode() != fs.FileMode(0o600) {
			t.Errorf("%s: %d bytes, %v, %v, %v", name, len(got), info.Mode(), err, statErr)
		}
	}
}
