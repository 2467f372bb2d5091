package storetest

import (
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var dueTests = []test{
	{"expiring: the boundary", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		b.dueFrom(inv, inv.ExpiresAt, bridge.Tx.ExpiringInvitations)
	}},
	{"expiring: only pending ones without claim", func(b *fixture) {
		inv, claimed := b.invitation(), b.invitation()
		claimed.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: claimed.ExpiresAt}
		b.put(inv, claimed)
		for _, state := range bridge.States()[1:] {
			terminal := b.invitation()
			terminal.State = state
			b.put(terminal)
		}
		b.due("expiring", bridge.Tx.ExpiringInvitations, inv)

		b.put(claimed.ReleaseClaim(epoch))
		b.due("the claim is released", bridge.Tx.ExpiringInvitations, inv, claimed.ReleaseClaim(epoch))
		inv.Claim = claimed.Claim
		b.put(inv)
		b.due("another is claimed", bridge.Tx.ExpiringInvitations, claimed.ReleaseClaim(epoch))
	}},
	{"expiring: a new expiry changes the order", func(b *fixture) {
		first, second := b.invitation(), b.invitation()
		b.put(first, second)
		first.ExpiresAt = second.ExpiresAt.Add(time.Microsecond)
		b.put(first)
		b.due("after the change", bridge.Tx.ExpiringInvitations, second, first)
	}},
	{"expired claims: the boundary", func(b *fixture) {
		inv := b.invitation()
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt.Add(time.Minute)}
		b.put(inv)
		b.dueFrom(inv, inv.Claim.Until, bridge.Tx.ExpiredClaims)
	}},
	{"expired claims: only of pending invitations", func(b *fixture) {
		inv, free := b.invitation(), b.invitation()
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt}
		b.put(inv, free)
		for _, state := range bridge.States()[1:] {
			terminal := b.invitation()
			terminal.State, terminal.Claim = state, inv.Claim
			b.put(terminal)
		}
		b.due("expired claims", bridge.Tx.ExpiredClaims, inv)
		inv = inv.MarkUnresolved(epoch)
		b.put(inv)
		b.due("unresolved", bridge.Tx.ExpiredClaims, inv)
		b.put(inv.ReleaseClaim(epoch))
		b.due("released", bridge.Tx.ExpiredClaims)
	}},
	{"expired claims: postponing the check", func(b *fixture) {
		inv := b.invitation()
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt, CheckAt: inv.CreatedAt.Add(time.Hour)}
		b.put(inv)
		b.dueFrom(inv, inv.Claim.CheckAt, bridge.Tx.ExpiredClaims)
	}},
	{"to check: the boundary", func(b *fixture) {
		for _, state := range bridge.States() {
			inv := b.invitation()
			inv.State, inv.CheckAt = state, inv.CreatedAt.Add(time.Minute)
			b.put(inv)
			b.dueFrom(inv, inv.CheckAt, bridge.Tx.InvitationsToCheck)
			b.delete(inv)
		}
	}},
	{"to check: only those with CheckAt and without claim", func(b *fixture) {
		inv, other := b.invitation(), b.invitation()
		inv.CheckAt = inv.CreatedAt
		b.put(inv, other)
		b.due("to check", bridge.Tx.InvitationsToCheck, inv)
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt}
		b.put(inv)
		b.due("claimed", bridge.Tx.InvitationsToCheck)
		inv.Claim = nil
		b.put(inv)
		b.due("released", bridge.Tx.InvitationsToCheck, inv)
		inv.CheckAt = time.Time{}
		b.put(inv)
		b.due("no longer", bridge.Tx.InvitationsToCheck)
	}},
	{"to remind: the boundary", func(b *fixture) {
		inv := b.toRemind(time.Minute)
		b.put(inv)
		b.dueFrom(inv, inv.RemindAt, bridge.Tx.InvitationsToRemind)
	}},
	{"to remind: only pending ones with RemindAt and without claim", func(b *fixture) {
		inv, other := b.toRemind(0), b.invitation()
		b.put(inv, other)
		for _, state := range bridge.States()[1:] {
			terminal := b.toRemind(0)
			terminal.State = state
			b.put(terminal)
		}
		b.due("to remind", bridge.Tx.InvitationsToRemind, inv)
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt}
		b.put(inv)
		b.due("claimed", bridge.Tx.InvitationsToRemind)
		inv.Claim = nil
		b.put(inv)
		b.due("released", bridge.Tx.InvitationsToRemind, inv)
		inv.RemindAt = time.Time{}
		b.put(inv)
		b.due("no longer", bridge.Tx.InvitationsToRemind)
		other.RemindAt = epoch
		b.put(other)
		b.due("another", bridge.Tx.InvitationsToRemind, other)
		b.delete(other)
		b.due("deleted", bridge.Tx.InvitationsToRemind)
	}},
	{"to remind: the earliest first, up to the limit, and another time changes the order", func(b *fixture) {
		first, second, third := b.toRemind(3*time.Hour), b.toRemind(2*time.Hour), b.toRemind(time.Hour)
		b.put(first, second, third)
		b.due("in order", bridge.Tx.InvitationsToRemind, third, second, first)
		got := b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return tx.InvitationsToRemind(far, 2) })
		b.same("limit", []bridge.Invitation{third, second}, got)
		third.RemindAt = first.RemindAt.Add(time.Microsecond)
		b.put(third)
		b.due("after the change", bridge.Tx.InvitationsToRemind, second, first, third)
	}},
	{"terminal: not while the identity is to be deleted", func(b *fixture) {
		inv := b.invitation()
		inv.State, inv.Leftover = bridge.StateRevoked, bridge.LeftoverDue
		b.put(inv)
		b.due("due", bridge.Tx.TerminalInvitations)
		inv.Leftover = bridge.LeftoverSettled
		b.put(inv)
		b.due("settled", bridge.Tx.TerminalInvitations, inv)
	}},
	{"expired claims: another claim changes the order", func(b *fixture) {
		first, second := b.invitation(), b.invitation()
		first.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: epoch}
		second.Claim = &bridge.Claim{ID: uuid.UUID{2}, Until: epoch.Add(time.Second)}
		b.put(first, second)
		first.Claim = &bridge.Claim{ID: uuid.UUID{3}, Until: epoch.Add(time.Minute)}
		b.put(first)
		b.due("after the change", bridge.Tx.ExpiredClaims, second, first)
	}},
	{"terminal: the boundary", func(b *fixture) {
		for _, state := range bridge.States()[1:] {
			inv := b.invitation()
			inv.State, inv.UpdatedAt = state, inv.CreatedAt.Add(time.Minute)
			b.put(inv)
			b.dueFrom(inv, inv.UpdatedAt, bridge.Tx.TerminalInvitations)
			b.delete(inv)
		}
	}},
	{"terminal: a revival removes it", func(b *fixture) {
		inv := b.invitation()
		inv.State = bridge.StateExpired
		b.put(inv)
		b.due("expired", bridge.Tx.TerminalInvitations, inv)
		inv.State = bridge.StatePending
		b.put(inv)
		b.due("revived", bridge.Tx.TerminalInvitations)
		b.due("revived", bridge.Tx.ExpiringInvitations, inv)
	}},
	{"the earliest first, up to the limit", func(b *fixture) {
		var expiring, claims, terminal []bridge.Invitation
		// The earlier the time, the later the write: neither the id nor the order
		// of writing may decide. Some times are before 1970 or in the far future.
		for i := range 30 {
			at := epoch.Add(time.Duration(15-i) * 4 * 365 * 24 * time.Hour)
			e, l, n := b.invitation(), b.invitation(), b.invitation()
			e.ExpiresAt = at
			l.Claim = &bridge.Claim{ID: uuid.UUID{byte(i)}, Until: at}
			n.State, n.UpdatedAt = bridge.StateRevoked, at
			b.put(e, l, n)
			expiring, claims, terminal = append([]bridge.Invitation{e}, expiring...), append([]bridge.Invitation{l}, claims...), append([]bridge.Invitation{n}, terminal...)
		}
		b.due("expiring", bridge.Tx.ExpiringInvitations, expiring...)
		b.due("claims", bridge.Tx.ExpiredClaims, claims...)
		b.due("terminal", bridge.Tx.TerminalInvitations, terminal...)
		for _, limit := range []int{1, 7, 29, 31} {
			got := b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return tx.ExpiringInvitations(far, limit) })
			b.same(fmt.Sprint("limit ", limit), expiring[:min(limit, 30)], got)
		}
	}},
	{"many at the same time", func(b *fixture) {
		want := map[uuid.UUID]bool{}
		for range 50 {
			inv := b.invitation()
			inv.ExpiresAt = epoch
			b.put(inv)
			want[inv.ID] = true
		}
		got := map[uuid.UUID]bool{}
		for _, inv := range b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return tx.ExpiringInvitations(epoch, 100) }) {
			got[inv.ID] = true
		}
		b.same("ids", want, got)
	}},
	{"swept in batches, one transaction each", func(b *fixture) {
		for range 95 {
			b.put(b.invitation())
		}
		for left := 95; left >= 0; left -= 10 {
			b.update(func(tx bridge.Tx) error {
				list, err := tx.ExpiringInvitations(far, 10)
				b.same("batch", min(10, left), len(list))
				for _, inv := range list {
					if err := tx.PutInvitation(inv.Expire(far)); err != nil {
						return err
					}
				}
				return err
			})
		}
		b.due("none is left", bridge.Tx.ExpiringInvitations)
		b.same("expired", 95, len(b.list(bridge.InvitationQuery{State: bridge.StateExpired, Limit: 1000})))
	}},
}

