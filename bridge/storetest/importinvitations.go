package storetest

import (
	"errors"
	"fmt"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var importInvitationTests = []test{
	{"invitations of addresses: all pending ones, and the newest", func(b *fixture) {
		of := func(email, schema string, state bridge.State) bridge.Invitation {
			inv := b.invitation()
			inv.Email, inv.SchemaID, inv.State = email, schema, state
			b.put(inv)
			return inv
		}
		of("ended@example.com", "a", bridge.StateAccepted)
		of("ended@example.com", "a", bridge.StateExpired)
		ended := of("ended@example.com", "b", bridge.StateRevoked)
		first := of("pending@example.com", "a", bridge.StatePending)
		of("pending@example.com", "b", bridge.StateExpired)
		second := of("pending@example.com", "c", bridge.StatePending)
		older := of("both@example.com", "a", bridge.StatePending)
		of("both@example.com", "b", bridge.StateExpired)
		newest := of("both@example.com", "b", bridge.StateRevoked)
		of("else@example.com", "a", bridge.StatePending)

		b.sameInvitationsOf([]string{"ended@example.com"}, ended)
		b.sameInvitationsOf([]string{"pending@example.com"}, first, second)
		b.sameInvitationsOf([]string{"both@example.com"}, older, newest)
		b.sameInvitationsOf([]string{"both@example.com", "none@example.com", "ended@example.com", "both@example.com", "pending@example.com", ""},
			ended, first, second, older, newest)
		b.sameInvitationsOf([]string{"none@example.com", "Both@example.com", "both@example.co", ""})
		b.sameInvitationsOf(nil)
	}},
	{"invitations of addresses: they follow changes", func(b *fixture) {
		inv, next := b.fullInvitation(), b.invitation()
		next.Email = inv.Email
		b.put(inv)
		b.sameInvitationsOf([]string{inv.Email}, inv)
		inv.State, inv.Claim = bridge.StateExpired, nil
		b.put(inv)
		b.sameInvitationsOf([]string{inv.Email}, inv)
		b.update(func(tx bridge.Tx) error {
			b.is(tx.PutInvitation(next), nil)
			got, err := tx.InvitationsOf(inv.Email)
			b.same("in the same transaction", []bridge.Invitation{next}, got)
			return err
		})
		b.sameInvitationsOf([]string{inv.Email}, next)
		b.delete(next)
		b.sameInvitationsOf([]string{inv.Email}, inv)
		b.delete(inv)
		b.sameInvitationsOf([]string{inv.Email})
	}},
	{"invitations of addresses: 500 at once", func(b *fixture) {
		var list []bridge.Invitation
		var emails []string
		for n := range 500 {
			inv := b.invitation()
			if n%2 == 0 {
				inv.State = bridge.StateAccepted
			}
			list, emails = append(list, inv), append(emails, inv.Email)
		}
		b.put(list...)
		b.sameInvitationsOf(emails, list...)
	}},
	{"invitations of addresses: what is returned is a copy", func(b *fixture) {
		inv := b.fullInvitation()
		b.put(inv)
		b.view(func(tx bridge.Tx) error {
			got, err := tx.InvitationsOf(inv.Email)
			if len(got) == 1 {
				got[0].Claim.ID, got[0].Cleaned[0] = uuid.Max, "else"
			}
			return err
		})
		b.sameInvitationsOf([]string{inv.Email}, inv)
	}},
}

var insertTests = []test{
	{"insert: all, with the import", func(b *fixture) {
		i := b.imports(1)[0]
		var list []bridge.Invitation
		for n := range 500 {
			inv := b.invitation()
			if n%3 == 0 {
				inv = b.fullInvitation()
			}
			inv.ImportID = i.ID
			list = append(list, inv)
		}
		b.insert(list)
		b.same("all", list, reversed(b.list(bridge.InvitationQuery{ImportID: i.ID, Limit: 1000})))
		b.sameBacklog("backlog", list, nil)
		b.insert(nil)
	}},
	{"insert: those that conflict are left out", func(b *fixture) {
		byEmail, byIdentity, ended := b.invitation(), b.invitation(), b.invitation()
		byIdentity.IdentityID, ended.State, ended.IdentityID = uuid.UUID{7}, bridge.StateExpired, uuid.UUID{8}
		b.put(byEmail, byIdentity, ended)
		first, email, identity, both, allowed, terminal, last := b.invitation(), b.invitation(), b.invitation(), b.invitation(), b.invitation(), b.invitation(), b.invitation()
		email.Email, identity.IdentityID = byEmail.Email, byIdentity.IdentityID
		both.Email, both.IdentityID = byEmail.Email, byIdentity.IdentityID
		allowed.Email, allowed.IdentityID = ended.Email, ended.IdentityID
		terminal.Email, terminal.State = byEmail.Email, bridge.StateRevoked
		b.insert([]bridge.Invitation{first, email, identity, both, allowed, terminal, last}, email.ID, identity.ID, both.ID)
		b.sameLists([]bridge.Invitation{byEmail, byIdentity, ended, first, allowed, terminal, last})
		b.isPending(byEmail)
		b.isPending(allowed)
	}},
	{"insert: the first of those that conflict with one another", func(b *fixture) {
		var list []bridge.Invitation
		var lost []uuid.UUID
		for n := range 12 {
			inv := b.invitation()
			if n < 6 {
				inv.Email = fmt.Sprintf("same-%d@example.com", n%2)
			} else {
				inv.IdentityID = uuid.UUID{byte(n % 2), 9}
			}
			if n%6 > 1 {
				lost = append(lost, inv.ID)
			}
			list = append(list, inv)
		}
		b.insert(list, lost...)
		b.sameLists([]bridge.Invitation{list[0], list[1], list[6], list[7]})
	}},
	{"insert: the transaction can go on after conflicts", func(b *fixture) {
		inv, rival, other := b.invitation(), b.invitation(), b.invitation()
		rival.Email = inv.Email
		b.put(inv)
		b.update(func(tx bridge.Tx) error {
			conflicts, err := tx.InsertInvitations(rival)
			b.is(err, nil)
			b.same("conflicts", []uuid.UUID{rival.ID}, conflicts)
			_, err = tx.Invitation(rival.ID)
			b.is(err, bridge.ErrRowNotFound)
			b.is(tx.PutToken(digestOf("rival"), bridge.TokenRecord{InvitationID: rival.ID}), bridge.ErrRowNotFound)
			conflicts, err = tx.InsertInvitations(other, rival)
			b.same("conflicts", []uuid.UUID{rival.ID}, conflicts)
			return errors.Join(err, tx.PutToken(digestOf("other"), bridge.TokenRecord{InvitationID: other.ID}), tx.PutMessage(b.queuedMessage(other)))
		})
		b.sameLists([]bridge.Invitation{inv, other})
		b.hasToken(digestOf("other"), other, bridge.TokenRecord{InvitationID: other.ID})
	}},
	{"insert: one wins each address, in whatever order", func(b *fixture) {
		const addresses = 8
		lists := make([][]bridge.Invitation, rivals)
		for i := range lists {
			for n := range addresses {
				inv := b.invitation()
				inv.Email = fmt.Sprintf("wanted-%d@example.com", (n+i)%addresses)
				lists[i] = append(lists[i], inv)
			}
		}
		inserted := make([]int, rivals)
		won := b.contend(nil, func(tx bridge.Tx, i int) error {
			conflicts, err := tx.InsertInvitations(lists[i]...)
			inserted[i] = addresses - len(conflicts)
			return err
		})
		b.same("updates", rivals, len(won))
		total := 0
		for _, n := range inserted {
			total += n
		}
		b.same("inserted", addresses, total)
		b.same("stored", addresses, len(b.list(bridge.InvitationQuery{State: bridge.StatePending, Limit: 1000})))
	}},
}

func (b *fixture) sameInvitationsOf(emails []string, want ...bridge.Invitation) {
	b.Helper()
	got := b.rows(func(tx bridge.Tx) ([]bridge.Invitation, error) { return tx.InvitationsOf(emails...) })
	b.same(fmt.Sprintf("of %.5q", emails), slices.SortedFunc(slices.Values(want), byID), slices.SortedFunc(slices.Values(got), byID))
}

// insert inserts invitations, of which some must conflict.
func (b *fixture) insert(list []bridge.Invitation, conflicts ...uuid.UUID) {
	b.Helper()
	b.update(func(tx bridge.Tx) error {
		got, err := tx.InsertInvitations(list...)
		slices.SortFunc(got, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		b.same("conflicts", conflicts, got)
		return err
	})
}

func reversed(list []bridge.Invitation) []bridge.Invitation {
	slices.Reverse(list)
	return list
}
