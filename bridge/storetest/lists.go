package storetest

import (
	"fmt"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var listTests = []test{
	{"every combination of filters", func(b *fixture) {
		stored := b.mixedInvitations(84)
		b.put(stored...)
		b.sameLists(stored)
	}},
	{"lists follow changes", func(b *fixture) {
		stored := b.mixedInvitations(60)
		b.put(stored...)
		for i := range stored {
			inv := &stored[i]
			switch i % 5 {
			case 0:
				inv.State = bridge.StateRevoked
			case 1:
				inv.InviterID = "inviter-9"
			case 2:
				inv.InviterID = ""
			case 3:
				inv.State, inv.Email = bridge.StateAccepted, "moved@example.com"
			case 4:
				inv.ImportID = uuid.UUID{3}
			}
			b.put(*inv)
		}
		b.sameLists(stored)
		for range 20 {
			b.delete(stored[7])
			stored = slices.Delete(stored, 7, 8)
		}
		b.sameLists(stored)
	}},
	{"pending invitations of a creator are counted up to a limit", func(b *fixture) {
		stored := b.mixedInvitations(84)
		b.put(stored...)
		b.update(func(tx bridge.Tx) error {
			for _, by := range []bridge.Creator{bridge.ByKey("backend"), bridge.BySession(uuid.UUID{1}), bridge.ByKey(uuid.UUID{1}.String()), bridge.ByKey("back")} {
				want := len(pick(stored, bridge.InvitationQuery{CreatedBy: by, State: bridge.StatePending, Limit: 100}))
				for _, limit := range []int{1, 5, 100} {
					n, err := tx.CountPending(by, limit)
					b.is(err, nil)
					b.same(fmt.Sprint(by, limit), min(want, limit), n)
				}
			}
			return nil
		})
	}},
	{"creators with pending invitations are listed once", func(b *fixture) {
		stored := b.mixedInvitations(84)
		for i := range stored {
			stored[i].CreatedBy = []bridge.Creator{{}, bridge.ByKey("backend"), bridge.BySession(uuid.UUID{byte(i % 20)})}[i%3]
		}
		b.put(stored...)
		want := map[string]bool{}
		for _, inv := range stored {
			if inv.State == bridge.StatePending && inv.CreatedBy.Kind == bridge.CreatorSession {
				want[inv.CreatedBy.ID] = true
			}
		}
		for _, limit := range []int{1, 3, 100} {
			b.view(func(tx bridge.Tx) error {
				got, after := map[string]bool{}, ""
				for {
					page, err := tx.PendingCreators(bridge.CreatorSession, after, limit)
					b.is(err, nil)
					for _, id := range page {
						b.same("twice", false, got[id])
						got[id], after = true, id
					}
					if len(page) == 0 {
						break
					}
				}
				b.same(fmt.Sprint("by ", limit), want, got)
				return nil
			})
		}
	}},
	{"an empty store", func(b *fixture) { b.sameLists(nil) }},
	{"filters match exactly", func(b *fixture) {
		inv := b.invitation()
		inv.InviterID = "ann"
		b.put(inv)
		for _, q := range []bridge.InvitationQuery{
			{InviterID: "an"}, {InviterID: "anna"}, {InviterID: "Ann"}, {InviterID: "ann "}, {InviterID: "%"}, {InviterID: "ann\x01"},
			{ImportID: inv.ID}, {ImportID: uuid.Max}, {Email: inv.Email[1:]}, {Email: inv.Email + "."}, {State: "Pending"}, {State: "pend"}, {State: "unknown"},
		} {
			q.Limit = 9
			b.same(fmt.Sprintf("%+v", q), []bridge.Invitation{}, b.list(q))
		}
	}},
	{"inviters do not collide with other parts of a key", func(b *fixture) {
		var stored []bridge.Invitation
		for _, inviter := range []string{"a", "ap", "a\x01", "a|pending", "pending", "p", "a" + string(bridge.StatePending)} {
			for _, state := range bridge.States() {
				inv := b.invitation()
				inv.InviterID, inv.State = inviter, state
				stored = append(stored, inv)
			}
		}
		b.put(stored...)
		b.sameLists(stored)
	}},
	{"in a transaction that changes everything", func(b *fixture) {
		stored := b.mixedInvitations(400)
		b.put(stored...)
		b.update(func(tx bridge.Tx) error {
			kept := []bridge.Invitation{stored[0], stored[len(stored)-1]}
			for _, inv := range stored[1 : len(stored)-1] {
				if err := tx.DeleteInvitation(inv.ID); err != nil {
					return err
				}
			}
			b.sameListsIn(tx, kept)
			for _, inv := range kept {
				if err := tx.DeleteInvitation(inv.ID); err != nil {
					return err
				}
			}
			b.sameListsIn(tx, nil)
			return putAll(stored[100:200]...)(tx)
		})
		b.sameLists(stored[100:200])
	}},
}

// mixedInvitations makes invitations that share emails, inviters, imports and states
// in all combinations. Some have no inviter or no import.
func (b *fixture) mixedInvitations(count int) (list []bridge.Invitation) {
	states := bridge.States()
	for i := range count {
		inv := b.invitation()
		inv.State = states[i%len(states)]
		inv.Email = fmt.Sprintf("shared-%d@example.com", i%7)
		inv.SchemaID = fmt.Sprint("schema-", b.made) // so that several of an email can be pending
		if i%6 != 0 {
			inv.InviterID = fmt.Sprint("inviter-", i%5)
		}
		inv.ImportID[0] = byte(i / len(states) % 3)
		inv.CreatedBy = []bridge.Creator{{}, bridge.ByKey("backend"), bridge.BySession(uuid.UUID{1})}[i%3]
		inv.Origin = append(bridge.Origins(), "")[i/3%4]
		if inv.State == bridge.StateAccepted {
			inv.Method = append(bridge.AcceptMethods(), "")[i/len(states)%3]
		}
		list = append(list, inv)
	}
	return list
}

// queriesFor returns every combination of filters that finds an invitation, for
// the page that begins with it.
func queriesFor(inv bridge.Invitation) map[string]bridge.InvitationQuery {
	queries := map[string]bridge.InvitationQuery{}
	for bits := range 128 {
		q := bridge.InvitationQuery{Before: idAfter(inv.ID), Limit: 1}
		if bits&1 != 0 {
			q.State = inv.State
		}
		if bits&2 != 0 {
			q.Email = inv.Email
		}
		if bits&4 != 0 {
			q.InviterID = inv.InviterID
		}
		if bits&8 != 0 {
			q.ImportID = inv.ImportID
		}
		if bits&16 != 0 {
			q.CreatedBy = inv.CreatedBy
		}
		if bits&32 != 0 {
			q.Origin = inv.Origin
		}
		if bits&64 != 0 {
			q.Method = inv.Method
		}
		queries[fmt.Sprintf("%+v", q)] = q
	}
	return queries
}

// idAfter returns the id after id, so that a page before it begins with id.
func idAfter(id uuid.UUID) uuid.UUID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id
}

