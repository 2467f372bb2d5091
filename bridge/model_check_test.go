package bridge_test

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// mustOpen reports whether a token must be valid.
func (h *history) mustOpen(k *link) bool {
	l := k.invitation
	return !k.lost && !l.lost && l.permit == certain && !l.revoked && !l.expired && k.epoch == l.epoch
}

// explain fails the history unless the model knows a reason for err. k is nil
// for calls that need no token.
func (h *history) explain(l *modelInvitation, k *link, password string, err error) {
	a := h.accounts[l.identity]
	var e *bridge.Error
	if err == nil {
		return
	}
	if !errors.As(err, &e) {
		h.Fatalf("not a *bridge.Error: %v", err)
	}
	var known bool
	switch {
	case errors.Is(err, bridge.ErrExpired):
		known = l.expired || k != nil && k.epoch != l.epoch
	case errors.Is(err, bridge.ErrRevoked), errors.Is(err, bridge.ErrIdentityInUse):
		known = l.revoked || l.permit != certain
	case errors.Is(err, bridge.ErrAccepted):
		known = l.activated
	case errors.Is(err, bridge.ErrNotFound):
		known = l.lost || k != nil && k.lost
	case errors.Is(err, bridge.ErrAcceptInProgress):
		known = h.claimed(l)
	case errors.Is(err, bridge.ErrIdentityConflict): // from Resend
		known = k == nil
	case errors.Is(err, bridge.ErrAcceptTooEarly):
		known = l.origin == bridge.OriginReactivated
	case errors.Is(err, bridge.ErrPasswordPolicyViolation):
		known = password == "short"
	case errors.Is(err, bridge.ErrHookRefused), errors.Is(err, bridge.ErrHookUnavailable):
		known = h.trouble.hook != nil
	case errors.Is(err, bridge.ErrStoreUnavailable):
		known = h.trouble.lose != 0
	default: // from Kratos
		known = !h.trouble.isNone() || a.restoreRead != nil
	}
	if !known {
		h.broken("the invitation %s of %s is refused for no known reason: %v", l.id, l.email, err)
	}
}

// check compares accounts, tokens and stores with the model.
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

