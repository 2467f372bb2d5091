package bridge_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// done ends the fault of a call and checks what it did.
func (h *history) done(by *modelCall, format string, args ...any) {
	h.endTrouble()
	h.step("%s, %s", fmt.Sprintf(format, args...), h.trouble)
	h.sync(by)
	h.sendStarted()
	for _, n := range h.bridges {
		if f := n.pending; f != nil && n != by.node && !f.requestSent() {
			h.advance(time.Second) // makes its verdict too old to be used after this call
			return
		}
	}
}

func (h *history) stored(n *node) (all []bridge.Invitation) {
	err := n.w.Store.View(h.Context(), func(tx bridge.Tx) (err error) {
		all, err = tx.ListInvitations(bridge.InvitationQuery{Limit: 1000})
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

func (h *history) claimed(l *modelInvitation) bool {
	return slices.ContainsFunc(h.stored(l.node), func(inv bridge.Invitation) bool { return inv.ID == l.id && inv.Claim != nil })
}

// sync audits what was written and copies expiry and epoch from the stores.
func (h *history) sync(by *modelCall) {
	h.audit(by)
	for _, n := range h.bridges {
		there := map[uuid.UUID]bool{}
		for _, inv := range h.stored(n) {
			there[inv.ID] = true
			if h.invitations[inv.ID] == nil {
				if by.verb != inviteVerb || n != by.node {
					h.broken("%s created an invitation: %s", by.verb, inv.ID)
				}
				h.addInvitation(*by, inv)
			}
			l := h.invitations[inv.ID]
			if inv.Epoch > l.epoch {
				if h.revivals == 0 {
					h.broken("%s was revived by %s, and no hook has agreed", l.id, by.verb)
				}
				l.expired = false
			}
			if by.verb == "renew" && !h.renewing && (inv.Epoch != l.epoch || !inv.ExpiresAt.Equal(l.expires)) {
				h.broken("%s was renewed, and renewing is disabled", l.id)
			}
			l.epoch, l.expires = inv.Epoch, inv.ExpiresAt
		}
		for _, l := range h.order {
			if l.node == n && !there[l.id] && !l.lost {
				if l.permit == certain && !l.expired && !l.revoked {
					h.broken("%s is no longer stored", l.id)
				}
				l.lost = true
			}
		}
		h.auditReminders(n, by)
	}
	h.noteExpiries()
}

// noteExpiries records which invitations have expired.
func (h *history) noteExpiries() {
	for _, l := range h.order {
		if !l.expires.IsZero() && !h.now().Before(l.expires) {
			l.expired = true
		}
	}
}
