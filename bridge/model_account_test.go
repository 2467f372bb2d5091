package bridge_test

import (
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// truth is an identity in Kratos, and whose it is: the model sees
// each write, or makes it.
type truth struct {
	id       uuid.UUID
	email    string
	active   bool
	used     bool // it was active once
	imported bool // it was given a credential before anybody used it
	fixed    bool // it has one that cannot be removed
	ours     bool // a bridge created it
	gone     bool
	mark     uuid.UUID // the invitation that it carries the mark of
	holder   int       // counts those whose it was; 0: nobody's yet
	password string    // the one that opens it; empty: there is none, or nobody has it
	cleaned  bool      // the bridge has begun to replace what opens it
	secrets  []secret
	heal     func() // ends that it cannot be read; nil: it can
}

// secret is something that opens an account for its holder, or did.
type secret struct {
	holder int
	kind   string // password, session, or a type of credential
	value  string
}

// modelInstant is a moment by the clock that nobody sets, and how far the wall
// clock had been set forward by then.
type modelInstant struct{ run, ahead time.Duration }

// permit says what the model knows of a right to hand an account over.
type permit int

const (
	void    permit = iota // the account is, or was, somebody's since: it must not be handed over
	perhaps               // either answer is right
	certain               // it is nobody's: refusing the token is a fault
)

// life is an invitation: what anybody outside of the bridge can know of it.
type life struct {
	id, identity uuid.UUID
	node         *node
	email        string
	origin       bridge.Origin
	permit       permit
	made         modelInstant
	landed       bool // it has activated the account
	noticeable   bool // that happened when the bridge still looked for it
	standing
}

// standing is the part that is forgotten when a store is put back.
type standing struct {
	expires time.Time
	epoch   int
	lapsed  bool // its time had run out, at some moment since it was last revived
	revoked bool // the bridge has said so
	lost    bool // it is in no store any more
}

// link is a token that somebody holds.
type link struct {
	text  string
	life  *life
	epoch int
	email bool // it came by email
	lost  bool
}

func (h *history) accountOf(email string) *truth {
	for _, a := range h.accounts {
		if a.email == email && !a.gone {
			return a
		}
	}
	return nil
}

// disturbed is for what no invitation of the account survives.
func (h *history) disturbed(a *truth) {
	for _, l := range h.order {
		if l.identity == a.id {
			l.permit = void
		}
	}
}

// given is for a credential that an inactive account has got. An invitation that
// may remove it perhaps survives.
func (h *history) given(a *truth) {
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

// handedOver is what an activation by an invitation makes of an account.
func (h *history) handedOver(a *truth, l *life, password string) {
	a.active, a.used, a.cleaned, a.mark = true, true, false, l.id
	a.holder++
	a.password = password
	a.secrets = append(a.secrets, secret{a.holder, passwordKind, password})
	l.landed = true
	h.disturbed(a)
}

const (
	passwordKind = "password"
	sessionKind  = "session"
)

// newcomer grants a new invitation its right, if the account is one that may be
// invited.
func (h *history) newcomer(by act, inv bridge.Invitation) {
	a := h.accounts[inv.IdentityID]
	switch {
	case a == nil || a.gone:
		h.broken("%s invites an identity that is not there", inv.ID)
	case a.active:
		h.broken("%s invites the active account of %s", inv.ID, a.email)
	case (a.used || a.imported) && !by.reactivate:
		h.broken("%s invites the account of %s, which was somebody's; nobody said to reactivate it", inv.ID, a.email)
	case a.fixed:
		h.broken("%s invites the account of %s, which has a credential that stays", inv.ID, a.email)
	case a.mark != inv.ID:
		h.broken("%s is stored, and the account of %s does not carry its mark", inv.ID, a.email)
	case h.revivals == 0:
		h.broken("%s was stored, and no hook was asked", inv.ID)
	}
	l := &life{id: inv.ID, identity: a.id, node: by.node, email: inv.Email, origin: inv.Origin, permit: certain,
		made: modelInstant{h.clock.Running(), h.ahead}}
	h.lives[l.id] = l
	h.order = append(h.order, l)
}
