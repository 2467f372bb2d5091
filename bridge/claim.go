package bridge

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

// Claim gives one caller the sole right to accept, until its lease ends. The
// lease outlasts everything that the caller may be waiting for.
type Claim struct {
	ID    uuid.UUID `json:"id"`
	Until time.Time `json:"until"`
	// UnsettledAt is when a write to the identity got no answer: nobody is at
	// work since then, and the outcome is unknown. Zero: the caller is at work.
	UnsettledAt time.Time `json:"unsettled_at,omitzero"`
	// Looks and LookAt put off settling a claim whose identity cannot be read.
	LookAt time.Time `json:"look_at,omitzero"`
	Looks  int       `json:"looks,omitempty"`
}

// settleDelay is how long after a lost answer the request may still take
// effect in Kratos (400 ms were measured). Nothing is decided before.
const settleDelay = 2 * time.Second

// doubtTime is how long an identity is looked at for a write that comes later.
const doubtTime = 10 * time.Minute

// DueAt is when a claim that nobody finished is to be settled.
func (c Claim) DueAt() time.Time { return later(c.Until, c.LookAt) }

// Begin gives the claim id to a caller who wants to accept. It takes over the
// claim that is named by former, whose outcome was looked up before.
// ErrAcceptInProgress if another is held, and the errors of Usable.
func (i Invitation) Begin(id, former uuid.UUID, now time.Time, lease time.Duration) (Invitation, error) {
	if err := i.Usable(now); err != nil {
		return i, err
	}
	if i.Claim != nil {
		if i.Claim.ID != former {
			return i, ErrAcceptInProgress.After(settleDelay)
		}
		i = i.doubt(now)
	}
	i.Claim = &Claim{ID: id, Until: now.Add(lease)}
	return i, nil
}

// doubt has the identity looked at for a while: a write whose outcome was
// unknown may still arrive.
func (i Invitation) doubt(now time.Time) Invitation {
	i.DoubtUntil, i.LookAt, i.Looks = now.Add(doubtTime), now.Add(firstPause), 0
	return i
}

// Holds says whether the claim id is the current one.
func (i Invitation) Holds(id uuid.UUID) bool {
	return i.State == StatePending && i.Claim != nil && i.Claim.ID == id
}

// Release ends a claim without a change, so that the token can be used again;
// or as revoked, if that was requested meanwhile.
func (i Invitation) Release(now time.Time) Invitation {
	i.Claim = nil
	if i.State == StatePending && !i.RevokeRequestedAt.IsZero() {
		return i.end(ReasonRequested, now)
	}
	return i
}

// Unsettle notes that the outcome of the claim is unknown. Its lease stays.
func (i Invitation) Unsettle(now time.Time) Invitation {
	c := *i.Claim
	c.UnsettledAt = now
	i.Claim = &c
	return i
}

// Postpone puts off settling a claim whose identity cannot be read.
func (i Invitation) Postpone(now time.Time) Invitation {
	c := *i.Claim
	c.LookAt, c.Looks = now.Add(pauseAfter(c.Looks)), c.Looks+1
	i.Claim = &c
	return i
}

const (
	firstPause   = 5 * time.Second
	longestPause = time.Hour
)

// pauseAfter gives the pause after so many looks: it doubles.
func pauseAfter(looks int) time.Duration {
	return min(firstPause<<min(looks, 10), longestPause)
}

// Accept ends a claimed invitation well. One without a claim is returned as it
// is: an acceptance begins with Begin.
func (i Invitation) Accept(at time.Time) Invitation {
	if i.State != StatePending || i.Claim == nil {
		return i
	}
	i.AcceptedAt = at
	return i.accepted(at)
}

// Settle ends a claim as the verdict on its identity says.
func (i Invitation) Settle(v verdict, mark Mark, now time.Time) Invitation {
	switch {
	case i.State != StatePending:
		return i
	case v == verdictAccepted:
		return i.AcceptLate(mark.AcceptedAt, now)
	case v == verdictFree && i.Claim != nil:
		return i.doubt(now).Release(now)
	case v == verdictFree:
		return i
	}
	return i.Close(v.reason(), now)
}

// reason is why an invitation ends with a verdict.
func (v verdict) reason() Reason {
	if v == verdictGone {
		return ReasonGone
	}
	return ReasonInUse
}

// instant is one moment by both clocks. The wall clock may be set; the other one
// only runs, and stands still while the machine is suspended.
type instant struct {
	wall time.Time
	run  time.Duration
}

func (a instant) add(d time.Duration) instant { return instant{a.wall.Add(d), a.run + d} }

// reached says whether both clocks have come to b.
func (a instant) reached(b instant) bool { return !a.wall.Before(b.wall) && a.run >= b.run }

// passed says whether either clock has come to b.
func (a instant) passed(b instant) bool { return !a.wall.Before(b.wall) || a.run >= b.run }

// until gives the time to b by the clock that has longer to go.
func (a instant) until(b instant) time.Duration { return max(b.wall.Sub(a.wall), b.run-a.run, 0) }

// left gives the time to b by the clock that gets there first.
func (a instant) left(b instant) time.Duration { return min(b.wall.Sub(a.wall), b.run-a.run) }

// heldClaim is a claim of this process.
type heldClaim struct {
	until     instant // of its lease
	running   bool
	unsettled instant // since when it is not
}

// claims are those of this process: running, or with an outcome that is
// unknown. A claim that is not among them is somebody else's, or a dead
// process'. It is safe for concurrent use.
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

func (c *claims) unsettle(id uuid.UUID, now instant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.held[id]; ok {
		h.running, h.unsettled = false, now
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
