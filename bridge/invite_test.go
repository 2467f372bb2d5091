package bridge_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

func TestInvite(t *testing.T) {
	t.Run("a new address", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{
			Email: "Ada@EXAMPLE.com", Traits: json.RawMessage(`{"name":{"first":"Ada"}}`),
			MetadataPublic: json.RawMessage(`{"team":7}`), MetadataAdmin: json.RawMessage(`{"plan":"pro"}`),
			InviterID: "u1", InviterName: "Grace", Locale: "de",
		})
		inv := offer.Invitation
		if !offer.Created || inv.State != bridge.StatePending || inv.Email != email || inv.SchemaID != kratostest.DefaultSchema {
			t.Errorf("got %+v", inv)
		}
		if got := inv.ExpiresAt.Sub(inv.CreatedAt); got != 24*time.Hour {
			t.Errorf("its lifespan is %s", got)
		}
		if inv.ID.Version() != 7 || offer.Link != "https://join.example.com/invite/"+offer.Token.Reveal() {
			t.Errorf("id of version %d, link %s", inv.ID.Version(), offer.Link)
		}
		previewed, err := w.Service.Preview(t.Context(), offer.Token.Reveal())
		if err != nil || previewed.ID != inv.ID {
			t.Errorf("preview: %v, %v", previewed.ID, err)
		}
		if w.Kratos.Active(inv.IdentityID) {
			t.Error("the identity is active")
		}
	})
	t.Run("an address with a pending invitation", func(t *testing.T) {
		w := bridgetest.New(t)
		first := invite(t, w, bridge.InviteRequest{Email: email})
		second := invite(t, w, bridge.InviteRequest{Email: "ADA@example.com", ExpiresIn: time.Hour})
		if second.Created || second.Invitation.ID != first.Invitation.ID || second.Token == first.Token {
			t.Errorf("got %+v", second.Invitation)
		}
		if !second.Invitation.ExpiresAt.Equal(first.Invitation.ExpiresAt) {
			t.Error("the expiry moved")
		}
		for _, token := range []bridge.Token{first.Token, second.Token} {
			if _, err := w.Service.Preview(t.Context(), token.Reveal()); err != nil {
				t.Errorf("one of the tokens: %v", err)
			}
		}
	})
	t.Run("one email per cooldown", func(t *testing.T) {
		w := bridgetest.New(t)
		for _, step := range []struct {
			wait  time.Duration
			quiet bool
			sent  int
		}{{0, false, 1}, {59 * time.Second, false, 1}, {time.Second, true, 1}, {0, false, 2}, {59 * time.Second, false, 2}} {
			w.Clock.Advance(step.wait)
			invite(t, w, bridge.InviteRequest{Email: email, Quiet: step.quiet})
			if got := len(w.EventsFor(t, bridge.EndpointCourier)); got != step.sent {
				t.Errorf("%+v: %d emails", step, got)
			}
		}
	})
	t.Run("an active identity", func(t *testing.T) {
		w := bridgetest.New(t)
		w.Kratos.Add(email, true)
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
		refused(t, err, bridge.ErrIdentityAlreadyActive)
	})
	t.Run("an inactive identity is adopted", func(t *testing.T) {
		w := bridgetest.New(t)
		id := w.Kratos.Add(email, false)
		offer := invite(t, w, bridge.InviteRequest{Email: "ADA@Example.com"})
		if !offer.Created || offer.Invitation.IdentityID != id {
			t.Errorf("got %+v", offer.Invitation)
		}
	})
	t.Run("an inactive identity, by its id", func(t *testing.T) {
		w := bridgetest.New(t)
		id := w.Kratos.Add("Ada@example.com", false)
		offer := invite(t, w, bridge.InviteRequest{IdentityID: id})
		if offer.Invitation.Email != email || offer.Invitation.IdentityID != id {
			t.Errorf("got %+v", offer.Invitation)
		}
	})
	t.Run("an identity with other data", func(t *testing.T) {
		w := bridgetest.New(t)
		id := w.Kratos.Add(email, false)
		for name, r := range map[string]bridge.InviteRequest{
			"traits":          {Traits: json.RawMessage(`{"name":{"first":"Eve"}}`)},
			"metadata_public": {MetadataPublic: json.RawMessage(`{"a":1}`)},
			"metadata_admin":  {MetadataAdmin: json.RawMessage(`{"a":1}`)},
			"schema_id":       {SchemaID: kratostest.CustomerSchema, IdentityID: id},
		} {
			if r.IdentityID == uuid.Nil {
				r.Email = email
			}
			_, err := w.Service.Invite(t.Context(), r)
			if e := refusal(t, err, bridge.ErrIdentityConflict); !strings.Contains(e.Reason, name) {
				t.Errorf("%s: %s", name, e.Reason)
			}
		}
		invite(t, w, bridge.InviteRequest{Email: email})
	})
	t.Run("the same request again, after its response was lost", func(t *testing.T) {
		w := bridgetest.New(t)
		r := bridge.InviteRequest{
			Email: email, Traits: json.RawMessage(`{"email":"ADA@example.com","name":{"first":"Ada"}}`),
			MetadataPublic: json.RawMessage(`{"n":12345678901234567890}`), MetadataAdmin: json.RawMessage(`{"plan":"pro"}`),
		}
		first, second := invite(t, w, r), invite(t, w, r)
		if first.Invitation.ID != second.Invitation.ID {
			t.Error("two invitations")
		}
		r.MetadataPublic = json.RawMessage(`{"n":12345678901234567891}`)
		_, err := w.Service.Invite(t.Context(), r)
		refused(t, err, bridge.ErrIdentityConflict)
	})
	t.Run("an address whose invitation has ended", func(t *testing.T) {
		for name, end := range map[string]func(*bridgetest.Harness, bridge.Invitation) error{
			"revoked": func(w *bridgetest.Harness, i bridge.Invitation) error {
				_, err := w.Service.Revoke(t.Context(), i.ID)
				return err
			},
			"expired, not swept": func(w *bridgetest.Harness, _ bridge.Invitation) error { w.Clock.Advance(24 * time.Hour); return nil },
			"expired and swept": func(w *bridgetest.Harness, _ bridge.Invitation) error {
				w.Clock.Advance(24 * time.Hour)
				_, err := w.Service.Sweep(t.Context())
				return err
			},
			"identity deleted": func(w *bridgetest.Harness, i bridge.Invitation) error { w.Kratos.Remove(i.IdentityID); return nil },
		} {
			w := bridgetest.New(t)
			first := invite(t, w, bridge.InviteRequest{Email: email})
			if err := end(w, first.Invitation); err != nil {
				t.Fatal(err)
			}
			second := invite(t, w, bridge.InviteRequest{Email: email})
			if !second.Created || second.Invitation.ID == first.Invitation.ID {
				t.Errorf("%s: no new invitation", name)
			}
			if _, err := w.Service.Preview(t.Context(), first.Token.Reveal()); err == nil {
				t.Errorf("%s: the old token works", name)
			}
			if w.Kratos.Len() != 1 {
				t.Errorf("%s: %d identities", name, w.Kratos.Len())
			}
		}
	})
	t.Run("the identity became active elsewhere", func(t *testing.T) {
		w := bridgetest.New(t)
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		w.Kratos.ActivateByHand(offer.Invitation.IdentityID, "theirs")
		_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
		refused(t, err, bridge.ErrIdentityAlreadyActive)
		if inv, _ := w.Service.Get(t.Context(), offer.Invitation.ID); inv.State != bridge.StateRevoked {
			t.Errorf("the invitation is %s", inv.State)
		}
	})
}

func TestInviteDeletesIdentityIfStoreFails(t *testing.T) {
	w := bridgetest.New(t)
	w.Store.FailUpdates(func(int) error { return errors.New("no space left on device") })
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	refused(t, err, bridge.ErrStoreUnavailable)
	if w.Kratos.Len() != 0 {
		t.Error("the identity was not deleted")
	}
	adopted := w.Kratos.Add("grace@example.com", false)
	_, err = w.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: adopted})
	refused(t, err, bridge.ErrStoreUnavailable)
	if w.Kratos.Len() != 1 {
		t.Error("an adopted identity was deleted")
	}
	w.Store.FailUpdates(nil)
	invite(t, w, bridge.InviteRequest{Email: email})
}
