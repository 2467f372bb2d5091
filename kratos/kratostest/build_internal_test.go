package kratostest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestBuild_override(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "kratos")
	t.Setenv(EnvBinary, binary)
	if _, err := Build(t.Context(), nil); err == nil || !strings.Contains(err.Error(), EnvBinary) {
		t.Errorf("error is %v", err)
	}
	if err := os.WriteFile(binary, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Build(t.Context(), nil); err != nil || got != binary {
		t.Errorf("%s, %v; want %s", got, err, binary)
	}
}

func TestBuild_cached(t *testing.T) {
	first, err := Build(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	again, err := Build(t.Context(), io.Discard)
	if err != nil || again != first {
		t.Errorf("%s, %v; want %s", again, err, first)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the second call took %v", took)
	}
}

// Whatever directory a test runs in, and even without paths in the binary, the
// nested module is found.
func TestNestedModuleDir(t *testing.T) {
	want, err := nestedModuleDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "files", "../..", "../../bridge"} {
		t.Run(dir, func(t *testing.T) {
			t.Chdir(dir)
			if got, err := aroundWorkingDir(); err != nil || got != want {
				t.Errorf("%s, %v; want %s", got, err, want)
			}
		})
	}
	t.Chdir(t.TempDir())
	if got, err := aroundWorkingDir(); err == nil {
		t.Errorf("found %s from outside", got)
	}
}

func TestLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var wait sync.WaitGroup
	var held, most int
	var mu sync.Mutex
	for range 8 {
		wait.Go(func() {
			unlock, err := lockFile(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			held++
			most = max(most, held)
			mu.Unlock()
			mu.Lock()
			held--
			mu.Unlock()
			unlock()
		})
	}
	wait.Wait()
	if most != 1 {
		t.Errorf("%d held it at once", most)
	}
	unlock, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := lockFile(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}
