package bridge_test

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// opens says that a token must be good.
func (h *history) opens(k *link) bool {
	l := k.life
	return !k.lost && !l.lost && l.permit == certain && !l.revoked && !l.lapsed && k.epoch == l.epoch
}

// explain fails the history unless the model knows why a verb was refused. k is
// nil for verbs that need no token.
func (h *history) explain(l *life, k *link, password string, err error) {
	a := h.accounts[l.identity]
	var e *bridge.Error
	if err == nil {
		return
	}
	if !errors.As(err, &e) {
		h.Fatalf("not an error for callers: %v", err)
	}
	var known bool
	switch {
	case errors.Is(err, bridge.ErrExpired):
		known = l.lapsed || k != nil && k.epoch != l.epoch
	case errors.Is(err, bridge.ErrRevoked), errors.Is(err, bridge.ErrIdentityInUse):
		known = l.revoked || l.permit != certain
	case errors.Is(err, bridge.ErrAccepted):
		known = l.landed
	case errors.Is(err, bridge.ErrNotFound):
		known = l.lost || k != nil && k.lost
	case errors.Is(err, bridge.ErrAcceptInProgress):
		known = h.claimed(l)
	case errors.Is(err, bridge.ErrIdentityConflict): // of a resend
		known = k == nil
	case errors.Is(err, bridge.ErrTooEarly):
		known = l.origin == bridge.OriginReactivated
	case errors.Is(err, bridge.ErrPasswordPolicy):
		known = password == "short"
	case errors.Is(err, bridge.ErrHookRefused), errors.Is(err, bridge.ErrHookUnavailable):
		known = h.trouble.hook != nil
	case errors.Is(err, bridge.ErrStoreAway):
		known = h.trouble.lose != 0
	default: // of Kratos
		known = !h.trouble.calm() || a.heal != nil
	}
	if !known {
		h.broken("the invitation %s of %s is refused for no reason: %v", l.id, l.email, err)
	}
}

// check holds the whole world against the truth.
func (h *history) check() {
	for _, a := range h.accounts {
		h.checkAccount(a)
	}
	for i := range h.links {
		h.checkLink(&h.links[i])
	}
	for _, n := range h.bridges {
		h.checkStore(n)
	}
}

func (h *history) checkAccount(a *truth) {
	if a.gone {
		if h.kratos.Exists(a.id) {
			h.broken("%s is there still", a.id)
		}
		return
	}
	if !h.kratos.Exists(a.id) {
		h.broken("the account of %s is gone", a.email)
	}
	if active := h.kratos.Active(a.id); active != a.active {
		h.broken("%s is active: %v, and the truth is %v", a.email, active, a.active)
	}
	shown, err := h.kratos.Show(h.Context(), a.id)
	if err != nil {
		h.Fatal(err)
	}
	for _, s := range a.secrets {
		theirs := s.holder == a.holder
		switch s.kind {
		case passwordKind:
			want := a.active && theirs && s.value == a.password
			identifier := a.email
			if identifier == namedEmail {
				identifier = userName
			}
			if err := h.kratos.SignIn(h.Context(), identifier, s.value); (err == nil) != want {
				h.broken("%s signs in with %s of holder %d: %v; its holder is %d, with %q", a.email, s.value, s.holder, err, a.holder, a.password)
			}
		case sessionKind:
			if h.kratos.SessionWorks(s.value) && !theirs {
				h.broken("a session of the former holder of %s works", a.email)
			}
		case "oidc":
			if h.kratos.SignInOIDC("idp", s.value) == nil && (!theirs || !a.active) {
				h.broken("the former holder of %s signs in with a provider", a.email)
			}
		default:
			if c, ok := shown.Credentials[s.kind]; ok && len(c.Identifiers) > 0 && !theirs {
				h.broken("%s has the %s of a former holder", a.email, s.kind)
			}
		}
	}
}

// checkLink looks at a token. What is refused must be explained, and what opens
// must be neither revoked nor run out.
func (h *history) checkLink(k *link) {
	h.trouble = noTrouble
	inv, err := k.life.node.w.Service.Look(h.Context(), k.text)
	h.explain(k.life, k, "", err)
	if err == nil && (inv.ID != k.life.id || k.life.revoked || k.lost || k.epoch != k.life.epoch || !h.now().Before(k.life.expires)) {
		h.broken("a token of %s opens it: %+v", k.life.id, k.life.standing)
	}
}

