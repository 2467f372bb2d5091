package bridge_test

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// answered holds an answer against the one that the model allows.
func (h *history) answered(verb string, err error, want *bridge.Error) {
	h.step("%s, %s: %v", verb, h.trouble.name, err)
	if (err == nil) != (want == nil) || want != nil && !errors.Is(err, want) {
		h.Fatalf("%s, %s: %v, want %v", verb, h.trouble.name, err, asError(want))
	}
	var e *bridge.Error
	if err != nil && (!errors.As(err, &e) || e.ID != want.ID) {
		h.Fatalf("%s: the caller is told %v, want %v", verb, e, want)
	}
}

// asError keeps a nil pointer from being an error.
func asError(e *bridge.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// check holds the whole world against the model.
func (h *history) check() {
	stored := map[uuid.UUID]bridge.Invitation{}
	told := map[uuid.UUID]map[bridge.Event]int{}
	err := h.w.Store.View(h.Context(), func(tx bridge.Tx) error {
		all, err := tx.ListInvitations(bridge.Query{Limit: 1000})
		if err != nil {
			return err
		}
		for _, inv := range all {
			stored[inv.ID], told[inv.ID] = inv, map[bridge.Event]int{}
			messages, err := tx.ListMessages(bridge.MessageQuery{InvitationID: inv.ID, Limit: 1000})
			if err != nil {
				return err
			}
			for _, m := range messages {
				if m.Endpoint == bridgetest.Hook {
					told[inv.ID][m.Payload.Type]++
				}
			}
		}
		return nil
	})
	if err != nil {
		h.Fatal(err)
	}
	for _, l := range h.lives {
		inv, there := stored[l.id]
		if there == l.purged {
			h.Fatalf("%s is stored: %v, purged: %v", l.id, there, l.purged)
		}
		if there {
			h.same(l, inv, told[l.id])
		}
		delete(stored, l.id)
	}
	if len(stored) > 0 {
		h.Fatalf("invitations that nobody made: %v", stored)
	}
	h.checkAccounts()
	h.checkLinks()
}

// same compares an invitation with the model's, and takes over what hangs on
// the time of its last change.
func (h *history) same(l *life, inv bridge.Invitation, told map[bridge.Event]int) {
	claimed := inv.Claim != nil
	if inv.State != l.state || inv.Epoch != l.epoch || inv.IdentityID != l.identity || inv.Email != l.email ||
		!inv.ExpiresAt.Equal(l.expires) || inv.Doubt != l.doubt || claimed != (l.claim != nil) {
		h.Fatalf("stored is %+v, claimed %v, and the model has %+v", inv, claimed, *l)
	}
	if claimed && (!inv.Claim.Until.Equal(l.claim.until) || !inv.Claim.UnsettledAt.Equal(l.claim.unsettled)) {
		h.Fatalf("the claim is %+v, and the model has %+v", *inv.Claim, *l.claim)
	}
	for _, event := range []bridge.Event{bridge.EventPostPassword, bridge.EventInvitationRevoked, bridge.EventInvitationExpired} {
		if told[event] != l.told[event] {
			h.Fatalf("%s of %s was told %d times, want %d", event, l.id, told[event], l.told[event])
		}
	}
	if !inv.AnnouncedAt.Equal(l.announced) {
		h.Fatalf("a letter of %s was asked for at %s, and the model has %s", l.id, inv.AnnouncedAt, l.announced)
	}
	l.updated = inv.UpdatedAt
}

// checkAccounts: one identity for an address; active only by hand or by an
// invitation that was accepted, or is being; and whoever won can sign in.
func (h *history) checkAccounts() {
	if n := h.w.Kratos.Len(); n != len(h.accounts) {
		h.Fatalf("%d identities, and the model has %d", n, len(h.accounts))
	}
	for id, a := range h.accounts {
		if found, err := h.w.Kratos.Find(a.email); err != nil || found != id {
			h.Fatalf("%s is %s, %v; the model has %s", a.email, found, err, id)
		}
		if active := h.w.Kratos.Active(id); active != a.active {
			h.Fatalf("%s is active: %v, and the model has %v", a.email, active, a.active)
		}
		if err := h.w.Kratos.SignIn(h.Context(), a.email, a.password); (err == nil) != a.active {
			h.Fatalf("%s signs in with %q: %v", a.email, a.password, err)
		}
		if l := h.lives[a.by]; a.active && !a.byHand && l.state != bridge.StateAccepted && (l.state != bridge.StatePending || l.claim == nil && !l.doubt) {
			h.Fatalf("%s is active by %s, which is %s", a.email, l.id, l.state)
		}
	}
	for _, l := range h.lives {
		if a := h.accounts[l.identity]; a != nil && !l.purged && l.state == bridge.StateAccepted && !a.active && !a.stopped {
			h.Fatalf("%s was accepted, and its identity is inactive", l.id)
		}
	}
}

// checkLinks looks at every token that ever was.
func (h *history) checkLinks() {
	for _, k := range h.links {
		inv, err := h.w.Service.Look(h.Context(), k.text)
		want := h.opens(k)
		if (err == nil) != (want == nil) || want != nil && !errors.Is(err, want) || err == nil && inv.ID != k.life {
			h.Fatalf("a token of %s, epoch %d, gives %s, %v; want %v", k.life, k.epoch, inv.ID, err, asError(want))
		}
	}
}

// finish lets all that is under way come to its end, and looks what is left.
func (h *history) finish() {
	settle := func(d time.Duration) {
		h.passes(d)
		h.ticks()
		h.check()
	}
	settle(2 * modelLease)
	for _, l := range h.lives {
		if l.claim != nil {
			h.Fatalf("the claim of %s was never settled", l.id)
		}
	}
	settle(24 * time.Hour)
	settle(modelRetention)
	for _, l := range h.lives {
		if !l.purged {
			h.Fatalf("%s is %s for ever", l.id, l.state)
		}
	}
}
