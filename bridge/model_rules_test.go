package bridge_test

import (
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// life is an invitation as the model has it: the lifecycle, in as few words as
// it can be told, and what must have been told of it.
type life struct {
	id, identity uuid.UUID
	email        string
	state        bridge.State
	epoch        int
	lifespan     time.Duration
	expires      time.Time
	claim        *hold
	doubt        bool
	purged       bool
	told         map[bridge.Event]int
	letters      int // that were sent

	announced time.Time // when a letter was last asked for
	updated   time.Time // as stored: what hangs on it is in the model, it is not
}

// hold is a claim.
type hold struct {
	until     time.Time
	unsettled time.Time // zero: somebody is at work
}

// account is an identity in Kratos. What the model knows of it is the truth, for
// it makes the faults.
type account struct {
	email    string
	active   bool
	byHand   bool
	stopped  bool      // deactivated by hand
	made, by uuid.UUID // the invitations that made and activated it
	password string    // empty: there never was one
}

// link is a token that somebody holds.
type link struct {
	text  string
	life  uuid.UUID
	epoch int
}

const (
	modelBudget    = 30 * time.Second
	modelLease     = 10*time.Second + modelBudget + 5*time.Second
	modelSettle    = 2 * time.Second
	modelCooldown  = time.Minute
	modelRetention = 72 * time.Hour
)

func (h *history) due(l *life) bool {
	return l.state == bridge.StatePending && l.claim == nil && !h.now().Before(l.expires)
}

func (h *history) lapsed(l *life) bool {
	return l.state == bridge.StatePending && l.claim != nil && !h.now().Before(l.claim.until)
}

// ended is nil for an invitation that can be used.
func (h *history) ended(l *life) *bridge.Error {
	switch {
	case l == nil || l.purged:
		return bridge.ErrNotFound
	case l.state == bridge.StateAccepted:
		return bridge.ErrAccepted
	case l.state == bridge.StateRevoked:
		return bridge.ErrRevoked
	case l.state == bridge.StateExpired || h.due(l):
		return bridge.ErrExpired
	}
	return nil
}

// opens is nil for a token that can be used.
func (h *history) opens(k link) *bridge.Error {
	l := h.lives[k.life]
	if e := h.ended(l); e != nil {
		return e
	}
	if k.epoch != l.epoch {
		return bridge.ErrExpired
	}
	return nil
}

func (h *history) pendingOf(email string) *life {
	for _, l := range h.lives {
		if !l.purged && l.email == email && l.state == bridge.StatePending {
			return l
		}
	}
	return nil
}

// end takes an invitation from one state to another, of which the world is told
// once.
func (h *history) end(l *life, state bridge.State, event bridge.Event) {
	l.state, l.claim, l.updated = state, nil, h.now()
	l.told[event]++
}

func (h *history) accepted(l *life) { h.end(l, bridge.StateAccepted, bridge.EventPostPassword) }
func (h *history) revoked(l *life)  { h.end(l, bridge.StateRevoked, bridge.EventInvitationRevoked) }
func (h *history) expired(l *life)  { h.end(l, bridge.StateExpired, bridge.EventInvitationExpired) }

// revived grants the lifespan anew; the tokens of a former life stay dead.
func (h *history) revived(l *life) {
	if h.due(l) {
		h.expired(l)
	}
	if l.state == bridge.StateExpired {
		l.epoch++
	}
	l.state, l.expires, l.updated = bridge.StatePending, h.now().Add(l.lifespan), h.now()
	l.announced = h.now()
}

// settled ends a pending invitation as its identity says.
func (h *history) settled(l *life) {
	switch a := h.accounts[l.identity]; {
	case l.state != bridge.StatePending:
	case a != nil && a.by == l.id:
		h.accepted(l)
	case a == nil || a.active:
		h.revoked(l)
	default:
		l.claim, l.doubt = nil, true
	}
}
