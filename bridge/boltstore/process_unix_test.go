//go:build linux || darwin

package boltstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"invitebridge/bridge"

	"go.etcd.io/bbolt"
)

// childEnv is the environment variable with the file for a child process, which
// is this test program run again.
const childEnv = "BOLTSTORE_TEST_FILE"

func child(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	return cmd
}

// TestInUseByAnotherProcess: a child process holds the file until it is killed.
func TestInUseByAnotherProcess(t *testing.T) {
	if path := os.Getenv(childEnv); path != "" {
		s := open(t, path)
		update(t, s, inviting(1))
		fmt.Println("\nopen")
		_, _ = bufio.NewReader(os.Stdin).ReadByte() // blocks until the process is killed
		return
	}
	path := filepath.Join(t.TempDir(), "bridge.db")
	cmd := child(t, path)
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if lines.Text() == "open" {
			break
		}
	}
	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	s := open(t, path)
	if !has(t, s, 1) {
		t.Error("an acknowledged update did not survive the kill")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	checkFile(t, path)
}

// TestDiskFull limits the size of the file that a child process may write. For
// bbolt that is a full disk: a write fails after earlier ones have succeeded.
func TestDiskFull(t *testing.T) {
	if path := os.Getenv(childEnv); path != "" {
		diskFull(t, path)
		return
	}
	path := filepath.Join(t.TempDir(), "bridge.db")
	out, err := child(t, path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("%v\n%s", err, out)
	}
	checkFile(t, path)
}

func diskFull(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	s := open(t, path)
	s.health.retry = 0
	kept := map[int]bool{}
	for n := range 50 {
		update(t, s, inviting(n))
		kept[n] = true
	}
	limit(t, used(t, s)+40*pageSize)
	n := 50
	for ; ; n++ {
		err := s.Update(context.Background(), inviting(n))
		if kept[n] = err == nil; err != nil {
			if !errors.Is(err, syscall.EFBIG) {
				t.Errorf("got %v", err)
			}
			break
		}
		if n > 10_000 {
			t.Fatal("the disk is never full")
		}
	}
	t.Logf("full after %d invitations", n)
	var fns []func(bridge.Tx) error
	for i := range 100 {
		fns = append(fns, inviting(n+1+i))
	}
	for round := range 3 {
		for i, err := range updateTogether(t, s, fns...) {
			if err == nil {
				t.Errorf("round %d, %d: no error", round, i)
			}
		}
		if err := s.Ping(context.Background()); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("Ping of a full disk: %v", err)
		}
	}
	same := func() {
		t.Helper()
		for i := range n + 101 {
			if has(t, s, i) != kept[i] {
				t.Errorf("sample %d is stored: %v", i, !kept[i])
			}
		}
	}
	same()

	limit(t, -1)
	if err := s.Ping(context.Background()); err != nil {
		t.Errorf("Ping when there is space again: %v", err)
	}
	var wg sync.WaitGroup
	for i := range 50 {
		kept[n+i] = true
		wg.Go(func() {
			if err := s.Update(context.Background(), inviting(n+i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	same()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	same()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// limit sets the maximum size of a file that this process may write; below zero,
// no limit.
func limit(t *testing.T, size int) {
	t.Helper()
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		t.Fatal(err)
	}
	if r.Cur = r.Max; size >= 0 {
		r.Cur = uint64(size)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		t.Fatal(err)
	}
}

func used(t *testing.T, s *Store) (size int) {
	t.Helper()
	_ = s.db.View(func(tx *bbolt.Tx) error {
		size = int(tx.Size())
		return nil
	})
	return size
}