// sameLists compares the lists for every combination of filters, from several
// starts and with several limits, with those expected of the stored invitations.
func (b *fixture) sameLists(stored []bridge.Invitation) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		b.sameListsIn(tx, stored)
		return nil
	})
}

func (b *fixture) sameListsIn(tx bridge.Tx, stored []bridge.Invitation) {
	b.Helper()
	f := filters{cursors: []uuid.UUID{{}, uuid.Max}}
	for i, inv := range stored {
		f.note(inv)
		if i%(len(stored)/2+1) == len(stored)/3 {
			f.cursors = append(f.cursors, inv.ID)
		}
	}
	for q := range f.combinations() {
		for _, limit := range []int{2, 10_000} {
			q.Limit = limit
			got, err := tx.ListInvitations(q)
			b.is(err, nil)
			if want := pick(stored, q); !slices.EqualFunc(want, got, sameID) {
				b.same(fmt.Sprintf("%+v", q), idsOf(want), idsOf(got))
			}
		}
	}
	all, err := tx.ListInvitations(bridge.InvitationQuery{Limit: 10_000})
	b.is(err, nil)
	b.same("all", pick(stored, bridge.InvitationQuery{Limit: 10_000}), all)
}

// pick returns the list that a query selects, without an index.
func pick(stored []bridge.Invitation, q bridge.InvitationQuery) (list []bridge.Invitation) {
	for _, inv := range slices.Backward(slices.SortedFunc(slices.Values(stored), byID)) {
		if (q.State == "" || q.State == inv.State) && (q.Email == "" || q.Email == inv.Email) &&
			(q.InviterID == "" || q.InviterID == inv.InviterID) && (q.ImportID == uuid.Nil || q.ImportID == inv.ImportID) &&
			(q.CreatedBy == bridge.Creator{} || q.CreatedBy == inv.CreatedBy) &&
			(q.Origin == "" || q.Origin == inv.Origin) && (q.Method == "" || q.Method == inv.Method) &&
			(q.Before == uuid.Nil || slices.Compare(inv.ID[:], q.Before[:]) < 0) && len(list) < q.Limit {
			list = append(list, inv)
		}
	}
	return list
}

func byID(a, b bridge.Invitation) int { return slices.Compare(a.ID[:], b.ID[:]) }

func sameID(a, b bridge.Invitation) bool { return a.ID == b.ID }

func idsOf(list []bridge.Invitation) (ids []string) {
	for _, inv := range list {
		ids = append(ids, inv.ID.String())
	}
	return ids
}