// checkStore: what a store says hangs together, and with the truth.
func (h *history) checkStore(n *node) {
	pending := map[any]bool{}
	err := n.w.Store.View(h.Context(), func(tx bridge.Tx) error {
		all, err := tx.ListInvitations(bridge.Query{Limit: 1000})
		if err != nil {
			return err
		}
		for _, inv := range all {
			l := h.lives[inv.ID]
			if inv.State == bridge.StatePending {
				if pending[inv.Email] || pending[inv.IdentityID] {
					h.broken("two pending invitations share %s", inv.Email)
				}
				pending[inv.Email], pending[inv.IdentityID] = true, true
			}
			if inv.State == bridge.StateAccepted && !l.landed {
				h.broken("%s is said to be accepted", l.id)
			}
			if inv.Origin != l.origin {
				h.broken("%s says that its identity is %s", l.id, inv.Origin)
			}
			told, err := h.told(tx, inv.ID)
			if err != nil {
				return err
			}
			accepted, revoked := inv.State == bridge.StateAccepted, !inv.RevokedAt.IsZero()
			if told[bridge.EventPostPassword] != count(accepted) || told[bridge.EventInvitationRevoked] != count(revoked) {
				h.broken("%s is %s, and events are %v", l.id, inv.State, told)
			}
			if expired := told[bridge.EventInvitationExpired]; expired < inv.Epoch || expired > inv.Epoch+1 {
				h.broken("%s was revived %d times, and expired %d times", l.id, inv.Epoch, expired)
			}
		}
		return nil
	})
	if err != nil {
		h.Fatal(err)
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (h *history) told(tx bridge.Tx, id uuid.UUID) (map[bridge.Event]int, error) {
	told := map[bridge.Event]int{}
	messages, err := tx.ListMessages(bridge.MessageQuery{InvitationID: id, Limit: 1000})
	for _, m := range messages {
		if m.Endpoint == bridgetest.Hook {
			told[m.Payload.Type]++
		}
	}
	return told, err
}

// finish lets all that is under way come to its end, and looks what is left: no
// claim, every token that must be good accepted, and in the end nothing.
func (h *history) finish() {
	for _, n := range h.bridges {
		if n.flight != nil {
			h.calm(n)
			h.landed(n.flight)
		}
	}
	for _, a := range h.accounts {
		h.healed(a)
	}
	h.clock.Set(h.back) // a claim is waited for by the wall clock too
	h.ticks(time.Minute, 13)
	for _, n := range h.bridges {
		for _, inv := range h.stored(n) {
			l, a := h.lives[inv.ID], h.accounts[inv.IdentityID]
			if inv.Claim != nil {
				h.broken("the claim of %s was never settled", l.id)
			}
			if l.landed && l.noticeable && a.mark == l.id && !a.gone && inv.State != bridge.StateAccepted {
				h.broken("%s has activated its account, and is %s", l.id, inv.State)
			}
		}
	}
	for i := range h.links {
		h.redeem(&h.links[i])
	}
	h.ticks(25*time.Hour, 2) // the longest lifespan
	h.ticks(modelRetention, 3)
	for _, n := range h.bridges {
		if left := h.stored(n); len(left) > 0 {
			h.broken("%s is %s for ever", left[0].ID, left[0].State)
		}
	}
	h.checkLeftovers()
}

// redeem accepts what must be good still.
func (h *history) redeem(k *link) {
	if !h.opens(k) {
		return
	}
	l := k.life
	h.passwords++
	by := act{node: l.node, verb: acceptVerb, life: l, password: "finally-Horse-9", at: h.now(), run: h.clock.Running(), expires: l.expires}
	h.calm(l.node)
	inv, err := l.node.w.Service.Accept(h.Context(), k.text, by.password)
	h.done(&by, "accept of %s in the end: %v", l.id, err)
	h.accepted(by, k, inv, err)
	if err != nil && !errors.Is(err, bridge.ErrTooEarly) {
		h.broken("%s is nobody's, and in the end the token of %s is refused: %v", l.email, l.id, err)
	}
	h.check()
}

// checkLeftovers: of what a bridge created and nobody used, nothing is left where
// it is to be deleted.
func (h *history) checkLeftovers() {
	for _, a := range h.accounts {
		l := h.lives[a.mark]
		if a.gone || a.used || a.imported || l == nil || l.node.restored || l.origin != bridge.OriginCreated {
			continue
		}
		if h.unaccepted != bridge.KeepUnaccepted {
			h.broken("the identity of %s, which nobody ever used, is left", a.email)
		}
	}
}

// ticks lets time pass, and every bridge sweep, so many times.
func (h *history) ticks(d time.Duration, times int) {
	for range times {
		h.passes(d)
		for _, n := range h.bridges {
			h.calm(n)
			h.sweeps(n)
		}
		h.check()
	}
}
