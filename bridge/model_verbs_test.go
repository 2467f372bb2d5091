package bridge_test

import (
	"errors"
	"slices"
	"time"

	"pgregory.net/rapid"

	"invitebridge/bridge"
)

func (h *history) drawInvitation(t *rapid.T) *modelInvitation {
	if len(h.order) == 0 {
		t.Skip()
	}
	if f := h.bridges[0].pending; f != nil && rapid.Bool().Draw(t, "the one in flight") {
		return f.invitation
	}
	lives := h.order
	pending := slices.DeleteFunc(slices.Clone(lives), func(l *modelInvitation) bool { return l.lost || l.revoked || l.activated })
	if len(pending) > 0 && rapid.IntRange(0, 4).Draw(t, "pending") > 0 {
		lives = pending
	}
	l := lives[rapid.IntRange(0, len(lives)-1).Draw(t, "invitation")]
	h.serialize(l.node, h.accounts[l.identity])
	return l
}

func (h *history) resend(t *rapid.T) {
	l := h.drawInvitation(t)
	h.drawTrouble(t, l.node)
	offer, err := l.node.w.Service.Resend(t.Context(), l.id)
	h.done(&modelCall{node: l.node, verb: "resend"}, "resend of %s: %v", l.id, err)
	h.explain(l, nil, "", err)
	if err == nil {
		h.recordToken(offer)
	}
}

func (h *history) renew(t *rapid.T) {
	if len(h.links) == 0 {
		t.Skip()
	}
	k := rapid.SampledFrom(h.links).Draw(t, "token")
	h.serialize(k.invitation.node, h.accounts[k.invitation.identity])
	h.drawTrouble(t, k.invitation.node)
	err := k.invitation.node.w.Service.Renew(t.Context(), k.text)
	h.done(&modelCall{node: k.invitation.node, verb: "renew"}, "renew of %s: %v", k.invitation.id, err)
	h.explain(k.invitation, nil, "", err)
}

func (h *history) revoke(t *rapid.T) {
	l := h.drawInvitation(t)
	h.drawTrouble(t, l.node)
	inv, err := l.node.w.Service.Revoke(t.Context(), l.id)
	if err == nil {
		l.revoked = true
		if inv.State != bridge.StateRevoked && inv.RevokeRequestedAt.IsZero() {
			h.broken("revoke of %s returns %s", l.id, inv.State)
		}
	}
	h.done(&modelCall{node: l.node, verb: "revoke"}, "revoke of %s: %v", l.id, err)
	h.explain(l, nil, "", err)
}

func (h *history) expire(t *rapid.T) {
	n := h.drawNode(t)
	h.drawTrouble(t, n)
	_, err := n.w.Service.ExpireDue(t.Context())
	h.done(&modelCall{node: n, verb: "expire"}, "bridge %d expires: %v", n.name, err)
}

// sweep draws a full sweep, or only the expiry, which the ticker runs more
// often.
func (h *history) sweep(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "expire alone") == 0 {
		h.expire(t)
		return
	}
	n := h.drawNode(t)
	h.serialize(n, nil)
	h.drawTrouble(t, n)
	h.runSweep(n)
}

// runSweep checks that nothing due is left, even if some identity cannot be
// read.
func (h *history) runSweep(n *node) {
	now := h.now()
	before := h.due(n, now)
	_, err := n.w.Service.Sweep(h.Context())
	h.done(&modelCall{node: n, verb: "sweep"}, "bridge %d sweeps: %v", n.name, err)
	if !h.trouble.isNone() {
		return
	}
	if err != nil {
		h.broken("a sweep without faults: %v", err)
	}
	for _, inv := range h.due(n, now) {
		if slices.ContainsFunc(before, func(was bridge.Invitation) bool { return was.ID == inv.ID && (was.Claim == nil) == (inv.Claim == nil) }) {
			h.broken("due after a sweep: %+v", inv)
		}
	}
}

// due returns what a sweep has to do, purging aside.
func (h *history) due(n *node, now time.Time) []bridge.Invitation {
	var expiring, claimed, unresolved, reminding []bridge.Invitation
	err := n.w.Store.View(h.Context(), func(tx bridge.Tx) error {
		var errs [4]error
		expiring, errs[0] = tx.ExpiringInvitations(now, 9)
		claimed, errs[1] = tx.ExpiredClaims(now, 9)
		unresolved, errs[2] = tx.InvitationsToCheck(now, 9)
		reminding, errs[3] = tx.InvitationsToRemind(now, 9)
		return errors.Join(errs[:]...)
	})
	if err != nil {
		h.Fatal(err)
	}
	return slices.Concat(expiring, claimed, unresolved, reminding)
}

// deliver sends the queued emails, each with a token of its own, and records all
// that were sent.
func (h *history) deliver(t *rapid.T) {
	n := h.drawNode(t)
	h.withoutTrouble(n)
	claimed, _, err := n.w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
	h.send(n, claimed)
	if err == nil {
		err = n.w.Service.FinishMessages(t.Context(), n.sent...)
	}
	h.done(&modelCall{node: n, verb: "deliver"}, "%d emails: %v", len(n.sent), err)
	n.sent = nil
	if err != nil {
		h.Fatal(err)
	}
}
