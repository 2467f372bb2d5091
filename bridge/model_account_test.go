package bridge_test

import (
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// modelAccount is an identity in Kratos and its owner. The model sees each
// write, or makes it.
type modelAccount struct {
	id          uuid.UUID
	email       string
	active      bool
	used        bool // it was active once
	imported    bool // it got a credential before anyone used it
	fixed       bool // it has a credential that cannot be removed
	ours        bool // a bridge created it
	gone        bool
	mark        uuid.UUID // the invitation named in its mark
	holder      int       // counts its holders so far; 0: none yet
	password    string    // the valid one; empty: none, or unknown
	cleaned     bool      // the bridge has begun to replace its credentials
	secrets     []secret
	restoreRead func() // makes it readable again; nil: it is readable
}

// secret is something that opens an account for its holder, or did.
type secret struct {
	holder int
	kind   string // password, session, or a type of credential
	value  string
}

// modelInstant is a time on the monotonic clock, and how far the wall clock had
// been set forward by then.
type modelInstant struct{ run, ahead time.Duration }

// permit says what the model knows of the right to hand an account over.
type permit int

const (
	void    permit = iota // the account was used since: it must not be handed over
	perhaps               // either outcome is right
	certain               // no one used it: refusing the token is an error
)

// modelInvitation is what anyone outside the bridge can know of an invitation.
type modelInvitation struct {
	id, identity uuid.UUID
	node         *node
	email        string
	origin       bridge.Origin
	permit       permit
	made         modelInstant
	activated    bool // it has activated the account
	coded        bool // a recovery code was requested after that
	detectable   bool // that happened while the bridge still checked for it
	storedState
}

// storedState is the part that is lost when a store is restored.
type storedState struct {
	expires time.Time
	epoch   int
	expired bool // it had expired at some time since it was last revived
	revoked bool // the bridge has confirmed it
	lost    bool // it is in no store anymore
}

// link is a token that someone holds.
type link struct {
	text       string
	invitation *modelInvitation
	epoch      int
	email      bool // it came by email
	lost       bool
}

func (h *history) accountOf(email string) *modelAccount {
	for _, a := range h.accounts {
		if a.email == email && !a.gone {
			return a
		}
	}
	return nil
}

// voidPermits records a change that no invitation of the account survives.
func (h *history) voidPermits(a *modelAccount) {
	for _, l := range h.order {
		if l.identity == a.id {
			l.permit = void
		}
	}
}

// credentialAdded records that an inactive account got a credential. An
// invitation that may remove it may survive.
func (h *history) credentialAdded(a *modelAccount) {
	for _, l := range h.order {
		if l.identity != a.id {
			continue
		}
		if l.origin == bridge.OriginReactivated {
			l.permit = min(l.permit, perhaps)
		} else {
			l.permit = void
		}
	}
}

// handedOver records that an invitation activated an account.
func (h *history) handedOver(a *modelAccount, l *modelInvitation, password string) {
	a.active, a.used, a.cleaned, a.mark = true, true, false, l.id
	a.holder++
	a.password = password
	a.secrets = append(a.secrets, secret{a.holder, passwordKind, password})
	l.activated = true
	h.voidPermits(a)
}

const (
	passwordKind = "password"
	sessionKind  = "session"
)

// addInvitation records a new invitation, if its account may be invited.
func (h *history) addInvitation(by modelCall, inv bridge.Invitation) {
	a := h.accounts[inv.IdentityID]
	switch {
	case a == nil || a.gone:
		h.broken("%s invites an identity that does not exist", inv.ID)
	case a.active:
		h.broken("%s invites the active account of %s", inv.ID, a.email)
	case (a.used || a.imported) && !by.reactivate:
		h.broken("%s invites the used account of %s without reactivate", inv.ID, a.email)
	case a.fixed:
		h.broken("%s invites the account of %s, which has a credential that cannot be removed", inv.ID, a.email)
	case a.mark != inv.ID:
		h.broken("%s is stored, and the account of %s does not have its mark", inv.ID, a.email)
	case h.revivals == 0:
		h.broken("%s was stored, and no hook was called", inv.ID)
	}
	l := &modelInvitation{id: inv.ID, identity: a.id, node: by.node, email: inv.Email, origin: inv.Origin, permit: certain,
		made: modelInstant{h.clock.Running(), h.ahead}}
	h.invitations[l.id] = l
	h.order = append(h.order, l)
}
