package bridge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

var modelEmails = []string{"a@example.com", "b@example.com", "c@example.com", namedEmail}

// namedEmail is the address of a user who signs in with a user name, so that
// Kratos does not find the address.
const (
	namedEmail = "d@example.com"
	userName   = "Dee"
)

// schemaAndTraits returns what an identity with this address is created with.
func schemaAndTraits(email string) (schema string, traits json.RawMessage) {
	if email == namedEmail {
		return "named", fmt.Appendf(nil, `{"email":%q,"username":%q}`, email, userName)
	}
	return kratostest.DefaultSchema, fmt.Appendf(nil, `{"email":%q}`, email)
}

func (h *history) invite(t *rapid.T) {
	by := modelCall{node: h.drawNode(t), verb: inviteVerb, reactivate: rapid.IntRange(0, 2).Draw(t, "reactivate") == 0}
	lifespan := rapid.SampledFrom([]time.Duration{time.Hour, 24 * time.Hour, 24 * time.Hour, time.Minute, 10 * time.Second}).Draw(t, "lifespan")
	r := bridge.InviteRequest{Email: rapid.SampledFrom(modelEmails).Draw(t, "email"), ExpiresIn: lifespan, Reactivate: by.reactivate, Reminders: drawReminders(t, lifespan)}
	a := h.accountOf(r.Email)
	h.serialize(by.node, a)
	email := r.Email
	if email == namedEmail {
		if r.SchemaID, r.Traits = schemaAndTraits(email); a != nil && rapid.IntRange(0, 2).Draw(t, "the address alone") == 0 {
			r.Traits = nil
		}
	}
	if a != nil && rapid.IntRange(0, 3).Draw(t, "named") == 0 {
		r.Email, r.IdentityID = "", a.id
	}
	h.drawTrouble(t, by.node)
	known, want := h.invitable(by, email, lifespan)
	if email == namedEmail && r.Email != "" && r.Traits == nil && !h.remembers(by.node, a) {
		known, want = a.restoreRead == nil && !h.undecided(by.node, email), bridge.ErrIdentityConflict // it cannot be found
	}
	offer, err := by.node.w.Service.Invite(t.Context(), r)
	h.done(&by, "%s of %s, reactivate %v: %v", by.verb, email, by.reactivate, err)
	if h.trouble.isNone() && known && !errors.Is(err, want) && (err != nil || want != nil) {
		h.broken("invite of %s, reactivate %v, returns %v, want %v", email, by.reactivate, err, want)
	}
	if err == nil {
		h.recordToken(offer)
	}
}

// invitable returns the expected outcome of an invite without faults. known
// reports whether the model can tell.
func (h *history) invitable(by modelCall, email string, lifespan time.Duration) (known bool, want error) {
	a := h.accountOf(email)
	if h.undecided(by.node, email) {
		return false, nil
	}
	for _, inv := range h.stored(by.node) {
		if a != nil && inv.Email == email && inv.State == bridge.StatePending && h.invitations[inv.ID].permit == certain && h.now().Before(inv.ExpiresAt) {
			if inv.Origin == bridge.OriginReactivated && !by.reactivate {
				return a.restoreRead == nil, bridge.ErrIdentityDeactivated
			}
			return a.restoreRead == nil, nil // it gets an additional token
		}
	}
	switch {
	case a == nil:
		return true, nil
	case a.restoreRead != nil:
		return false, nil
	case a.active:
		return true, bridge.ErrIdentityAlreadyActive
	case a.fixed:
		return true, bridge.ErrIdentityConflict
	case by.reactivate && (a.used || a.imported) && lifespan <= modelCodes:
		return true, bridge.ErrExpiresInInvalid
	case by.reactivate:
		return true, nil
	case a.used:
		return true, bridge.ErrIdentityDeactivated
	case a.imported:
		return true, bridge.ErrIdentityHasCredentials
	}
	return true, nil
}

// undecided reports whether a bridge has an invitation of an address that is being
// accepted, or of which the model cannot tell whether its token must work.
func (h *history) undecided(n *node, email string) bool {
	return slices.ContainsFunc(h.stored(n), func(inv bridge.Invitation) bool {
		return inv.Email == email && (inv.Claim != nil || inv.State == bridge.StatePending && h.invitations[inv.ID].permit == perhaps)
	})
}

// remembers reports whether a bridge has invited an account by its address
// before.
func (h *history) remembers(n *node, a *modelAccount) bool {
	former := slices.DeleteFunc(h.stored(n), func(inv bridge.Invitation) bool { return inv.Email != a.email })
	former = former[max(0, len(former)-8):]
	return slices.ContainsFunc(former, func(inv bridge.Invitation) bool { return inv.IdentityID == a.id })
}

// recordToken adds the token of an invite or a resend.
func (h *history) recordToken(offer bridge.IssuedInvitation) {
	l := h.invitations[offer.Invitation.ID]
	if l == nil {
		h.Fatalf("%s was returned, and is not stored", offer.Invitation.ID)
	}
	h.links = append(h.links, link{text: offer.Token.Reveal(), invitation: l, epoch: offer.Invitation.Epoch})
}
