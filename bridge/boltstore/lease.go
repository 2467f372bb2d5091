package boltstore

import (
	"context"
	"sync"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// leases are in memory: only one process has the file open, and no lease is of use
// after it.
type leases struct {
	mu   sync.Mutex
	held map[bridge.LeaseName]bridge.Lease
}

func (l *leases) take(want bridge.Lease, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[bridge.LeaseName]bridge.Lease)
	}
	if has, found := l.held[want.Name]; found && has.Holder != want.Holder && has.Until.After(now) {
		return bridge.ErrLeaseHeld
	}
	l.held[want.Name] = want
	return nil
}

func (l *leases) drop(name bridge.LeaseName, holder uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[name].Holder == holder {
		delete(l.held, name)
	}
}

func (l *leases) dropAll(list []bridge.Lease) {
	for _, ended := range list {
		l.drop(ended.Name, ended.Holder)
	}
}

func (l *leases) find(name bridge.LeaseName) bridge.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[name]
}

// TakeLease implements [bridge.Store].
func (s *Store) TakeLease(ctx context.Context, l bridge.Lease, now time.Time) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.leases.take(l, now)
}

// DropLease implements [bridge.Store].
func (s *Store) DropLease(_ context.Context, l bridge.Lease) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.running.Done()
	s.leases.drop(l.Name, l.Holder)
	return nil
}

// CheckLease implements [bridge.Tx].
func (t *tx) CheckLease(l bridge.Lease, now time.Time) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	if has := t.leases.find(l.Name); has.Holder != l.Holder || !has.Until.After(now) {
		return bridge.ErrLeaseLost
	}
	return nil
}

// EndLease implements [bridge.Tx].
func (t *tx) EndLease(l bridge.Lease) error {
	if err := t.mayWrite(); err != nil {
		return err
	}
	if t.leases.find(l.Name).Holder != l.Holder {
		return bridge.ErrLeaseLost
	}
	t.ended = append(t.ended, l)
	return nil
}
