package storetest

import (
	"strings"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var valueTests = []test{
	{"all fields set", func(b *fixture) {
		for _, state := range bridge.States() {
			inv := b.fullInvitation()
			inv.State = state
			b.put(inv)
			b.same(string(state), inv, b.get(inv.ID))
		}
	}},
	{"all fields set, of many at once", func(b *fixture) {
		full, plain := b.fullInvitation(), b.invitation()
		b.update(func(tx bridge.Tx) error {
			conflicts, err := tx.InsertInvitations(full, plain)
			b.same("conflicts", 0, len(conflicts))
			return err
		})
		b.same("with all fields", full, b.get(full.ID))
		b.same("without", plain, b.get(plain.ID))
	}},
	{"only required fields set", func(b *fixture) {
		inv := b.invitation()
		b.put(inv)
		b.same("invitation", inv, b.get(inv.ID))
	}},
	{"empty fields stay empty", func(b *fixture) {
		inv := bridge.Invitation{ID: b.invitation().ID, State: bridge.StateRevoked}
		b.put(inv)
		b.same("invitation", inv, b.get(inv.ID))
	}},
	{"unusual texts", func(b *fixture) {
		for _, text := range []string{
			`"quoted" & <b>`, "two\nlines\tand\\", "'; DROP TABLE invitations; --", "%_*?", " spaces ",
			"naïve 日本語 🙂", "\u2028\u202e", "e\u0301", "null", "{}", strings.Repeat("long ", 20_000),
		} {
			inv := b.invitation()
			inv.InviterID, inv.InviterName, inv.ReturnTo, inv.CreatedBy.ID = text, text, text, text
			b.put(inv)
			b.same(text, inv, b.get(inv.ID))
			b.same(text+" listed", []bridge.Invitation{inv}, b.list(bridge.InvitationQuery{InviterID: text, Limit: 2}))
		}
	}},
	{"times come back in UTC, to the microsecond", func(b *fixture) {
		inv := b.invitation()
		inv.ExpiresAt = time.Date(2999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		b.put(inv)
		got := b.get(inv.ID).ExpiresAt
		if got != inv.ExpiresAt { // compares the location too
			b.Errorf("got %#v, want %#v", got, inv.ExpiresAt)
		}
	}},
	{"a put replaces everything", func(b *fixture) {
		inv := b.fullInvitation()
		b.put(inv)
		plain := b.invitation()
		plain.ID = inv.ID
		b.put(plain)
		b.same("invitation", plain, b.get(inv.ID))
		b.same("by the former inviter", []bridge.Invitation{}, b.list(bridge.InvitationQuery{InviterID: inv.InviterID, Limit: 9}))
		b.same("by the former creator", []bridge.Invitation{}, b.list(bridge.InvitationQuery{CreatedBy: inv.CreatedBy, Limit: 9}))
		b.same("by the former origin", []bridge.Invitation{}, b.list(bridge.InvitationQuery{Origin: inv.Origin, Limit: 9}))
		b.same("by the former method", []bridge.Invitation{}, b.list(bridge.InvitationQuery{Method: inv.Method, Limit: 9}))
		b.same("by the former import", []bridge.Invitation{}, b.list(bridge.InvitationQuery{ImportID: inv.ImportID, Limit: 9}))
		b.same("by the former email", []bridge.Invitation{}, b.list(bridge.InvitationQuery{Email: inv.Email, Limit: 9}))
	}},
	{"the same put twice", func(b *fixture) {
		inv := b.fullInvitation()
		b.put(inv, inv)
		b.put(inv)
		b.same("all", []bridge.Invitation{inv}, b.list(bridge.InvitationQuery{Limit: 9}))
	}},
	{"what is returned is a copy", func(b *fixture) {
		inv := b.fullInvitation()
		b.put(inv)
		want := b.get(inv.ID)
		b.update(func(tx bridge.Tx) error {
			got, err := tx.Invitation(inv.ID)
			if err != nil {
				return err
			}
			got.Claim.ID, got.Email = uuid.Max, "else@example.com"
			again, err := tx.Invitation(inv.ID)
			b.same("in the same transaction", want, again)
			return err
		})
		b.same("afterwards", want, b.get(inv.ID))
	}},
	{"what was put is a copy", func(b *fixture) {
		inv := b.fullInvitation()
		want := *inv.Claim
		b.update(func(tx bridge.Tx) error {
			inv.Claim.ID = want.ID // fn may run again
			err := tx.PutInvitation(inv)
			inv.Claim.ID = uuid.Max
			return err
		})
		b.same("claim", &want, b.get(inv.ID).Claim)
	}},
	{"unknown ids", func(b *fixture) {
		b.put(b.invitation())
		b.missing(b.invitation(), digestOf("none"))
		b.missing(bridge.Invitation{ID: uuid.Max, Email: "none@example.com"})
	}},
	{"reads see the writes of their own transaction", func(b *fixture) {
		inv := b.invitation()
		b.update(func(tx bridge.Tx) error {
			if err := tx.PutInvitation(inv); err != nil {
				return err
			}
			got, err := tx.Invitation(inv.ID)
			b.is(err, nil)
			b.same("by id", inv, got)
			got, err = tx.PendingInvitation(inv.Email, inv.SchemaID)
			b.is(err, nil)
			b.same("by email", inv, got)
			if err := tx.DeleteInvitation(inv.ID); err != nil {
				return err
			}
			_, err = tx.Invitation(inv.ID)
			b.is(err, bridge.ErrRowNotFound)
			return nil
		})
		b.missing(inv)
	}},
}

// fullInvitation makes an invitation with its optional fields set.
func (b *fixture) fullInvitation() bridge.Invitation {
	inv := b.invitation()
	inv.IdentityID = inv.ID
	inv.IdentityID[0] = 0xff
	inv.Origin, inv.Identifiers, inv.Addresses = bridge.OriginReactivated, []string{"ann"}, []string{"ann@example.org"}
	inv.Baseline = &bridge.Baseline{StateChangedAt: inv.CreatedAt.Add(789), Credentials: []bridge.Credential{{Type: "oidc", Identifiers: []string{"idp:1"}}}}
	inv.SchemaID = "employee"
	inv.InviterID, inv.InviterName = "inviter-1", "Ann Inviter"
	inv.Locale, inv.ReturnTo, inv.Delivery = "de-AT", "https://app.example.com/welcome?a=b", "email"
	inv.CreatedBy, inv.Method = bridge.BySession(uuid.UUID{14, 15}), bridge.AcceptKratos
	inv.Epoch, inv.ImportID = 7, uuid.UUID{12, 13} // which is not in the store
	at := inv.CreatedAt
	inv.UpdatedAt, inv.AcceptedAt = at.Add(time.Microsecond), at.Add(time.Minute)
	inv.RevokedAt, inv.InviteeNotifiedAt = at.Add(time.Hour), at.Add(time.Second)
	inv.SentAt, inv.SendCount, inv.Reason = at.Add(2*time.Second), 3, bridge.ReasonInUse
	inv.RevokeRequestedAt, inv.UnresolvedUntil, inv.CleaningBeganAt = at.Add(3*time.Second), at.Add(4*time.Second), at.Add(5*time.Second)
	inv.Cleaned, inv.Leftover, inv.CheckAt, inv.Checks = []string{"password"}, bridge.LeftoverSettled, at.Add(6*time.Second), 2
	inv.Reminders, inv.RemindAt, inv.ReminderCount = []time.Duration{72 * time.Hour, 24*time.Hour + 1}, at.Add(7*time.Second), 4
	inv.Claim = &bridge.Claim{
		ID: uuid.UUID{4, 5, 6}, Until: at.Add(time.Minute), UnresolvedSince: at.Add(time.Second), CheckAt: at.Add(2 * time.Second), Checks: 3,
	}
	return inv
}
