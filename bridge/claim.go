package bridge

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// Claim is the exclusive right of one caller to accept, until its lease ends.
// The lease outlasts every call that the caller may be waiting for.
type Claim struct {
	ID    uuid.UUID `json:"id"`
	Until time.Time `json:"until"`
	// UnresolvedSince is when a write to the identity ended without a response:
	// the request has ended and its outcome is unknown. Zero: the caller is still
	// running.
	UnresolvedSince time.Time `json:"unsettled_at,omitzero"`
	// CheckAt and Checks postpone reconciling a claim whose identity cannot be
	// read.
	CheckAt time.Time `json:"look_at,omitzero"`
	Checks  int       `json:"looks,omitempty"`
}

// lateWriteGrace is how long after a lost response the request may still take
// effect in Kratos (400 ms were measured). Nothing is decided before that.
const lateWriteGrace = 2 * time.Second

// unresolvedPeriod is how long an identity is checked for a late write.
const unresolvedPeriod = 10 * time.Minute

// DueAt returns when the sweep reconciles a claim that its holder did not finish.
func (c Claim) DueAt() time.Time { return later(c.Until, c.CheckAt) }

// BeginAccept sets the claim id for a caller who wants to accept. It replaces the
// claim former, whose outcome the caller has checked; zero: there is none.
//
// Errors: those of [Invitation.CheckUsable]; ErrAcceptInProgress if another claim
// is held.
func (i Invitation) BeginAccept(id, former uuid.UUID, now time.Time, lease time.Duration) (Invitation, error) {
	if err := i.CheckUsable(now); err != nil {
		return i, err
	}
	if i.Claim != nil {
		if i.Claim.ID != former {
			return i, ErrAcceptInProgress.WithRetryAfter(lateWriteGrace)
		}
		i = i.watchForLateWrite(now)
	}
	i.Claim = &Claim{ID: id, Until: now.Add(lease)}
	return i, nil
}

// watchForLateWrite schedules checks of the identity for unresolvedPeriod: a
// write with an unknown outcome may still take effect.
func (i Invitation) watchForLateWrite(now time.Time) Invitation {
	i.UnresolvedUntil, i.CheckAt, i.Checks = now.Add(unresolvedPeriod), now.Add(firstCheckPause), 0
	return i
}

// HoldsClaim reports whether id is the current claim.
func (i Invitation) HoldsClaim(id uuid.UUID) bool {
	return i.State == StatePending && i.Claim != nil && i.Claim.ID == id
}

// ReleaseClaim ends a claim without an acceptance, so that the token can be used
// again. If a revocation was requested in the meantime, the invitation is
// revoked.
func (i Invitation) ReleaseClaim(now time.Time) Invitation {
	i.Claim = nil
	if i.State == StatePending && !i.RevokeRequestedAt.IsZero() {
		return i.end(ReasonRequested, now)
	}
	return i
}

// MarkUnresolved records that the outcome of the claim is unknown. The lease
// stays.
func (i Invitation) MarkUnresolved(now time.Time) Invitation {
	c := *i.Claim
	c.UnresolvedSince = now
	i.Claim = &c
	return i
}

// PostponeClaim postpones reconciling a claim whose identity cannot be read.
func (i Invitation) PostponeClaim(now time.Time) Invitation {
	c := *i.Claim
	c.CheckAt, c.Checks = now.Add(pauseAfter(c.Checks)), c.Checks+1
	i.Claim = &c
	return i
}

const (
	firstCheckPause = 5 * time.Second
	maxCheckPause   = time.Hour
)

// pauseAfter returns the pause after a number of checks: it doubles up to
// maxCheckPause.
func pauseAfter(checks int) time.Duration {
	return min(firstCheckPause<<min(checks, 10), maxCheckPause)
}

// Accept marks a claimed invitation as accepted. One without a claim is returned
// unchanged: an acceptance begins with BeginAccept.
func (i Invitation) Accept(at time.Time) Invitation {
	if i.State != StatePending || i.Claim == nil {
		return i
	}
	i.AcceptedAt = at
	return i.accepted(at)
}

// Reconcile applies the verdict on the identity to a pending invitation, and ends
// its claim if there is one.
func (i Invitation) Reconcile(v verdict, mark Mark, now time.Time) Invitation {
	switch {
	case i.State != StatePending:
		return i
	case v == verdictAccepted:
		return i.AcceptLate(mark.AcceptedAt, now)
	case v == verdictFree && i.Claim != nil:
		return i.watchForLateWrite(now).ReleaseClaim(now)
	case v == verdictFree:
		return i
	}
	return i.Invalidate(v.reason(), now)
}

// reason returns why a verdict ends an invitation.
func (v verdict) reason() Reason {
	if v == verdictGone {
		return ReasonGone
	}
	return ReasonInUse
}

// heldClaim is a claim of this process.
type heldClaim struct {
	until           instant // end of the lease
	running         bool
	unresolvedSince instant // when running became false
}

// claims holds the claims of this process that are running or unresolved. A
// claim that is missing here belongs to another process, or to one that crashed.
// It is safe for concurrent use.
type claims struct {
	mu   sync.Mutex
	held map[uuid.UUID]heldClaim
}

func (c *claims) take(id uuid.UUID, until instant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = make(map[uuid.UUID]heldClaim)
	}
	c.held[id] = heldClaim{until: until, running: true}
}

func (c *claims) markUnresolved(id uuid.UUID, now instant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.held[id]; ok {
		h.running, h.unresolvedSince = false, now
		c.held[id] = h
	}
}

func (c *claims) drop(id uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, id)
}

func (c *claims) find(id uuid.UUID) (heldClaim, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.held[id]
	return h, ok
}
