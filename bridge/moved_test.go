package bridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestMendedAddress: an inviter who resends to an address that was mended in
// Kratos reads which one to invite, and that works.
func TestMendedAddress(t *testing.T) {
	const mended = "ada@example.org"
	for _, when := range []bridge.State{bridge.StatePending, bridge.StateExpired} {
		t.Run(string(when), func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			inv := offer.Invitation
			if when == bridge.StateExpired {
				w.Clock.Advance(day)
			}
			if err := w.Kratos.Replace(t.Context(), inv.IdentityID, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":{"email":%q}}`, kratostest.DefaultSchema, mended)); err != nil {
				t.Fatal(err)
			}
			_, err := w.Service.Resend(t.Context(), inv.ID)
			if e := refusal(t, err, bridge.ErrIdentityInUse); e.Reason != "The identity has another e-mail address by now. Invite that one." {
				t.Errorf("the inviter reads: %s", e.Reason)
			}
			if when == bridge.StatePending {
				_, err = w.Service.Resend(t.Context(), inv.ID)
				if e := refusal(t, err, bridge.ErrRevoked); !strings.Contains(e.Reason, "changed") {
					t.Errorf("of the closed one the inviter reads: %s", e.Reason)
				}
			}
			again := invite(t, w, bridge.InviteRequest{Email: mended})
			if again.Invitation.IdentityID != inv.IdentityID {
				t.Error("another identity was invited")
			}
			accept(t, w, again, password)
		})
	}
}

// TestOtherAddressAlone: an identity that lost its address, and is reached by
// somebody else's, is handed over to neither.
func TestOtherAddressAlone(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.SchemaID = kratostest.MemberSchema })
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	id := offer.Invitation.IdentityID
	patch(t, w, id, `[{"op":"replace","path":"/traits","value":{"username":"ada","second_email":"other@example.com"}}]`)
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	refused(t, err, bridge.ErrRevoked)
	if w.Kratos.Active(id) {
		t.Error("it was activated")
	}
}

// TestAddressElsewhere: an identity that has the invited address at another place
// than its schema does is not handed over, and its invitation waits.
func TestAddressElsewhere(t *testing.T) {
	for _, adopted := range []bool{false, true} {
		w := bridgetest.New(t, func(c *bridge.Config) { c.SchemaID = kratostest.MemberSchema })
		if adopted {
			madeByHand(t, w, kratostest.MemberSchema, "inactive", traits(`{"email":%q}`, email))
		}
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		id := offer.Invitation.IdentityID
		patch(t, w, id, `[{"op":"replace","path":"/traits","value":{"username":"ada","second_email":"`+email+`"}}]`)
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrKratosRejected)
		if w.Kratos.Active(id) {
			t.Error("it was activated")
		}
		patch(t, w, id, `[{"op":"replace","path":"/traits","value":{"email":"`+email+`"}}]`)
		accept(t, w, offer, password)
	}
}

// TestResendOfClosed says why there is nothing to resend.
func TestResendOfClosed(t *testing.T) {
	w := bridgetest.New(t)
	for _, word := range []string{"revoked", "deleted"} {
		offer := invite(t, w, bridge.InviteRequest{Email: word + "@example.com"})
		if word == "revoked" {
			if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
				t.Fatal(err)
			}
		} else {
			w.Kratos.Remove(offer.Invitation.IdentityID)
			_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrRevoked)
		}
		_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
		if e := refusal(t, err, bridge.ErrRevoked); !strings.Contains(e.Reason, word) || !strings.Contains(e.Reason, "Invite the address anew.") {
			t.Errorf("%s: the inviter reads: %s", word, e.Reason)
		}
	}
}

// TestParentOfEmailTrait names the place in the traits that is wrong.
func TestParentOfEmailTrait(t *testing.T) {
	w := bridgetest.NewAt(t, kratostest.FakeOptions{Schemas: kratostest.CompanySchemas()})
	for schema, place := range map[string]string{"nested": "contact", "referring": "person"} {
		for _, value := range []string{`"x"`, `[{}]`, `false`} {
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email, SchemaID: schema, Traits: json.RawMessage(`{"` + place + `":` + value + `}`)})
			if e := refusal(t, err, bridge.ErrTraitsInvalid); e.Reason != "traits."+place+" must be an object." {
				t.Errorf("%s: %s", value, e.Reason)
			}
		}
	}
}
