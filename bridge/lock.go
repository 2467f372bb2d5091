package bridge

import (
	"context"
	"errors"
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

// maxLeasePause bounds the pause between two attempts to take a lease that another
// process holds.
const maxLeasePause = 200 * time.Millisecond

// hold is the exclusive use of an email address and of an identity: a lock in this
// process, in front of a lease in the store. Nil holds nothing.
type hold struct {
	service *Service
	leases  []Lease
	unlocks []func()
	ended   bool // an update has ended the leases
}

// lockEmail keeps other callers from creating or deleting the identity of an
// address.
//
// Errors: ErrIdentityConflict if another caller does not finish in time;
// ErrStoreUnavailable.
func (s *Service) lockEmail(ctx context.Context, email string) (*hold, error) {
	h := &hold{service: s}
	return h, h.add(ctx, "email", email)
}

// addIdentity is lockEmail for an existing identity.
func (h *hold) addIdentity(ctx context.Context, id uuid.UUID) error {
	return h.add(ctx, "identity", id.String())
}

// lockBoth locks the address and the identity of an invitation.
func (s *Service) lockBoth(ctx context.Context, inv Invitation) (*hold, error) {
	h, err := s.lockEmail(ctx, inv.Email)
	if err == nil {
		if err = h.addIdentity(ctx, inv.IdentityID); err != nil {
			h.release(ctx)
		}
	}
	return h, err
}

// tryLockBoth is lockBoth that fails after 10 ms instead of waiting.
func (s *Service) tryLockBoth(ctx context.Context, inv Invitation) (*hold, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	return s.lockBoth(ctx, inv)
}

func (h *hold) add(ctx context.Context, kind, key string) error {
	s := h.service
	waiting, cancel := context.WithTimeout(ctx, s.config.LockTimeout)
	defer cancel()
	unlock, err := s.locks.lock(waiting, kind+":"+key)
	if err != nil {
		return errLocked(err)
	}
	l := Lease{Name: NewLeaseName(kind, key), Holder: uuid.New()}
	if err := s.takeLease(waiting, &l); err != nil {
		unlock()
		return err
	}
	h.leases, h.unlocks = append(h.leases, l), append(h.unlocks, unlock)
	return nil
}

// takeLease takes a lease, waiting for a holder in another process. Its end is that
// of the longest work under a lock: a process that dies keeps others waiting for so
// long.
func (s *Service) takeLease(ctx context.Context, l *Lease) error {
	// One attempt is made even if there is no time to wait.
	within, cancel := s.detachedContext(ctx)
	defer cancel()
	held := false
	for wait := maxLeasePause / 10; ; wait = min(2*wait, maxLeasePause) {
		now := s.now()
		l.Until = now.Add(s.lease())
		err := s.store.TakeLease(within, *l, now)
		switch {
		case err == nil:
			return nil
		case held && within.Err() != nil:
			return errLocked(err) // the time has passed during an attempt
		case !errors.Is(err, ErrLeaseHeld):
			return storeError(err)
		case !pause(ctx, wait):
			return errLocked(err)
		}
		held = true
	}
}

// errLocked is the error for a lock that another caller holds, or took over.
func errLocked(cause error) error {
	return ErrIdentityConflict.WithReasonf("Another request is inviting this address right now. Try again in a moment.").WithRetryAfter(lateWriteGrace).WithCause(cause)
}

// check makes an update fail unless the leases last. Call it in each update that
// begins a write to the identity.
func (h *hold) check(tx Tx, now time.Time) error {
	if h == nil {
		return nil
	}
	for _, l := range h.leases {
		if err := tx.CheckLease(l, now); err != nil {
			return err
		}
	}
	return nil
}

// end ends the leases with the update that ends the work, which fails if they are
// lost. Set ended after its commit.
func (h *hold) end(tx Tx) error {
	if h == nil {
		return nil
	}
	for _, l := range h.leases {
		if err := tx.EndLease(l); err != nil {
			return err
		}
	}
	return nil
}

// renew takes the leases for another full period, also those that ended in the
// meantime. What was read before must be read again.
//
// Errors: ErrIdentityConflict if another caller has taken one; ErrStoreUnavailable.
func (h *hold) renew(ctx context.Context) error {
	for i := range h.leases {
		l, now := &h.leases[i], h.service.now()
		l.Until = now.Add(h.service.lease())
		switch err := h.service.store.TakeLease(ctx, *l, now); {
		case errors.Is(err, ErrLeaseHeld):
			return errLocked(err)
		case err != nil:
			return storeError(err)
		}
	}
	return nil
}

// releaseTimeout bounds the end of a lease, for which a response waits.
const releaseTimeout = time.Second

// release gives up what is held. A lease that cannot be dropped lapses.
func (h *hold) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	for i := len(h.leases) - 1; i >= 0; i-- {
		if !h.ended {
			_ = h.service.store.DropLease(ctx, h.leases[i])
		}
		h.unlocks[i]()
	}
	h.leases, h.unlocks = nil, nil
}
