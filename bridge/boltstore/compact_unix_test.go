//go:build linux || darwin

package boltstore

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompactKilled kills a process that compacts, after each of its steps: what
// is at the path is a complete store with all rows, and compacting it again
// removes what the process left.
func TestCompactKilled(t *testing.T) {
	if given := os.Getenv(childEnv); given != "" {
		path, at, _ := strings.Cut(given, "|")
		c := plainCompactor()
		n := 0
		c.reached = func(string) {
			if n++; strconv.Itoa(n) == at {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
		if _, err := c.run(context.Background(), path); err != nil {
			t.Fatal(err)
		}
		return
	}
	original := purgedFile(t)
	rows := everything(t, original)
	replaced := 0
	for at := 1; ; at++ {
		path := filepath.Join(t.TempDir(), "bridge.db")
		write(string(content(t, original)))(t, path)
		out, err := child(t, path+"|"+strconv.Itoa(at)).CombinedOutput()
		if diff := cmp.Diff(rows, everything(t, path)); diff != "" {
			t.Errorf("after step %d:\n%s", at, diff)
		}
		if usedPages(t, path) < usedPages(t, original) {
			replaced++
		}
		compacts(t, path)
		if err == nil {
			if at < len(layout)+4 || replaced != 2 {
				t.Errorf("%d steps, and the last %d replaced the file", at, replaced)
			}
			break
		}
		if !strings.Contains(err.Error(), "killed") {
			t.Fatalf("step %d: %v\n%s", at, err, out)
		}
	}
}

// TestCompactDiskFull: a disk that is full before the copy is complete.
func TestCompactDiskFull(t *testing.T) {
	if path := os.Getenv(childEnv); path != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit(t, 20*pageSize)
		_ = refusesToCompact(context.Background(), t, plainCompactor(), path, syscall.EFBIG)
		return
	}
	path := storeFile(t)
	out, err := child(t, path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
	compacts(t, path)
}

// TestCompact_owner: the copy has the owner of the file, or does not replace it.
func TestCompact_owner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change owners")
	}
	path := purgedFile(t)
	if err := errors.Join(os.Chown(path, 1234, 4321), os.Chmod(path, 0o660)); err != nil {
		t.Fatal(err)
	}
	compacts(t, path)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if is := info.Sys().(*syscall.Stat_t); is.Uid != 1234 || is.Gid != 4321 {
		t.Errorf("owner %d, group %d", is.Uid, is.Gid)
	}
}
