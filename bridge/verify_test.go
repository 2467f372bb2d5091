package bridge_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// emailedToken returns the token of the email to the invitee.
func emailedToken(t *testing.T, w *bridgetest.Harness) string {
	t.Helper()
	claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 1, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d emails, %v", len(claimed), err)
	}
	return claimed[0].Dispatch.Payload.Data.Token
}

// TestVerifyFails: however the write that marks the address as verified fails,
// no password was set, and trying again works.
func TestVerifyFails(t *testing.T) {
	for _, c := range kratosFaults() {
		t.Run(c.name, func(t *testing.T) {
			w := c.newHarness(t)
			invite(t, w, bridge.InviteRequest{Email: email})
			token := emailedToken(t, w)
			c.fault.Method, c.fault.Route = http.MethodPatch, kratostest.RouteIdentity
			restore := w.Kratos.Inject(c.fault)
			_, err := w.Service.Accept(t.Context(), token, password)
			refused(t, err, c.accepted)
			if n := w.Kratos.Puts(); n != 0 {
				t.Errorf("the password was sent %d times", n)
			}
			restore()
			w.Clock.Advance(3 * time.Second)
			if _, err := w.Service.Accept(t.Context(), token, "another-Good-1"); err != nil {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// TestVerifyShows: the response to the write that marks the address as verified
// shows the identity, so it is read once only.
func TestVerifyShows(t *testing.T) {
	w := bridgetest.New(t)
	invite(t, w, bridge.InviteRequest{Email: email})
	token := emailedToken(t, w)
	w.Kratos.ResetLog()
	if _, err := w.Service.Accept(t.Context(), token, password); err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, r := range w.Kratos.Log() {
		sent = append(sent, r.Method)
	}
	if want := []string{http.MethodGet, http.MethodPatch, http.MethodPut}; !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
}

// TestVerifyShowsOthers: somebody else has used the account by the time of the
// write that marks its address. The response shows it, and no password is sent.
func TestVerifyShowsOthers(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	token := emailedToken(t, w)
	w.Kratos.Inject(kratostest.Fault{Method: http.MethodPatch, Route: kratostest.RouteIdentity, Times: 1, Arrived: func() {
		useAndDeactivate(t, w, offer.Invitation.IdentityID)
	}})
	_, err := w.Service.Accept(t.Context(), token, password)
	refused(t, err, bridge.ErrRevoked)
	inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
	if err != nil || inv.Reason != bridge.ReasonInUse || w.Kratos.Puts() > 0 {
		t.Errorf("%s for %s, %v, after %d writes", inv.State, inv.Reason, err, w.Kratos.Puts())
	}
}

// TestVerifiedByTheInvitee: an address that is already verified is not written
// again, and the read that showed it suffices for the password.
func TestVerifiedByTheInvitee(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	token := emailedToken(t, w)
	if _, err := w.Kratos.Patch(context.Background(), offer.Invitation.IdentityID, `[{"op":"replace","path":"/verifiable_addresses/0/verified","value":true}]`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Service.Accept(t.Context(), token, password); err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]int{http.MethodGet: 1, http.MethodPatch: 0, http.MethodPut: 1} {
		if n := w.Kratos.Count(method, kratostest.RouteIdentity).Calls; n != want {
			t.Errorf("%d times %s, want %d", n, method, want)
		}
	}
}
