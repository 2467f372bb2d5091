package bridge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

var modelEmails = []string{"a@example.com", "b@example.com", "c@example.com", namedEmail}

// namedEmail is the address of somebody who signs in with a user name, so that
// Kratos does not find the address.
const (
	namedEmail = "d@example.com"
	userName   = "Dee"
)

// described is what an identity of an address is made of.
func described(email string) (schema string, traits json.RawMessage) {
	if email == namedEmail {
		return "named", fmt.Appendf(nil, `{"email":%q,"username":%q}`, email, userName)
	}
	return kratostest.DefaultSchema, fmt.Appendf(nil, `{"email":%q}`, email)
}

func (h *history) invite(t *rapid.T) {
	by := act{node: h.drawNode(t), verb: inviteVerb, reactivate: rapid.IntRange(0, 2).Draw(t, "reactivate") == 0}
	lifespan := rapid.SampledFrom([]time.Duration{time.Hour, 24 * time.Hour, 24 * time.Hour, time.Minute, 10 * time.Second}).Draw(t, "lifespan")
	r := bridge.InviteRequest{Email: rapid.SampledFrom(modelEmails).Draw(t, "email"), ExpiresIn: lifespan, Reactivate: by.reactivate}
	a := h.accountOf(r.Email)
	h.alone(by.node, a)
	email := r.Email
	if email == namedEmail {
		if r.SchemaID, r.Traits = described(email); a != nil && rapid.IntRange(0, 2).Draw(t, "the address alone") == 0 {
			r.Traits = nil
		}
	}
	if a != nil && rapid.IntRange(0, 3).Draw(t, "named") == 0 {
		r.Email, r.IdentityID = "", a.id
	}
	h.meet(t, by.node)
	known, want := h.invitable(by, email, lifespan)
	if email == namedEmail && r.Email != "" && r.Traits == nil && !h.remembers(by.node, a) {
		known, want = a.heal == nil, bridge.ErrIdentityConflict // nothing leads to it
	}
	offer, err := by.node.w.Service.Invite(t.Context(), r)
	h.done(&by, "%s of %s, reactivate %v: %v", by.verb, email, by.reactivate, err)
	if h.trouble.calm() && known && !errors.Is(err, want) && (err != nil || want != nil) {
		h.broken("invite of %s, reactivate %v, gives %v, want %v", email, by.reactivate, err, want)
	}
	if err == nil {
		h.offered(offer)
	}
}

// invitable gives the answer to an invite that nothing troubles. known says
// whether the model can tell.
func (h *history) invitable(by act, email string, lifespan time.Duration) (known bool, want error) {
	a := h.accountOf(email)
	for _, inv := range h.stored(by.node) {
		if inv.Email == email && (inv.Claim != nil || inv.State == bridge.StatePending && h.lives[inv.ID].permit == perhaps) {
			return false, nil
		}
		if a != nil && inv.Email == email && inv.State == bridge.StatePending && h.lives[inv.ID].permit == certain && h.now().Before(inv.ExpiresAt) {
			if inv.Origin == bridge.OriginReactivated && !by.reactivate {
				return a.heal == nil, bridge.ErrIdentityDeactivated
			}
			return a.heal == nil, nil // it gets an additional token
		}
	}
	switch {
	case a == nil:
		return true, nil
	case a.heal != nil:
		return false, nil
	case a.active:
		return true, bridge.ErrIdentityActive
	case a.fixed:
		return true, bridge.ErrIdentityConflict
	case by.reactivate && (a.used || a.imported) && lifespan <= modelCodes:
		return true, bridge.ErrExpiresIn
	case by.reactivate:
		return true, nil
	case a.used:
		return true, bridge.ErrIdentityDeactivated
	case a.imported:
		return true, bridge.ErrIdentityHasCredentials
	}
	return true, nil
}

// remembers says whether a bridge has invited an account at its address before.
func (h *history) remembers(n *node, a *truth) bool {
	former := slices.DeleteFunc(h.stored(n), func(inv bridge.Invitation) bool { return inv.Email != a.email })
	former = former[max(0, len(former)-8):]
	return slices.ContainsFunc(former, func(inv bridge.Invitation) bool { return inv.IdentityID == a.id })
}

// offered takes over the token of an answer.
func (h *history) offered(offer bridge.Offer) {
	l := h.lives[offer.Invitation.ID]
	if l == nil {
		h.Fatalf("%s was offered, and is not stored", offer.Invitation.ID)
	}
	h.links = append(h.links, link{text: offer.Token.Reveal(), life: l, epoch: offer.Invitation.Epoch})
}

// drawLink picks a token, mostly one that must be good.
func (h *history) drawLink(t *rapid.T) *link {
	var all []*link
	for i := range h.links {
		all = append(all, &h.links[i])
	}
	good := slices.DeleteFunc(slices.Clone(all), func(k *link) bool { return !h.opens(k) })
	if len(good) > 0 && rapid.IntRange(0, 4).Draw(t, "good") > 0 {
		all = good
	}
	if len(all) == 0 {
		t.Skip()
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "token")]
}

