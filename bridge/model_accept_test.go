package bridge_test

import (
	"errors"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"invitebridge/bridge"
)

// drawLink picks a token, in most cases one that must be valid.
func (h *history) drawLink(t *rapid.T) *link {
	var all []*link
	for i := range h.links {
		all = append(all, &h.links[i])
	}
	valid := slices.DeleteFunc(slices.Clone(all), func(k *link) bool { return !h.mustOpen(k) })
	if len(valid) > 0 && rapid.IntRange(0, 4).Draw(t, "valid") > 0 {
		all = valid
	}
	if len(all) == 0 {
		t.Skip()
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "token")]
}

// drawAccept draws an acceptance.
func (h *history) drawAccept(t *rapid.T) (modelCall, *link) {
	k := h.drawLink(t)
	l := k.invitation
	by := modelCall{node: l.node, verb: acceptVerb, invitation: l, at: h.now(), run: h.clock.Running(), expires: l.expires}
	h.serialize(by.node, h.accounts[l.identity])
	by.early = l.origin == bridge.OriginReactivated && by.run-l.made.run < modelCodes && h.ahead == l.made.ahead
	by.unreadable = h.accounts[l.identity].restoreRead != nil
	h.passwords++
	by.password = fmt.Sprintf("correct-Horse-%d", h.passwords)
	if rapid.IntRange(0, 9).Draw(t, "weak") == 0 {
		by.password = "short"
	}
	return by, k
}

func (h *history) accept(t *rapid.T) {
	by, k := h.drawAccept(t)
	h.drawTrouble(t, by.node)
	l := by.invitation
	sure := h.trouble.isNone() && h.mustOpen(k) && h.accounts[l.identity].restoreRead == nil && by.password != "short" && !h.claimed(l)
	// Late requests of the model are those that set a password.
	by.byKratos = !h.trouble.late && by.password != "short" && rapid.IntRange(0, 2).Draw(t, "by kratos") == 0
	sent := h.delayPut(&by)
	with := bridge.AcceptParams{Method: bridge.AcceptPassword, Password: by.password}
	if by.byKratos {
		with = bridge.AcceptParams{Method: bridge.AcceptKratos}
	}
	done, err := by.node.w.Service.AcceptWith(t.Context(), k.text, with)
	inv := done.Invitation
	sent()
	h.done(&by, "accept of %s by %s, %s: %v", l.id, with.Method, by.password, err)
	h.checkAccept(by, k, inv, err)
	if sure && err != nil && !errors.Is(err, bridge.ErrAcceptTooEarly) {
		h.broken("no one uses %s, and the token of %s is refused: %v", l.email, l.id, err)
	}
}

// checkAccept compares the result of an acceptance with the model.
func (h *history) checkAccept(by modelCall, k *link, inv bridge.Invitation, err error) {
	l, a := by.invitation, h.accounts[by.invitation.identity]
	has := slices.ContainsFunc(a.secrets, func(s secret) bool { return s.value == by.password })
	switch {
	case err == nil && (!has || inv.ID != l.id || inv.State != bridge.StateAccepted):
		h.broken("accept of %s succeeded, and the account was not handed over", l.id)
	case errors.Is(err, bridge.ErrAccepted) && has && h.leaseOver(by):
		return // the sweep came first
	case has && err != nil && !a.gone && a.mark == l.id && !errors.Is(err, bridge.ErrKratosUnavailable) && !errors.Is(err, bridge.ErrStoreUnavailable):
		h.broken("accept of %s returned %v, and the account was handed over", l.id, err)
	}
	if errors.Is(err, bridge.ErrKratosUnavailable) && (h.leaseOver(by) || by.unreadable) || errors.Is(err, bridge.ErrAcceptInProgress) && h.leaseOver(by) {
		return // of the last: the sweep may have ended the claim
	}
	h.explain(l, k, by.password, err)
}
