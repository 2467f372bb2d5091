package boltstore

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestPingWritesRarely(t *testing.T) {
	s := fresh(t)
	before := commits(t, s)
	for range 1000 {
		if err := s.Ping(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if got := commits(t, s) - before; got != 1 {
		t.Errorf("%d commits for the first 1000 pings, want 1", got)
	}

	s.health.idle = 0
	if err := s.Ping(context.Background()); err != nil || commits(t, s)-before != 2 {
		t.Errorf("after a while without writes: %v, %d commits", err, commits(t, s)-before)
	}
	s.health.idle = probeIdle
	update(t, s, inviting(1)) // counts as a probe
	if err := s.Ping(context.Background()); err != nil || commits(t, s)-before != 3 {
		t.Errorf("after an update: %v, %d commits", err, commits(t, s)-before)
	}
}

func TestPingFollowsTheDisk(t *testing.T) {
	s := fresh(t)
	ping := func(want error) {
		t.Helper()
		if err := s.Ping(context.Background()); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	ping(nil)
	tries := 0
	s.commitTx = func(btx *bbolt.Tx) error {
		tries++
		return errors.Join(btx.Rollback(), syscall.EROFS)
	}
	ping(nil) // the last commit is recent
	s.health.idle = 0
	ping(syscall.EROFS) // the probe fails
	s.health.idle = probeIdle
	for range 100 {
		ping(syscall.EROFS)
	}
	if tries != 1 {
		t.Errorf("%d tries within a second, want 1", tries)
	}
	s.health.retry = 0
	ping(syscall.EROFS) // the probe fails again
	s.commitTx = (*bbolt.Tx).Commit
	ping(nil) // the probe succeeds

	s.health.retry = time.Hour
	s.commitTx = func(btx *bbolt.Tx) error { return errors.Join(btx.Rollback(), syscall.ENOSPC) }
	if err := s.Update(context.Background(), inviting(1)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	ping(syscall.ENOSPC) // after a failed update
	s.commitTx = (*bbolt.Tx).Commit
	update(t, s, inviting(1))
	ping(nil) // after a successful one
}

func TestPingHonorsContext(t *testing.T) {
	s := fresh(t)
	s.committing <- struct{}{} // a commit that hangs
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	<-s.committing
	if err := s.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