// drawAct begins an acceptance.
func (h *history) drawAct(t *rapid.T) (act, *link) {
	k := h.drawLink(t)
	l := k.life
	by := act{node: l.node, verb: acceptVerb, life: l, at: h.now(), run: h.clock.Running(), expires: l.expires}
	h.alone(by.node, h.accounts[l.identity])
	by.early = l.origin == bridge.OriginReactivated && by.run-l.made.run < modelCodes && h.ahead == l.made.ahead
	h.passwords++
	by.password = fmt.Sprintf("correct-Horse-%d", h.passwords)
	if rapid.IntRange(0, 9).Draw(t, "weak") == 0 {
		by.password = "short"
	}
	return by, k
}

func (h *history) accept(t *rapid.T) {
	by, k := h.drawAct(t)
	h.meet(t, by.node)
	l := by.life
	sure := h.trouble.calm() && h.opens(k) && h.accounts[l.identity].heal == nil && by.password != "short" && !h.claimed(l)
	sent := h.postpone(&by)
	inv, err := by.node.w.Service.Accept(t.Context(), k.text, by.password)
	sent()
	h.done(&by, "accept of %s, %s: %v", l.id, by.password, err)
	h.accepted(by, k, inv, err)
	if sure && err != nil && !errors.Is(err, bridge.ErrTooEarly) {
		h.broken("%s is nobody's, and the token of %s is refused: %v", l.email, l.id, err)
	}
}

// accepted holds the answer of an acceptance against the truth.
func (h *history) accepted(by act, k *link, inv bridge.Invitation, err error) {
	l, a := by.life, h.accounts[by.life.identity]
	has := slices.ContainsFunc(a.secrets, func(s secret) bool { return s.value == by.password })
	switch {
	case err == nil && (!has || inv.ID != l.id || inv.State != bridge.StateAccepted):
		h.broken("accept of %s says that it succeeded, and the account was not handed over", l.id)
	case errors.Is(err, bridge.ErrAccepted) && has && h.leaseOver(by):
		return // the sweep was first
	case has && err != nil && !a.gone && a.mark == l.id && !errors.Is(err, bridge.ErrKratosAway) && !errors.Is(err, bridge.ErrStoreAway):
		h.broken("accept of %s says %v, and the account was handed over", l.id, err)
	}
	if errors.Is(err, bridge.ErrKratosAway) && h.leaseOver(by) {
		return
	}
	h.explain(l, k, by.password, err)
}

func (h *history) drawLife(t *rapid.T) *life {
	if len(h.order) == 0 {
		t.Skip()
	}
	if f := h.bridges[0].flight; f != nil && rapid.Bool().Draw(t, "that in flight") {
		return f.life
	}
	lives := h.order
	pending := slices.DeleteFunc(slices.Clone(lives), func(l *life) bool { return l.lost || l.revoked || l.landed })
	if len(pending) > 0 && rapid.IntRange(0, 4).Draw(t, "pending") > 0 {
		lives = pending
	}
	l := lives[rapid.IntRange(0, len(lives)-1).Draw(t, "invitation")]
	h.alone(l.node, h.accounts[l.identity])
	return l
}

func (h *history) resend(t *rapid.T) {
	l := h.drawLife(t)
	h.meet(t, l.node)
	offer, err := l.node.w.Service.Resend(t.Context(), l.id)
	h.done(&act{node: l.node, verb: "resend"}, "resend of %s: %v", l.id, err)
	h.explain(l, nil, "", err)
	if err == nil {
		h.offered(offer)
	}
}

func (h *history) renew(t *rapid.T) {
	if len(h.links) == 0 {
		t.Skip()
	}
	k := rapid.SampledFrom(h.links).Draw(t, "token")
	h.alone(k.life.node, h.accounts[k.life.identity])
	h.meet(t, k.life.node)
	err := k.life.node.w.Service.Renew(t.Context(), k.text)
	h.done(&act{node: k.life.node, verb: "renew"}, "renew of %s: %v", k.life.id, err)
	h.explain(k.life, nil, "", err)
}

func (h *history) revoke(t *rapid.T) {
	l := h.drawLife(t)
	h.meet(t, l.node)
	inv, err := l.node.w.Service.Revoke(t.Context(), l.id)
	if err == nil {
		l.revoked = true
		if inv.State != bridge.StateRevoked && inv.RevokeRequestedAt.IsZero() {
			h.broken("revoke of %s gives %s", l.id, inv.State)
		}
	}
	h.done(&act{node: l.node, verb: "revoke"}, "revoke of %s: %v", l.id, err)
	h.explain(l, nil, "", err)
}

func (h *history) expire(t *rapid.T) {
	n := h.drawNode(t)
	h.meet(t, n)
	_, err := n.w.Service.Expire(t.Context())
	h.done(&act{node: n, verb: "expire"}, "bridge %d expires: %v", n.name, err)
}

