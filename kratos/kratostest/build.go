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

// EnvBinary is the environment variable with the path of a Kratos binary to use
// instead of building one.
const EnvBinary = "KRATOS_BIN"

const (
	kratosPackage = "github.com/ory/kratos"
	mainModule    = "invitebridge"
	nestedModule  = "kratos/kratostest/server" // below the main module
)

// Build returns the path of a Kratos binary: the one that KRATOS_BIN names, or
// one built from the nested module and cached in the user's cache directory.
// The cache key covers everything that the binary depends on: the nested go.mod
// and go.sum, and Go's version, operating system and architecture.
//
// The first call takes minutes and needs a C compiler, for SQLite; the output
// of the build goes to progress, which may be nil. Further calls are instant.
// Of several concurrent calls, in this process or in others, one builds and the
// others wait.
func Build(ctx context.Context, progress io.Writer) (string, error) {
	if path := os.Getenv(EnvBinary); path != "" {
		found, err := exec.LookPath(path)
		if err != nil {
			return "", fmt.Errorf("kratostest: %s: %w", EnvBinary, err)
		}
		return filepath.Abs(found)
	}
	if short() {
		return "", errShort
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

// compile builds under a temporary name and renames the result, so that a
// binary under the final name is always complete.
func compile(ctx context.Context, module, binary string, progress io.Writer) error {
	if progress == nil {
		progress = io.Discard
	}
	if err := findCompiler(ctx, module); err != nil {
		return err
	}
	fmt.Fprintf(progress, "kratostest: building Kratos into %s; this takes minutes, once\n", filepath.Dir(binary))
	partial := fmt.Sprintf("%s.partial-%d", binary, os.Getpid())
	defer func() { _ = os.Remove(partial) }() // removed already after a successful rename
	cmd := goTool(ctx, module, "build", "-tags", "sqlite,json1", "-ldflags", "-s -w", "-o", partial, kratosPackage)
	var output tail
	cmd.Stdout = io.MultiWriter(progress, &output)
	cmd.Stderr = cmd.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("kratostest: building Kratos: %w\n%s", err, output.String())
	}
	if err := os.Rename(partial, binary); err != nil {
		return fmt.Errorf("kratostest: %w", err)
	}
	return nil
}

// goTool returns a go command for the nested module. Flags and workspaces of
// the environment are meant for the main module and are overridden.
func goTool(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOWORK=off", "GOFLAGS=-mod=readonly")
	return cmd
}

// findCompiler reports a missing C compiler early: without cgo the build
// succeeds, but the binary rejects SQLite.
func findCompiler(ctx context.Context, dir string) error {
	out, err := goTool(ctx, dir, "env", "CC").Output()
	if err != nil {
		return fmt.Errorf("kratostest: the go command does not run: %w", err)
	}
	cc, _, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if _, err := exec.LookPath(cc); err != nil {
		return fmt.Errorf("kratostest: building Kratos with SQLite needs a C compiler, and %q was not found: install gcc, or set %s to the path of a Kratos binary", cc, EnvBinary)
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

// nestedModuleDir returns the directory of the nested module: beside this file,
// or, in binaries with trimmed paths, below the main module that contains the
// working directory.
func nestedModuleDir() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		if dir := filepath.Join(filepath.Dir(file), filepath.Base(nestedModule)); isFile(filepath.Join(dir, "go.mod")) {
			return dir, nil
		}
	}
	return findFromWorkingDir()
}

func findFromWorkingDir() (string, error) {
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
			return "", errors.New("kratostest: the working directory is not inside the source of module " + mainModule)
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
