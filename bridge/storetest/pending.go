package storetest

import (
	"context"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var pendingTests = []test{
	{"one for each e-mail and schema", func(b *bench) {
		inv := b.invitation()
		rival, schema, email := b.invitation(), b.invitation(), b.invitation()
		rival.Email = inv.Email
		schema.Email, schema.SchemaID = inv.Email, "employee"
		b.put(inv, schema, email)
		b.taken(rival)
		b.isPending(inv)
		b.isPending(schema)
		b.isPending(email)
	}},
	{"one for each identity", func(b *bench) {
		inv, rival, none, other := b.invitation(), b.invitation(), b.invitation(), b.invitation()
		inv.IdentityID = uuid.UUID{7}
		rival.IdentityID = inv.IdentityID
		b.put(inv, none, other) // those without an identity do not count
		b.taken(rival)
		b.same("of the identity", []bridge.Invitation{inv}, b.list(bridge.Query{IdentityID: inv.IdentityID, Limit: 9}))
		inv.State = bridge.StateExpired
		b.put(inv, rival)
		b.taken(func() bridge.Invitation { inv.State = bridge.StatePending; return inv }())
		inv.State = bridge.StateExpired
		b.same("newest first", []bridge.Invitation{rival, inv}, b.list(bridge.Query{IdentityID: inv.IdentityID, Limit: 9}))
		b.same("of a state", []bridge.Invitation{inv}, b.list(bridge.Query{IdentityID: inv.IdentityID, State: bridge.StateExpired, Limit: 9}))
		b.same("before one", []bridge.Invitation{inv}, b.list(bridge.Query{IdentityID: inv.IdentityID, Before: rival.ID, Limit: 9}))
		b.same("of another", []bridge.Invitation{}, b.list(bridge.Query{IdentityID: uuid.UUID{8}, Limit: 9}))
		rival.IdentityID = uuid.UUID{8}
		b.put(rival)
		b.same("moved", []bridge.Invitation{rival}, b.list(bridge.Query{IdentityID: uuid.UUID{8}, Limit: 9}))
		b.delete(inv)
		b.same("deleted", []bridge.Invitation{}, b.list(bridge.Query{IdentityID: inv.IdentityID, Limit: 9}))
	}},
	{"writing the pending one again", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		inv.InviterName, inv.ExpiresAt = "Bob", inv.ExpiresAt.Add(1)
		inv.ExpiresAt = inv.ExpiresAt.Truncate(1000)
		b.put(inv)
		b.isPending(inv)
	}},
	{"ErrTaken leaves the transaction as it was", func(b *bench) {
		inv, rival, other := b.invitation(), b.invitation(), b.invitation()
		rival.Email = inv.Email
		b.put(inv)
		b.update(func(tx bridge.Tx) error {
			if err := tx.PutInvitation(other); err != nil {
				return err
			}
			b.is(tx.PutInvitation(rival), bridge.ErrTaken)
			_, err := tx.Invitation(rival.ID)
			b.is(err, bridge.ErrMissing)
			b.is(tx.PutToken(digestOf("rival"), bridge.TokenRecord{InvitationID: rival.ID}), bridge.ErrMissing)
			return tx.PutToken(digestOf("other"), bridge.TokenRecord{InvitationID: other.ID})
		})
		b.same("all", []bridge.Invitation{other, inv}, b.list(bridge.Query{Limit: 9}))
		b.isPending(inv)
		b.hasToken(digestOf("other"), other, bridge.TokenRecord{InvitationID: other.ID})
	}},
	{"ErrTaken as the function's result", func(b *bench) {
		inv, rival, other := b.invitation(), b.invitation(), b.invitation()
		rival.Email = inv.Email
		b.put(inv)
		b.is(b.store.Update(context.Background(), putAll(other, rival)), bridge.ErrTaken)
		b.missing(other)
		b.isPending(inv)
	}},
	{"the place is free when its holder has ended", func(b *bench) {
		for _, state := range []bridge.State{bridge.StateAccepted, bridge.StateExpired, bridge.StateRevoked} {
			inv, next := b.invitation(), b.invitation()
			next.Email = inv.Email
			b.put(inv)
			inv.State = state
			b.put(inv)
			b.notPending(inv)
			b.put(next)
			b.isPending(next)
			b.same("the ended one", inv, b.get(inv.ID))
		}
	}},
	{"the place is free when its holder is deleted", func(b *bench) {
		inv, next := b.invitation(), b.invitation()
		next.Email = inv.Email
		b.put(inv)
		b.delete(inv)
		b.put(next)
		b.isPending(next)
	}},
	{"a revival finds its place taken", func(b *bench) {
		inv, next := b.invitation(), b.invitation()
		next.Email = inv.Email
		inv.State = bridge.StateExpired
		b.put(inv, next)
		revived := inv
		revived.State = bridge.StatePending
		b.taken(revived)
		b.same("the expired one", inv, b.get(inv.ID))
		b.isPending(next)

		next.State = bridge.StateRevoked
		b.put(next, revived)
		b.isPending(revived)
	}},
	{"one takes the other's place in a transaction", func(b *bench) {
		inv, next := b.invitation(), b.invitation()
		next.Email = inv.Email
		b.put(inv)
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutInvitation(next), bridge.ErrTaken) // not yet
			ended := inv
			ended.State = bridge.StateRevoked
			if err := tx.PutInvitation(ended); err != nil {
				return err
			}
			if err := tx.PutInvitation(next); err != nil {
				return err
			}
			b.is(tx.PutInvitation(inv), bridge.ErrTaken) // not again
			return nil
		})
		b.isPending(next)
	}},
	{"another e-mail or schema moves the place", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		for _, change := range []func(*bridge.Invitation){
			func(i *bridge.Invitation) { i.Email = "moved@example.com" },
			func(i *bridge.Invitation) { i.SchemaID = "moved" },
		} {
			moved := inv
			change(&moved)
			b.put(moved)
			b.notPending(inv)
			b.isPending(moved)
			inv = moved
		}
	}},
	{"e-mails are compared to the letter", func(b *bench) {
		emails := []string{"a@example.com", "A@example.com", "a@example.com ", "aa@example.com", "a@example.co", ""}
		for _, email := range emails {
			inv := b.invitation()
			inv.Email = email
			b.put(inv)
			b.isPending(inv)
			b.same(email, []bridge.Invitation{inv}, b.list(bridge.Query{Email: email, Limit: 1}))
		}
	}},
	{"e-mail and schema are not run together", func(b *bench) {
		for _, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"a|b", "c"}, {"a", "b|c"}, {"bc", "a"}} {
			inv := b.invitation()
			inv.Email, inv.SchemaID = pair[0], pair[1]
			b.put(inv)
			b.isPending(inv)
		}
	}},
}

// taken checks that an invitation is refused and nothing of it kept.
func (b *bench) taken(inv bridge.Invitation) {
	b.Helper()
	before := b.list(bridge.Query{Limit: 1000})
	b.is(b.store.Update(context.Background(), putAll(inv)), bridge.ErrTaken)
	b.same("all", before, b.list(bridge.Query{Limit: 1000}))
}

func (b *bench) isPending(inv bridge.Invitation) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		got, err := tx.PendingInvitation(inv.Email, inv.SchemaID)
		b.same("pending", inv, got)
		return err
	})
}

func (b *bench) notPending(inv bridge.Invitation) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		_, err := tx.PendingInvitation(inv.Email, inv.SchemaID)
		b.is(err, bridge.ErrMissing)
		return nil
	})
}
