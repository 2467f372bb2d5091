package kratostest

import (
	"context"
	"errors"
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
	SkipIfShort(t)
	first, err := Build(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var progress strings.Builder
	again, err := Build(t.Context(), &progress)
	if err != nil || again != first {
		t.Errorf("%s, %v; want %s", again, err, first)
	}
	if progress.Len() > 0 {
		t.Errorf("the second call builds: %s", &progress)
	}
}

// The nested module is found from any working directory, even without paths in
// the binary.
func TestNestedModuleDir(t *testing.T) {
	want, err := nestedModuleDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "files", "../..", "../../bridge"} {
		t.Run(dir, func(t *testing.T) {
			t.Chdir(dir)
			if got, err := findFromWorkingDir(); err != nil || got != want {
				t.Errorf("%s, %v; want %s", got, err, want)
			}
		})
	}
	t.Chdir(t.TempDir())
	if got, err := findFromWorkingDir(); err == nil {
		t.Errorf("found %s from outside the module", got)
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
		t.Errorf("%d callers held the lock at once", most)
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
