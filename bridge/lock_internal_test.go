package bridge

import (
	"context"
	"errors"
	"testing"
	"time"
)

// busyStore reports a lease as held, and then does not respond in time.
type busyStore struct {
	Store
	asked int
}

func (s *busyStore) TakeLease(ctx context.Context, _ Lease, _ time.Time) error {
	if s.asked++; s.asked == 1 {
		return ErrLeaseHeld
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestLeaseHeldToTheEnd: if the time for a lease that another process holds passes
// during an attempt, the caller learns of the other request, not of a store that does
// not respond.
func TestLeaseHeldToTheEnd(t *testing.T) {
	store := &busyStore{}
	s := NewService(store, nil, Config{LockTimeout: 200 * time.Millisecond})
	err := s.takeLease(t.Context(), &Lease{})
	if !errors.Is(err, ErrIdentityConflict) || store.asked != 2 {
		t.Errorf("got %v after %d attempts, want %v", err, store.asked, ErrIdentityConflict)
	}
	if err := s.takeLease(t.Context(), &Lease{}); !errors.Is(err, ErrStoreUnavailable) {
		t.Errorf("a store that does not respond at all: got %v, want %v", err, ErrStoreUnavailable)
	}
}
