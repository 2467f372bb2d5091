package bridge_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestCorrectedAddress: resending to an address that was corrected in Kratos
// fails, the error says to invite the new address, and that works.
func TestCorrectedAddress(t *testing.T) {
	const corrected = "ada@example.org"
	for _, when := range []bridge.State{bridge.StatePending, bridge.StateExpired} {
		t.Run(string(when), func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			inv := offer.Invitation
			if when == bridge.StateExpired {
				w.Clock.Advance(day)
			}
			if err := w.Kratos.Replace(t.Context(), inv.IdentityID, fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":{"email":%q}}`, kratostest.DefaultSchema, corrected)); err != nil {
				t.Fatal(err)
			}
			_, err := w.Service.Resend(t.Context(), inv.ID)
			if e := refusal(t, err, bridge.ErrIdentityInUse); e.Reason != "The identity now has another email address. Invite that address instead." {
				t.Errorf("reason: %s", e.Reason)
			}
			if when == bridge.StatePending {
				_, err = w.Service.Resend(t.Context(), inv.ID)
				if e := refusal(t, err, bridge.ErrRevoked); !strings.Contains(e.Reason, "changed") {
					t.Errorf("reason of the closed one: %s", e.Reason)
				}
			}
			again := invite(t, w, bridge.InviteRequest{Email: corrected})
			if again.Invitation.IdentityID != inv.IdentityID {
				t.Error("another identity was invited")
			}
			accept(t, w, again, password)
		})
	}
}

// TestOtherAddressAlone: an identity that lost its address, and has another
// user's address instead, is handed over to neither.
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

// TestAddressElsewhere: an identity that has the invited address in a trait
// other than the schema's address trait is not handed over. Its invitation
// stays pending.
func TestAddressElsewhere(t *testing.T) {
	for _, adopted := range []bool{false, true} {
		w := bridgetest.New(t, func(c *bridge.Config) { c.SchemaID = kratostest.MemberSchema })
		if adopted {
			createIdentity(t, w, kratostest.MemberSchema, "inactive", traits(`{"email":%q}`, email))
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

// TestChangedAddress: an identity whose address has changed is never activated
// for the owner of the former mailbox.
func TestChangedAddress(t *testing.T) {
	replace := func(t *testing.T, w *bridgetest.Harness, offer bridge.IssuedInvitation, address string) {
		t.Helper()
		raw, err := w.Kratos.Read(t.Context(), offer.Invitation.IdentityID)
		if err != nil {
			t.Fatal(err)
		}
		var identity map[string]json.RawMessage
		if err := json.Unmarshal(raw, &identity); err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]any{
			"schema_id": identity["schema_id"], "state": identity["state"], "metadata_admin": identity["metadata_admin"],
			"traits": map[string]string{"email": address},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Kratos.Replace(t.Context(), offer.Invitation.IdentityID, string(body)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("accepting", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: "wrong@example.com"})
		replace(t, w, offer, "right@example.com")
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		refused(t, err, bridge.ErrRevoked)
		if w.Kratos.Active(offer.Invitation.IdentityID) {
			t.Error("the identity was activated")
		}
	})
	t.Run("inviting again", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: "wrong@example.com"})
		replace(t, w, offer, "right@example.com")
		again := invite(t, w, bridge.InviteRequest{Email: "wrong@example.com"})
		if again.Invitation.IdentityID == offer.Invitation.IdentityID {
			t.Error("the identity with the other address was invited")
		}
	})
	t.Run("deleting the unaccepted", func(t *testing.T) {
		w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry })
		wrong := invite(t, w, bridge.InviteRequest{Email: "wrong@example.com", ExpiresIn: time.Hour})
		replace(t, w, wrong, "right@example.com")
		right := invite(t, w, bridge.InviteRequest{Email: "right@example.com"})
		if stateOf(t, w, wrong) != bridge.StateRevoked { // its identity has another invitation now
			t.Error("the invitation of the wrong address is not closed")
		}
		w.Clock.Advance(time.Hour)
		if _, err := w.Service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		accept(t, w, right, password)
	})
}