// far is later than all other times of the suite.
var far = time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)

type dueQuery func(tx bridge.Tx, at time.Time, limit int) ([]bridge.Invitation, error)

// due checks what a query returns at the time far.
func (b *fixture) due(what string, query dueQuery, want ...bridge.Invitation) {
	b.Helper()
	b.same(what, want, b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return query(tx, far, 1000) }))
}

// toRemind makes the next invitation, with a reminder some time after its creation.
func (b *fixture) toRemind(after time.Duration) bridge.Invitation {
	inv := b.invitation()
	inv.Reminders, inv.RemindAt = []time.Duration{time.Hour}, inv.CreatedAt.Add(after)
	return inv
}

// dueFrom checks that an invitation is due at a time and not before.
func (b *fixture) dueFrom(inv bridge.Invitation, at time.Time, query dueQuery) {
	b.Helper()
	for offset, want := range map[time.Duration][]bridge.Invitation{
		-time.Hour: nil, -time.Microsecond: nil, 0: {inv}, time.Microsecond: {inv}, time.Hour: {inv},
	} {
		got := b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return query(tx, at.Add(offset), 10) })
		b.same(fmt.Sprint("at ", offset), want, got)
	}
}

// anyDue returns what ExpiringInvitations, ExpiredClaims and TerminalInvitations
// return at the time far.
func (b *fixture) anyDue() (all []bridge.Invitation) {
	b.Helper()
	for _, query := range []dueQuery{bridge.Tx.ExpiringInvitations, bridge.Tx.ExpiredClaims, bridge.Tx.TerminalInvitations} {
		all = append(all, b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return query(tx, far, 1000) })...)
	}
	return all
}
