package storetest

import (
	"fmt"
	"maps"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var listTests = []test{
	{"every combination of filters", func(b *bench) {
		world := b.world(84)
		b.put(world...)
		b.sameLists(world)
	}},
	{"lists follow changes", func(b *bench) {
		world := b.world(60)
		b.put(world...)
		for i := range world {
			inv := &world[i]
			switch i % 5 {
			case 0:
				inv.State = bridge.StateRevoked
			case 1:
				inv.InviterID = "inviter-9"
			case 2:
				inv.InviterID = ""
			case 3:
				inv.State, inv.Email = bridge.StateAccepted, "moved@example.com"
			}
			b.put(*inv)
		}
		b.sameLists(world)
		for range 20 {
			b.delete(world[7])
			world = slices.Delete(world, 7, 8)
		}
		b.sameLists(world)
	}},
	{"an empty store", func(b *bench) { b.sameLists(nil) }},
	{"filters are compared to the letter", func(b *bench) {
		inv := b.invitation()
		inv.InviterID = "ann"
		b.put(inv)
		for _, q := range []bridge.Query{
			{InviterID: "an"}, {InviterID: "anna"}, {InviterID: "Ann"}, {InviterID: "ann "}, {InviterID: "%"}, {InviterID: "ann\x01"},
			{Email: inv.Email[1:]}, {Email: inv.Email + "."}, {State: "Pending"}, {State: "pend"}, {State: "unknown"},
		} {
			q.Limit = 9
			b.same(fmt.Sprintf("%+v", q), []bridge.Invitation{}, b.list(q))
		}
	}},
	{"inviters are not run together with what else is in a key", func(b *bench) {
		var world []bridge.Invitation
		for _, inviter := range []string{"a", "ap", "a\x01", "a|pending", "pending", "p", "a" + string(bridge.StatePending)} {
			for _, state := range bridge.States() {
				inv := b.invitation()
				inv.InviterID, inv.State = inviter, state
				world = append(world, inv)
			}
		}
		b.put(world...)
		b.sameLists(world)
	}},
	{"in the transaction that changes everything", func(b *bench) {
		world := b.world(400)
		b.put(world...)
		b.update(func(tx bridge.Tx) error {
			kept := []bridge.Invitation{world[0], world[len(world)-1]}
			for _, inv := range world[1 : len(world)-1] {
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
			return putAll(world[100:200]...)(tx)
		})
		b.sameLists(world[100:200])
	}},
}

// world makes invitations that share e-mails, inviters and states in every way
// that may be. Some have no inviter.
func (b *bench) world(count int) (list []bridge.Invitation) {
	states := bridge.States()
	for i := range count {
		inv := b.invitation()
		inv.State = states[i%len(states)]
		inv.Email = fmt.Sprintf("shared-%d@example.com", i%7)
		inv.SchemaID = fmt.Sprint("schema-", b.made) // so that many of an e-mail can be pending
		if i%6 != 0 {
			inv.InviterID = fmt.Sprint("inviter-", i%5)
		}
		list = append(list, inv)
	}
	return list
}

// queriesFor gives every combination of filters that finds an invitation, for
// the page that begins with it.
func queriesFor(inv bridge.Invitation) map[string]bridge.Query {
	queries := map[string]bridge.Query{}
	for bits := range 8 {
		q := bridge.Query{Before: next(inv.ID), Limit: 1}
		if bits&1 != 0 {
			q.State = inv.State
		}
		if bits&2 != 0 {
			q.Email = inv.Email
		}
		if bits&4 != 0 {
			q.InviterID = inv.InviterID
		}
		queries[fmt.Sprintf("state=%q e-mail=%q inviter=%q", q.State, q.Email, q.InviterID)] = q
	}
	return queries
}

// next gives the id after one, so that a page before it begins with that one.
func next(id uuid.UUID) uuid.UUID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id
}

// sameLists compares every combination of filters, begun and cut at several
// places, with what the whole world says.
func (b *bench) sameLists(world []bridge.Invitation) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		b.sameListsIn(tx, world)
		return nil
	})
}

func (b *bench) sameListsIn(tx bridge.Tx, world []bridge.Invitation) {
	b.Helper()
	states, emails, inviters := map[bridge.State]bool{"": true}, map[string]bool{"": true}, map[string]bool{"": true, "nobody": true}
	befores := []uuid.UUID{{}, uuid.Max}
	for i, inv := range world {
		states[inv.State], emails[inv.Email], inviters[inv.InviterID] = true, true, true
		if i%(len(world)/2+1) == len(world)/3 {
			befores = append(befores, inv.ID)
		}
	}
	for q := range combinations(slices.Collect(maps.Keys(states)), slices.Collect(maps.Keys(emails)), slices.Collect(maps.Keys(inviters)), befores) {
		for _, limit := range []int{2, 10_000} {
			q.Limit = limit
			got, err := tx.ListInvitations(q)
			b.is(err, nil)
			if want := pick(world, q); !slices.EqualFunc(want, got, sameID) {
				b.same(fmt.Sprintf("%+v", q), idsOf(want), idsOf(got))
			}
		}
	}
	all, err := tx.ListInvitations(bridge.Query{Limit: 10_000})
	b.is(err, nil)
	b.same("all", pick(world, bridge.Query{Limit: 10_000}), all)
}

func combinations(states []bridge.State, emails, inviters []string, befores []uuid.UUID) func(func(bridge.Query) bool) {
	return func(yield func(bridge.Query) bool) {
		for _, state := range states {
			for _, email := range emails {
				for _, inviter := range inviters {
					for _, before := range befores {
						if !yield(bridge.Query{State: state, Email: email, InviterID: inviter, Before: before}) {
							return
						}
					}
				}
			}
		}
	}
}

// pick is what a list means, without an index.
func pick(world []bridge.Invitation, q bridge.Query) (list []bridge.Invitation) {
	for _, inv := range slices.Backward(slices.SortedFunc(slices.Values(world), byID)) {
		if (q.State == "" || q.State == inv.State) && (q.Email == "" || q.Email == inv.Email) &&
			(q.InviterID == "" || q.InviterID == inv.InviterID) &&
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