func (h *history) checkAccount(a *modelAccount) {
	if a.gone {
		if h.kratos.Exists(a.id) {
			h.broken("%s still exists", a.id)
		}
		return
	}
	if !h.kratos.Exists(a.id) {
		h.broken("the account of %s is gone", a.email)
	}
	if active := h.kratos.Active(a.id); active != a.active {
		h.broken("%s is active: %v, want %v", a.email, active, a.active)
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

// checkLink previews a token. A refusal must be explained, and a token that is
// accepted must be neither revoked nor expired.
func (h *history) checkLink(k *link) {
	h.trouble = noTrouble
	inv, err := k.invitation.node.w.Service.Preview(h.Context(), k.text)
	h.explain(k.invitation, k, "", err)
	if err == nil && (inv.ID != k.invitation.id || k.invitation.revoked || k.lost || k.epoch != k.invitation.epoch || !h.now().Before(k.invitation.expires)) {
		h.broken("a token of %s is valid: %+v", k.invitation.id, k.invitation.storedState)
	}
}

// checkStore checks that a store is consistent in itself and with the model.
func (h *history) checkStore(n *node) {
	pending := map[any]bool{}
	err := n.w.Store.View(h.Context(), func(tx bridge.Tx) error {
		all, err := tx.ListInvitations(bridge.InvitationQuery{Limit: 1000})
		if err != nil {
			return err
		}
		for _, inv := range all {
			l := h.invitations[inv.ID]
			if inv.State == bridge.StatePending {
				if pending[inv.Email] || pending[inv.IdentityID] {
					h.broken("two pending invitations share %s", inv.Email)
				}
				pending[inv.Email], pending[inv.IdentityID] = true, true
			}
			if inv.State == bridge.StateAccepted && !l.activated {
				h.broken("%s is accepted, and did not activate its account", l.id)
			}
			if inv.Origin != l.origin {
				h.broken("%s has the origin %s", l.id, inv.Origin)
			}
			if err := h.checkHistory(tx, inv); err != nil {
				return err
			}
			events, err := h.eventCounts(tx, inv.ID)
			if err != nil {
				return err
			}
			accepted, revoked := inv.State == bridge.StateAccepted, !inv.RevokedAt.IsZero()
			if events[bridge.EventPostPassword] != count(accepted) || events[bridge.EventInvitationRevoked] != count(revoked) {
				h.broken("%s is %s, and events are %v", l.id, inv.State, events)
			}
			if expired := events[bridge.EventInvitationExpired]; expired < inv.Epoch || expired > inv.Epoch+1 {
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

func (h *history) eventCounts(tx bridge.Tx, id uuid.UUID) (map[bridge.Event]int, error) {
	counts := map[bridge.Event]int{}
	messages, err := tx.ListMessages(bridge.MessageQuery{InvitationID: id, Limit: 1000})
	for _, m := range messages {
		if m.Endpoint == bridgetest.Hook {
			counts[m.Payload.Type]++
		}
	}
	return counts, err
}

// finish completes all that is in progress and checks what remains: no claim;
// every token that must be valid can be accepted; and after the retention
// period, nothing.
func (h *history) finish() {
	for _, n := range h.bridges {
		if n.pending != nil {
			h.withoutTrouble(n)
			h.finishAccept(n.pending)
		}
	}
	for _, a := range h.accounts {
		h.makeReadable(a)
	}
	h.clock.Set(h.back) // claims expire by the wall clock too
	h.advanceAndSweep(time.Minute, 13)
	for _, n := range h.bridges {
		for _, inv := range h.stored(n) {
			l, a := h.invitations[inv.ID], h.accounts[inv.IdentityID]
			if inv.Claim != nil {
				h.broken("the claim of %s was never reconciled", l.id)
			}
			if l.activated && l.detectable && a.mark == l.id && !a.gone && inv.State != bridge.StateAccepted {
				h.broken("%s has activated its account, and is %s", l.id, inv.State)
			}
		}
	}
	for i := range h.links {
		h.redeem(&h.links[i])
	}
	h.advanceAndSweep(25*time.Hour, 2) // the longest lifespan
	h.advanceAndSweep(modelRetention, 3)
	for _, n := range h.bridges {
		if left := h.stored(n); len(left) > 0 {
			h.broken("%s is %s forever", left[0].ID, left[0].State)
		}
	}
	h.checkLeftovers()
}

// redeem accepts a token that must still be valid.
func (h *history) redeem(k *link) {
	if !h.mustOpen(k) {
		return
	}
	l := k.invitation
	h.passwords++
	by := modelCall{node: l.node, verb: acceptVerb, invitation: l, password: "finally-Horse-9", at: h.now(), run: h.clock.Running(), expires: l.expires}
	h.withoutTrouble(l.node)
	inv, err := l.node.w.Service.Accept(h.Context(), k.text, by.password)
	h.done(&by, "accept of %s in the end: %v", l.id, err)
	h.checkAccept(by, k, inv, err)
	if err != nil && !errors.Is(err, bridge.ErrAcceptTooEarly) {
		h.broken("no one uses %s, and in the end the token of %s is refused: %v", l.email, l.id, err)
	}
	h.check()
}

// checkLeftovers: no identity that a bridge created and no one used is left if
// such identities are to be deleted.
func (h *history) checkLeftovers() {
	for _, a := range h.accounts {
		l := h.invitations[a.mark]
		if a.gone || a.used || a.imported || l == nil || l.node.restored || l.origin != bridge.OriginCreated {
			continue
		}
		if h.unaccepted != bridge.KeepUnaccepted {
			h.broken("the unused identity of %s was not deleted", a.email)
		}
	}
}

// advanceAndSweep lets time pass and every bridge sweep, the given number of
// times.
func (h *history) advanceAndSweep(d time.Duration, times int) {
	for range times {
		h.advance(d)
		for _, n := range h.bridges {
			h.withoutTrouble(n)
			h.runSweep(n)
		}
		h.check()
	}
}
