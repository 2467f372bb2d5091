package storetest

import (
	"fmt"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var dueTests = []test{
	{"expiring: the boundary", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		b.bounds(inv, inv.ExpiresAt, bridge.Tx.ExpiringInvitations)
	}},
	{"expiring: only the pending without claim", func(b *bench) {
		inv, claimed := b.invitation(), b.invitation()
		claimed.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: claimed.ExpiresAt}
		b.put(inv, claimed)
		for _, state := range bridge.States()[1:] {
			ended := b.invitation()
			ended.State = state
			b.put(ended)
		}
		b.due("expiring", bridge.Tx.ExpiringInvitations, inv)

		b.put(claimed.Release(epoch))
		b.due("a claim released", bridge.Tx.ExpiringInvitations, inv, claimed.Release(epoch))
		inv.Claim = claimed.Claim
		b.put(inv)
		b.due("another begun", bridge.Tx.ExpiringInvitations, claimed.Release(epoch))
	}},
	{"expiring: a new expiry moves it", func(b *bench) {
		first, second := b.invitation(), b.invitation()
		b.put(first, second)
		first.ExpiresAt = second.ExpiresAt.Add(time.Microsecond)
		b.put(first)
		b.due("after the move", bridge.Tx.ExpiringInvitations, second, first)
	}},
	{"lapsed: the boundary", func(b *bench) {
		inv := b.invitation()
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt.Add(time.Minute)}
		b.put(inv)
		b.bounds(inv, inv.Claim.Until, bridge.Tx.LapsedClaims)
	}},
	{"lapsed: only the pending with claim", func(b *bench) {
		inv, free := b.invitation(), b.invitation()
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt}
		b.put(inv, free)
		for _, state := range bridge.States()[1:] {
			ended := b.invitation()
			ended.State, ended.Claim = state, inv.Claim
			b.put(ended)
		}
		b.due("lapsed", bridge.Tx.LapsedClaims, inv)
		inv = inv.Unsettle(epoch)
		b.put(inv)
		b.due("unsettled", bridge.Tx.LapsedClaims, inv)
		b.put(inv.Release(epoch))
		b.due("released", bridge.Tx.LapsedClaims)
	}},
	{"lapsed: putting it off moves it", func(b *bench) {
		inv := b.invitation()
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt, LookAt: inv.CreatedAt.Add(time.Hour)}
		b.put(inv)
		b.bounds(inv, inv.Claim.LookAt, bridge.Tx.LapsedClaims)
	}},
	{"watched: the boundary", func(b *bench) {
		for _, state := range bridge.States() {
			inv := b.invitation()
			inv.State, inv.LookAt = state, inv.CreatedAt.Add(time.Minute)
			b.put(inv)
			b.bounds(inv, inv.LookAt, bridge.Tx.WatchedInvitations)
			b.delete(inv)
		}
	}},
	{"watched: only those to look at, without claim", func(b *bench) {
		inv, other := b.invitation(), b.invitation()
		inv.LookAt = inv.CreatedAt
		b.put(inv, other)
		b.due("watched", bridge.Tx.WatchedInvitations, inv)
		inv.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: inv.CreatedAt}
		b.put(inv)
		b.due("claimed", bridge.Tx.WatchedInvitations)
		inv.Claim = nil
		b.put(inv)
		b.due("released", bridge.Tx.WatchedInvitations, inv)
		inv.LookAt = time.Time{}
		b.put(inv)
		b.due("no longer", bridge.Tx.WatchedInvitations)
	}},
	{"ended: not while the identity is to be deleted", func(b *bench) {
		inv := b.invitation()
		inv.State, inv.Leftover = bridge.StateRevoked, bridge.LeftoverDue
		b.put(inv)
		b.due("due", bridge.Tx.EndedInvitations)
		inv.Leftover = bridge.LeftoverSettled
		b.put(inv)
		b.due("settled", bridge.Tx.EndedInvitations, inv)
	}},
	{"lapsed: another claim moves it", func(b *bench) {
		first, second := b.invitation(), b.invitation()
		first.Claim = &bridge.Claim{ID: uuid.UUID{1}, Until: epoch}
		second.Claim = &bridge.Claim{ID: uuid.UUID{2}, Until: epoch.Add(time.Second)}
		b.put(first, second)
		first.Claim = &bridge.Claim{ID: uuid.UUID{3}, Until: epoch.Add(time.Minute)}
		b.put(first)
		b.due("after the move", bridge.Tx.LapsedClaims, second, first)
	}},
	{"ended: the boundary", func(b *bench) {
		for _, state := range bridge.States()[1:] {
			inv := b.invitation()
			inv.State, inv.UpdatedAt = state, inv.CreatedAt.Add(time.Minute)
			b.put(inv)
			b.bounds(inv, inv.UpdatedAt, bridge.Tx.EndedInvitations)
			b.delete(inv)
		}
	}},
	{"ended: a revival takes it out", func(b *bench) {
		inv := b.invitation()
		inv.State = bridge.StateExpired
		b.put(inv)
		b.due("expired", bridge.Tx.EndedInvitations, inv)
		inv.State = bridge.StatePending
		b.put(inv)
		b.due("revived", bridge.Tx.EndedInvitations)
		b.due("revived", bridge.Tx.ExpiringInvitations, inv)
	}},
	{"the earliest first, up to the limit", func(b *bench) {
		var expiring, lapsing, ended []bridge.Invitation
		// The further back in time, the later put: neither id nor order of
		// writing may decide. Some times lie before 1970, and far ahead.
		for i := range 30 {
			at := epoch.Add(time.Duration(15-i) * 4 * 365 * 24 * time.Hour)
			e, l, n := b.invitation(), b.invitation(), b.invitation()
			e.ExpiresAt = at
			l.Claim = &bridge.Claim{ID: uuid.UUID{byte(i)}, Until: at}
			n.State, n.UpdatedAt = bridge.StateRevoked, at
			b.put(e, l, n)
			expiring, lapsing, ended = append([]bridge.Invitation{e}, expiring...), append([]bridge.Invitation{l}, lapsing...), append([]bridge.Invitation{n}, ended...)
		}
		b.due("expiring", bridge.Tx.ExpiringInvitations, expiring...)
		b.due("lapsing", bridge.Tx.LapsedClaims, lapsing...)
		b.due("ended", bridge.Tx.EndedInvitations, ended...)
		for _, limit := range []int{1, 7, 29, 31} {
			got := b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return tx.ExpiringInvitations(far, limit) })
			b.same(fmt.Sprint("limit ", limit), expiring[:min(limit, 30)], got)
		}
	}},
	{"many at one time", func(b *bench) {
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
	{"swept in portions, within transactions", func(b *bench) {
		for range 95 {
			b.put(b.invitation())
		}
		for left := 95; left >= 0; left -= 10 {
			b.update(func(tx bridge.Tx) error {
				list, err := tx.ExpiringInvitations(far, 10)
				b.same("portion", min(10, left), len(list))
				for _, inv := range list {
					if err := tx.PutInvitation(inv.Expire(far)); err != nil {
						return err
					}
				}
				return err
			})
		}
		b.due("none is left", bridge.Tx.ExpiringInvitations)
		b.same("expired", 95, len(b.list(bridge.Query{State: bridge.StateExpired, Limit: 1000})))
	}},
}

// far is later than all else.
var far = time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)

type dueQuery func(tx bridge.Tx, at time.Time, limit int) ([]bridge.Invitation, error)

// due checks what a query gives at the end of time.
func (b *bench) due(what string, query dueQuery, want ...bridge.Invitation) {
	b.Helper()
	b.same(what, want, b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return query(tx, far, 1000) }))
}

// bounds checks that an invitation is due at a time and not before.
func (b *bench) bounds(inv bridge.Invitation, at time.Time, query dueQuery) {
	b.Helper()
	for offset, want := range map[time.Duration][]bridge.Invitation{
		-time.Hour: nil, -time.Microsecond: nil, 0: {inv}, time.Microsecond: {inv}, time.Hour: {inv},
	} {
		got := b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return query(tx, at.Add(offset), 10) })
		b.same(fmt.Sprint("at ", offset), want, got)
	}
}

// anyDue gives what any of the three queries gives at the end of time.
func (b *bench) anyDue() (all []bridge.Invitation) {
	b.Helper()
	for _, query := range []dueQuery{bridge.Tx.ExpiringInvitations, bridge.Tx.LapsedClaims, bridge.Tx.EndedInvitations} {
		all = append(all, b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return query(tx, far, 1000) })...)
	}
	return all
}