// sweep comes with or without what the ticker does more often.
func (h *history) sweep(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "expire alone") == 0 {
		h.expire(t)
		return
	}
	n := h.drawNode(t)
	h.alone(n, nil)
	h.meet(t, n)
	h.sweeps(n)
}

// sweeps leaves nothing that was due, whatever identity cannot be read.
func (h *history) sweeps(n *node) {
	now := h.now()
	before := h.due(n, now)
	_, err := n.w.Service.Sweep(h.Context())
	h.done(&act{node: n, verb: "sweep"}, "bridge %d sweeps: %v", n.name, err)
	if !h.trouble.calm() {
		return
	}
	if err != nil {
		h.broken("a sweep that nothing troubles: %v", err)
	}
	for _, inv := range h.due(n, now) {
		if slices.ContainsFunc(before, func(was bridge.Invitation) bool { return was.ID == inv.ID && (was.Claim == nil) == (inv.Claim == nil) }) {
			h.broken("due after a sweep: %+v", inv)
		}
	}
}

// due gives what a sweep has to do, other than to purge.
func (h *history) due(n *node, now time.Time) []bridge.Invitation {
	var expiring, lapsed, watched []bridge.Invitation
	err := n.w.Store.View(h.Context(), func(tx bridge.Tx) error {
		var errs [3]error
		expiring, errs[0] = tx.ExpiringInvitations(now, 9)
		lapsed, errs[1] = tx.LapsedClaims(now, 9)
		watched, errs[2] = tx.WatchedInvitations(now, 9)
		return errors.Join(errs[:]...)
	})
	if err != nil {
		h.Fatal(err)
	}
	return slices.Concat(expiring, lapsed, watched)
}

// deliver has the emails go out that wait, each with a token of its own.
func (h *history) deliver(t *rapid.T) {
	n := h.drawNode(t)
	h.calm(n)
	claimed, _, err := n.w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
	for _, c := range claimed {
		if err == nil {
			err = n.w.Service.FinishMessage(t.Context(), c, bridge.Result{Outcome: bridge.Sent})
		}
		l := h.lives[c.Dispatch.Payload.Data.Invitation.ID]
		h.links = append(h.links, link{text: c.Dispatch.Payload.Data.Token, life: l, epoch: l.epoch, email: true})
	}
	h.done(&act{node: n, verb: "deliver"}, "%d emails: %v", len(claimed), err)
	if err != nil {
		h.Fatal(err)
	}
}

// done ends the trouble of a verb, and holds what it did against the truth.
func (h *history) done(by *act, format string, args ...any) {
	h.over()
	h.step("%s, %s", fmt.Sprintf(format, args...), h.trouble)
	h.sync(by)
	for _, n := range h.bridges {
		if f := n.flight; f != nil && n != by.node && !f.onItsWay() {
			h.passes(time.Second) // its verdict is older than what was done now
			return
		}
	}
}

func (h *history) stored(n *node) (all []bridge.Invitation) {
	err := n.w.Store.View(h.Context(), func(tx bridge.Tx) (err error) {
		all, err = tx.ListInvitations(bridge.Query{Limit: 1000})
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

func (h *history) claimed(l *life) bool {
	return slices.ContainsFunc(h.stored(l.node), func(inv bridge.Invitation) bool { return inv.ID == l.id && inv.Claim != nil })
}

// sync audits what was written, and takes over what the stores say of time.
func (h *history) sync(by *act) {
	h.audit(by)
	for _, n := range h.bridges {
		there := map[uuid.UUID]bool{}
		for _, inv := range h.stored(n) {
			there[inv.ID] = true
			if h.lives[inv.ID] == nil {
				if by.verb != inviteVerb || n != by.node {
					h.broken("%s made an invitation: %s", by.verb, inv.ID)
				}
				h.newcomer(*by, inv)
			}
			l := h.lives[inv.ID]
			if inv.Epoch > l.epoch {
				if h.revivals == 0 {
					h.broken("%s was revived by %s, and no hook has consented", l.id, by.verb)
				}
				l.lapsed = false
			}
			if by.verb == "renew" && !h.renewing && (inv.Epoch != l.epoch || !inv.ExpiresAt.Equal(l.expires)) {
				h.broken("%s was renewed, and renewing is off", l.id)
			}
			l.epoch, l.expires = inv.Epoch, inv.ExpiresAt
		}
		for _, l := range h.order {
			if l.node == n && !there[l.id] && !l.lost {
				if l.permit == certain && !l.lapsed && !l.revoked {
					h.broken("%s is not stored any more", l.id)
				}
				l.lost = true
			}
		}
	}
	h.note()
}

// note keeps in mind which invitations have run out.
func (h *history) note() {
	for _, l := range h.order {
		if !l.expires.IsZero() && !h.now().Before(l.expires) {
			l.lapsed = true
		}
	}
}
