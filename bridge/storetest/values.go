package storetest

import (
	"strings"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

var valueTests = []test{
	{"all fields set", func(b *bench) {
		for _, state := range bridge.States() {
			inv := b.full()
			inv.State = state
			b.put(inv)
			b.same(string(state), inv, b.get(inv.ID))
		}
	}},
	{"only what must be set", func(b *bench) {
		inv := b.invitation()
		b.put(inv)
		b.same("invitation", inv, b.get(inv.ID))
	}},
	{"empty fields stay empty", func(b *bench) {
		inv := bridge.Invitation{ID: b.invitation().ID, State: bridge.StateRevoked}
		b.put(inv)
		b.same("invitation", inv, b.get(inv.ID))
	}},
	{"texts that need care", func(b *bench) {
		for _, text := range []string{
			`"quoted" & <b>`, "two\nlines\tand\\", "'; DROP TABLE invitations; --", "%_*?", " spaces ",
			"naïve 日本語 🙂", "\u2028\u202e", "e\u0301", "null", "{}", strings.Repeat("long ", 20_000),
		} {
			inv := b.invitation()
			inv.InviterID, inv.InviterName, inv.ReturnTo = text, text, text
			b.put(inv)
			b.same(text, inv, b.get(inv.ID))
			b.same(text+" listed", []bridge.Invitation{inv}, b.list(bridge.Query{InviterID: text, Limit: 2}))
		}
	}},
	{"times come back in UTC, to the microsecond", func(b *bench) {
		inv := b.invitation()
		inv.ExpiresAt = time.Date(2999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		b.put(inv)
		got := b.get(inv.ID).ExpiresAt
		if got != inv.ExpiresAt { // with the location, not only the instant
			b.Errorf("got %#v, want %#v", got, inv.ExpiresAt)
		}
	}},
	{"a put replaces the whole", func(b *bench) {
		inv := b.full()
		b.put(inv)
		plain := b.invitation()
		plain.ID = inv.ID
		b.put(plain)
		b.same("invitation", plain, b.get(inv.ID))
		b.same("by the former inviter", []bridge.Invitation{}, b.list(bridge.Query{InviterID: inv.InviterID, Limit: 9}))
		b.same("by the former e-mail", []bridge.Invitation{}, b.list(bridge.Query{Email: inv.Email, Limit: 9}))
	}},
	{"the same put twice", func(b *bench) {
		inv := b.full()
		b.put(inv, inv)
		b.put(inv)
		b.same("all", []bridge.Invitation{inv}, b.list(bridge.Query{Limit: 9}))
	}},
	{"what is returned is a copy", func(b *bench) {
		inv := b.full()
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
	{"what was put is a copy", func(b *bench) {
		inv := b.full()
		want := *inv.Claim
		b.update(func(tx bridge.Tx) error {
			inv.Claim.ID = want.ID // fn may run again
			err := tx.PutInvitation(inv)
			inv.Claim.ID = uuid.Max
			return err
		})
		b.same("claim", &want, b.get(inv.ID).Claim)
	}},
	{"unknown ids", func(b *bench) {
		b.put(b.invitation())
		b.missing(b.invitation(), digestOf("none"))
		b.missing(bridge.Invitation{ID: uuid.Max, Email: "none@example.com"})
	}},
	{"reads see the writes of their own transaction", func(b *bench) {
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
			b.same("by e-mail", inv, got)
			if err := tx.DeleteInvitation(inv.ID); err != nil {
				return err
			}
			_, err = tx.Invitation(inv.ID)
			b.is(err, bridge.ErrMissing)
			return nil
		})
		b.missing(inv)
	}},
}

// full makes an invitation with every field set.
func (b *bench) full() bridge.Invitation {
	inv := b.invitation()
	inv.IdentityID = inv.ID
	inv.IdentityID[0] = 0xff
	inv.Origin, inv.Identifiers, inv.Addresses = bridge.OriginReactivated, []string{"ann"}, []string{"ann@example.org"}
	inv.Baseline = &bridge.Baseline{StateChangedAt: inv.CreatedAt.Add(789), Credentials: []bridge.Credential{{Type: "oidc", Identifiers: []string{"idp:1"}}}}
	inv.SchemaID = "employee"
	inv.InviterID, inv.InviterName = "inviter-1", "Ann Inviter"
	inv.Locale, inv.ReturnTo, inv.Delivery = "de-AT", "https://app.example.com/welcome?a=b", "email"
	inv.Epoch = 7
	at := inv.CreatedAt
	inv.UpdatedAt, inv.AcceptedAt = at.Add(time.Microsecond), at.Add(time.Minute)
	inv.RevokedAt, inv.AnnouncedAt = at.Add(time.Hour), at.Add(time.Second)
	inv.SentAt, inv.SendCount, inv.Reason = at.Add(2*time.Second), 3, bridge.ReasonInUse
	inv.RevokeRequestedAt, inv.DoubtUntil, inv.CleaningBeganAt = at.Add(3*time.Second), at.Add(4*time.Second), at.Add(5*time.Second)
	inv.Cleaned, inv.Leftover, inv.LookAt, inv.Looks = []string{"password"}, bridge.LeftoverSettled, at.Add(6*time.Second), 2
	inv.Claim = &bridge.Claim{
		ID: uuid.UUID{4, 5, 6}, Until: at.Add(time.Minute), UnsettledAt: at.Add(time.Second), LookAt: at.Add(2 * time.Second), Looks: 3,
	}
	return inv
}
