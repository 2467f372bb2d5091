package bridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

func TestResend(t *testing.T) {
	t.Run("pending: the expiry moves, old tokens stay valid", func(t *testing.T) {
		w := bridgetest.New(t)
		first := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: 2 * time.Hour})
		w.Clock.Advance(time.Hour)
		second, err := w.Service.Resend(t.Context(), first.Invitation.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := second.Invitation.ExpiresAt.Sub(w.Clock.Now()); got != 2*time.Hour {
			t.Errorf("its lifespan is %s", got)
		}
		if len(w.EventsFor(t, bridge.EndpointCourier)) != 2 {
			t.Errorf("%d emails to the invitee", len(w.EventsFor(t, bridge.EndpointCourier)))
		}
		accept(t, w, first, password)
	})
	t.Run("expired: revived, old tokens stay invalid", func(t *testing.T) {
		for _, swept := range []bool{false, true} {
			w := bridgetest.New(t)
			first := invite(t, w, bridge.InviteRequest{Email: email})
			w.Clock.Advance(24 * time.Hour)
			if swept {
				if _, err := w.Service.ExpireDue(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			second, err := w.Service.Resend(t.Context(), first.Invitation.ID)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Service.Accept(t.Context(), first.Token.Reveal(), password)
			refused(t, err, bridge.ErrExpired)
			accept(t, w, second, password)
		}
	})
	t.Run("expired, while a newer one is pending", func(t *testing.T) {
		w := bridgetest.New(t)
		first := invite(t, w, bridge.InviteRequest{Email: email})
		w.Clock.Advance(24 * time.Hour)
		invite(t, w, bridge.InviteRequest{Email: email})
		_, err := w.Service.Resend(t.Context(), first.Invitation.ID)
		refused(t, err, bridge.ErrIdentityConflict)
	})
	t.Run("ended, unknown, or without its identity", func(t *testing.T) {
		w := bridgetest.New(t)
		accepted := invite(t, w, bridge.InviteRequest{Email: email})
		accept(t, w, accepted, password)
		revoked := invite(t, w, bridge.InviteRequest{Email: "b@example.com"})
		if _, err := w.Service.Revoke(t.Context(), revoked.Invitation.ID); err != nil {
			t.Fatal(err)
		}
		orphan := invite(t, w, bridge.InviteRequest{Email: "c@example.com"})
		w.Kratos.Remove(orphan.Invitation.IdentityID)
		other := invite(t, w, bridge.InviteRequest{Email: "d@example.com"})
		w.Kratos.ActivateByHand(other.Invitation.IdentityID, "theirs")
		for id, want := range map[uuid.UUID]*bridge.Error{
			accepted.Invitation.ID: bridge.ErrAccepted, revoked.Invitation.ID: bridge.ErrRevoked,
			orphan.Invitation.ID: bridge.ErrRevoked, other.Invitation.ID: bridge.ErrIdentityInUse, uuid.New(): bridge.ErrNotFound,
		} {
			_, err := w.Service.Resend(t.Context(), id)
			refused(t, err, want)
		}
	})
}

// TestResendOfClosed: the error says why there is nothing to resend.
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
		if e := refusal(t, err, bridge.ErrRevoked); !strings.Contains(e.Reason, word) || !strings.Contains(e.Reason, "Create a new invitation") {
			t.Errorf("%s: reason: %s", word, e.Reason)
		}
	}
}
