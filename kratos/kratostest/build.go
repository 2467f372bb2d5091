package kratostest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// EnvBinary names the environment variable that points to a Kratos binary to
// use instead of building one.
const EnvBinary = "KRATOS_BIN"

const (
	kratosPackage = "github.com/ory/kratos"
	mainModule    = "invitebridge"
	nestedModule  = "kratos/kratostest/server" // below the main module
)

// Build gives the path of a Kratos binary: the one that KRATOS_BIN names, or
// one built from the nested module and kept in the user's cache directory. The
// key of the cache is all that the binary depends on: the nested go.mod and
// go.sum, and the version, system and architecture of Go.
//
// The first call takes minutes and needs a C compiler, for SQLite; what the
// build says goes to progress, which may be nil. Further calls are instant. Of
// several calls at once, in this process or in others, one builds and the
// others wait.
func Build(ctx context.Context, progress io.Writer) (string, error) {
	if path := os.Getenv(EnvBinary); path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return "", fmt.Errorf("kratostest: %s: %w", EnvBinary, err)
		}
		return filepath.Abs(found)
	}
	module, err := nestedModuleDir()
	if err != nil {
		return "", err
	}
	key, err := buildKey(module)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("kratostest: no cache directory: %w", err)
	}
	dir := filepath.Join(cache, "invitebridge", "kratos-"+key)
	binary := filepath.Join(dir, "kratos"+exeSuffix())
	if isFile(binary) {
		return binary, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("kratostest: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("kratostest: waiting for another build: %w", err)
	}
	defer unlock()
	if isFile(binary) {
		return binary, nil
	}
	return binary, compile(ctx, module, binary, progress)
}

// compile builds beside the final name and renames, so that whoever finds the
// binary finds it whole.
func compile(ctx context.Context, module, binary string, progress io.Writer) error {
	if progress == nil {
		progress = io.Discard
	}
	if err := findCompiler(ctx, module); err != nil {
		return err
	}
	fmt.Fprintf(progress, "kratostest: building Kratos into %s; this takes minutes, once\n", filepath.Dir(binary))
	partial := fmt.Sprintf("%s.partial-%d", binary, os.Getpid())
	defer func() { _ = os.Remove(partial) }() // it is gone if all went well
	cmd := goTool(ctx, module, "build", "-tags", "sqlite,json1", "-ldflags", "-s -w", "-o", partial, kratosPackage)
	var said tail
	cmd.Stdout = io.MultiWriter(progress, &said)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("kratostest: building Kratos: %w\n%s", err, said.String())
	}
	if err := os.Rename(partial, binary); err != nil {
		return fmt.Errorf("kratostest: %w", err)
	}
	return nil
}

// goTool runs the go command in the nested module. What the environment says
// of flags and workspaces is meant for the main module.
func goTool(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOWORK=off", "GOFLAGS=-mod=readonly")
	return cmd
}

// findCompiler fails early and clearly: without cgo the build succeeds, and the
// binary then refuses SQLite.
func findCompiler(ctx context.Context, dir string) error {
	out, err := goTool(ctx, dir, "env", "CC").Output()
	if err != nil {
		return fmt.Errorf("kratostest: the go command does not run: %w", err)
	}
	cc, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if _, err := exec.LookPath(cc); err != nil {
		return fmt.Errorf("kratostest: building Kratos with SQLite needs a C compiler, and %q is not there: install gcc, or point %s to a Kratos binary", cc, EnvBinary)
	}
	return nil
}

func buildKey(module string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", fmt.Errorf("kratostest: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// nestedModuleDir finds the nested module beside this file, or, where paths
// were trimmed from the binary, below the main module that surrounds the
// working directory.
func nestedModuleDir() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		if dir := filepath.Join(filepath.Dir(file), filepath.Base(nestedModule)); isFile(filepath.Join(dir, "go.mod")) {
			return dir, nil
		}
	}
	return aroundWorkingDir()
}

func aroundWorkingDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("kratostest: %w", err)
	}
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && moduleLine.Match(text) {
			return filepath.Join(dir, filepath.FromSlash(nestedModule)), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("kratostest: the source of module " + mainModule + " is not around the working directory")
		}
		dir = parent
	}
}

var moduleLine = regexp.MustCompile(`(?m)^module ` + mainModule + `\s*$`)

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
