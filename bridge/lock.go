package bridge

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
)

// keyedMutex is a mutex per key. The zero value is ready to use. It holds at most
// one entry per current caller.
type keyedMutex struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	turn  chan struct{} // holds one value while the key is locked
	users int
}

// lock waits until the key is unlocked or ctx ends. An unlocked key is locked even
// if ctx has ended. If err is nil, the caller must call unlock.
func (m *keyedMutex) lock(ctx context.Context, key string) (unlock func(), err error) {
	m.mu.Lock()
	if m.locks == nil {
		m.locks = make(map[string]*keyedLock)
	}
	l := m.locks[key]
	if l == nil {
		l = &keyedLock{turn: make(chan struct{}, 1)}
		m.locks[key] = l
	}
	l.users++
	m.mu.Unlock()

	unlock = func() { <-l.turn; m.leave(key, l) }
	select {
	case l.turn <- struct{}{}:
		return unlock, nil
	default:
	}
	select {
	case l.turn <- struct{}{}:
		return unlock, nil
	case <-ctx.Done():
		m.leave(key, l)
		return nil, context.Cause(ctx)
	}
}

func (m *keyedMutex) leave(key string, l *keyedLock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(m.locks, key)
	}
}

// defaultLockTimeout is the default of [Config].LockTimeout.
const defaultLockTimeout = 5 * time.Second

// lockEmail keeps other callers from creating or deleting the identity of an
// address.
func (s *Service) lockEmail(ctx context.Context, email string) (unlock func(), err error) {
	return s.lock(ctx, "email:"+email)
}

// lockIdentity is lockEmail for an existing identity. Take it after the lock of the
// address.
func (s *Service) lockIdentity(ctx context.Context, id uuid.UUID) (unlock func(), err error) {
	return s.lock(ctx, "identity:"+id.String())
}

func (s *Service) lock(ctx context.Context, key string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.LockTimeout)
	defer cancel()
	if unlock, err = s.locks.lock(ctx, key); err != nil {
		return nil, ErrIdentityConflict.WithReasonf("Another request is inviting this address right now. Try again in a moment.").WithRetryAfter(lateWriteGrace).WithCause(err)
	}
	return unlock, nil
}

// lockBoth locks the address and the identity of an invitation.
func (s *Service) lockBoth(ctx context.Context, inv Invitation) (unlock func(), err error) {
	email, err := s.lockEmail(ctx, inv.Email)
	if err != nil {
		return nil, err
	}
	identity, err := s.lockIdentity(ctx, inv.IdentityID)
	if err != nil {
		email()
		return nil, err
	}
	return func() { identity(); email() }, nil
}

// tryLockBoth is lockBoth that fails after 10 ms instead of waiting.
func (s *Service) tryLockBoth(ctx context.Context, inv Invitation) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	return s.lockBoth(ctx, inv)
}
