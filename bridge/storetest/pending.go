package storetest

import (
	"context"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var pendingTests = []test{
	{"one per email and schema", func(b *fixture) {
		inv := b.invitation()
		rival, schema, email := b.invitation(), b.invitation(), b.invitation()
		rival.Email = inv.Email
		schema.Email, schema.SchemaID = inv.Email, "employee"
		b.put(inv, schema, email)
		b.refusesPending(rival)
		b.isPending(inv)
		b.isPending(schema)
		b.isPending(email)
	}},
	{"one per identity", func(b *fixture) {
		inv, rival, none, other := b.invitation(), b.invitation(), b.invitation(), b.invitation()
		inv.IdentityID = uuid.UUID{7}
		rival.IdentityID = inv.IdentityID
		b.put(inv, none, other) // without an identity there is no conflict
		b.refusesPending(rival)
		b.same("of the identity", []bridge.Invitation{inv}, b.list(bridge.InvitationQuery{IdentityID: inv.IdentityID, Limit: 9}))
		inv.State = bridge.StateExpired
		b.put(inv, rival)
		b.refusesPending(func() bridge.Invitation { inv.State = bridge.StatePending; return inv }())
		inv.State = bridge.StateExpired
		b.same("newest first", []bridge.Invitation{rival, inv}, b.list(bridge.InvitationQuery{IdentityID: inv.IdentityID, Limit: 9}))
		b.same("of a state", []bridge.Invitation{inv}, b.list(bridge.InvitationQuery{IdentityID: inv.IdentityID, State: bridge.StateExpired, Limit: 9}))
		b.same("before one", []bridge.Invitation{inv}, b.list(bridge.InvitationQuery{IdentityID: inv.IdentityID, Before: rival.ID, Limit: 9}))
		b.same("of another", []bridge.Invitation{}, b.list(bridge.InvitationQuery{IdentityID: uuid.UUID{8}, Limit: 9}))
		rival.IdentityID = uuid.UUID{8}
		b.put(rival)
		b.same("moved", []bridge.Invitation{rival}, b.list(bridge.InvitationQuery{IdentityID: uuid.UUID{8}, Limit: 9}))
		b.delete(inv)
		b.same("deleted", []bridge.Invitation{}, b.list(bridge.InvitationQuery{IdentityID: inv.IdentityID, Limit: 9}))
	}},
	{"writing the pending one again", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		inv.InviterName, inv.ExpiresAt = "Bob", inv.ExpiresAt.Add(1)
		inv.ExpiresAt = inv.ExpiresAt.Truncate(1000)
		b.put(inv)
		b.isPending(inv)
	}},
	{"ErrPendingExists leaves the transaction unchanged", func(b *fixture) {
		inv, rival, other := b.invitation(), b.invitation(), b.invitation()
		rival.Email = inv.Email
		b.put(inv)
		b.update(func(tx bridge.Tx) error {
			if err := tx.PutInvitation(other); err != nil {
				return err
			}
			b.is(tx.PutInvitation(rival), bridge.ErrPendingExists)
			_, err := tx.Invitation(rival.ID)
			b.is(err, bridge.ErrRowNotFound)
			b.is(tx.PutToken(digestOf("rival"), bridge.TokenRecord{InvitationID: rival.ID}), bridge.ErrRowNotFound)
			return tx.PutToken(digestOf("other"), bridge.TokenRecord{InvitationID: other.ID})
		})
		b.same("all", []bridge.Invitation{other, inv}, b.list(bridge.InvitationQuery{Limit: 9}))
		b.isPending(inv)
		b.hasToken(digestOf("other"), other, bridge.TokenRecord{InvitationID: other.ID})
	}},
	{"ErrPendingExists as the function's result", func(b *fixture) {
		inv, rival, other := b.invitation(), b.invitation(), b.invitation()
		rival.Email = inv.Email
		b.put(inv)
		b.is(b.store.Update(context.Background(), putAll(other, rival)), bridge.ErrPendingExists)
		b.missing(other)
		b.isPending(inv)
	}},
	{"a terminal invitation allows another", func(b *fixture) {
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
	{"a deleted invitation allows another", func(b *fixture) {
		inv, next := b.invitation(), b.invitation()
		next.Email = inv.Email
		b.put(inv)
		b.delete(inv)
		b.put(next)
		b.isPending(next)
	}},
	{"a revival conflicts with a newer one", func(b *fixture) {
		inv, next := b.invitation(), b.invitation()
		next.Email = inv.Email
		inv.State = bridge.StateExpired
		b.put(inv, next)
		revived := inv
		revived.State = bridge.StatePending
		b.refusesPending(revived)
		b.same("the expired one", inv, b.get(inv.ID))
		b.isPending(next)

		next.State = bridge.StateRevoked
		b.put(next, revived)
		b.isPending(revived)
	}},
	{"one replaces another in a transaction", func(b *fixture) {
		inv, next := b.invitation(), b.invitation()
		next.Email = inv.Email
		b.put(inv)
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutInvitation(next), bridge.ErrPendingExists) // not yet
			ended := inv
			ended.State = bridge.StateRevoked
			if err := tx.PutInvitation(ended); err != nil {
				return err
			}
			if err := tx.PutInvitation(next); err != nil {
				return err
			}
			b.is(tx.PutInvitation(inv), bridge.ErrPendingExists) // not again
			return nil
		})
		b.isPending(next)
	}},
	{"a change of email or schema", func(b *fixture) {
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
	{"emails match exactly", func(b *fixture) {
		emails := []string{"a@example.com", "A@example.com", "a@example.com ", "aa@example.com", "a@example.co", ""}
		for _, email := range emails {
			inv := b.invitation()
			inv.Email = email
			b.put(inv)
			b.isPending(inv)
			b.same(email, []bridge.Invitation{inv}, b.list(bridge.InvitationQuery{Email: email, Limit: 1}))
		}
	}},
	{"email and schema do not collide when concatenated", func(b *fixture) {
		for _, pair := range [][2]string{{"a", "bc"}, {"ab", "c"}, {"abc", ""}, {"", "abc"}, {"a|b", "c"}, {"a", "b|c"}, {"bc", "a"}} {
			inv := b.invitation()
			inv.Email, inv.SchemaID = pair[0], pair[1]
			b.put(inv)
			b.isPending(inv)
		}
	}},
}

// refusesPending checks that storing an invitation fails with ErrPendingExists and
// changes nothing.
func (b *fixture) refusesPending(inv bridge.Invitation) {
	b.Helper()
	before := b.list(bridge.InvitationQuery{Limit: 1000})
	b.is(b.store.Update(context.Background(), putAll(inv)), bridge.ErrPendingExists)
	b.same("all", before, b.list(bridge.InvitationQuery{Limit: 1000}))
}

func (b *fixture) isPending(inv bridge.Invitation) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		got, err := tx.PendingInvitation(inv.Email, inv.SchemaID)
		b.same("pending", inv, got)
		return err
	})
}

func (b *fixture) notPending(inv bridge.Invitation) {
	b.Helper()
	b.view(func(tx bridge.Tx) error {
		_, err := tx.PendingInvitation(inv.Email, inv.SchemaID)
		b.is(err, bridge.ErrRowNotFound)
		return nil
	})
}
