package bridge_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestFailedDeletionDelaysNoOther: a deletion that Kratos refuses is tried
// again later. All due invitations expire, and other identities are deleted.
func TestFailedDeletionDelaysNoOther(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = bridge.DeleteAtExpiry })
	first := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Hour})
	second := invite(t, w, bridge.InviteRequest{Email: "b@example.com", ExpiresIn: time.Hour})
	forbidden := bridgetest.Answer(http.StatusForbidden)
	forbidden.Method, forbidden.Route, forbidden.Times = http.MethodDelete, kratostest.RouteIdentity, 1
	w.Kratos.Inject(forbidden)
	w.Clock.Advance(time.Hour)
	if swept, err := w.Service.Sweep(t.Context()); err != nil || swept.Expired != 2 || swept.Checked != 2 {
		t.Errorf("swept %+v, %v", swept, err)
	}
	for _, offer := range []bridge.IssuedInvitation{first, second} {
		if got := stateOf(t, w, offer); got != bridge.StateExpired {
			t.Errorf("an invitation is %s", got)
		}
		_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
		refused(t, err, bridge.ErrIdentityConflict)
	}
	if w.Kratos.Len() != 1 {
		t.Errorf("%d identities", w.Kratos.Len())
	}
	w.Clock.Advance(5 * time.Second)
	if _, err := w.Service.Sweep(t.Context()); err != nil || w.Kratos.Len() != 0 {
		t.Errorf("later: %d identities, %v", w.Kratos.Len(), err)
	}
}

func TestNoTokenForExpiredInvitation(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Second})
	w.Kratos.OnPut(bridgetest.CutBefore)
	if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
		t.Fatal("the acceptance succeeded")
	}
	w.Clock.Advance(2 * time.Second)
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	refused(t, err, bridge.ErrAcceptInProgress)
}

// TestUnreadableIdentity: an identity that Kratos cannot return is checked
// again later and delays no other.
func TestUnreadableIdentity(t *testing.T) {
	unreadable, warned := 0, 0
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.OnCounted = func(n bridge.Counters) { unreadable += n.Unreadable }
		c.Warn = func(string, ...any) { warned++ }
	})
	var offers []bridge.IssuedInvitation
	for _, address := range []string{"a@example.com", "b@example.com", "c@example.com"} {
		offers = append(offers, invite(t, w, bridge.InviteRequest{Email: address}))
		cutAccept(t, w, offers[len(offers)-1], bridgetest.CutAfter)
	}
	unavailable := bridgetest.Answer(500)
	unavailable.Times = 1
	w.Kratos.OnGet(unavailable)
	w.Clock.Advance(testLease)
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Errorf("the sweep failed: %v", err)
	}
	reconciled := func() (n int) {
		for _, offer := range offers {
			if stateOf(t, w, offer) == bridge.StateAccepted {
				n++
			}
		}
		return n
	}
	if n := reconciled(); n != 2 || unreadable != 1 || warned != 1 {
		t.Errorf("%d reconciled, %d counted, %d warnings", n, unreadable, warned)
	}
	if _, err := w.Service.Sweep(t.Context()); err != nil || reconciled() != 2 {
		t.Errorf("it was checked again at once, %v", err)
	}
	w.Clock.Advance(5 * time.Second)
	if _, err := w.Service.Sweep(t.Context()); err != nil || reconciled() != 3 {
		t.Errorf("%d reconciled, %v", reconciled(), err)
	}
	w.Kratos.Down()
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Error("a sweep with nothing to check calls Kratos")
	}
}

// newUnresolved makes an invitation whose acceptance got no response. Its claim
// was released when the lease expired, but the request may still take effect.
func newUnresolved(t *testing.T, policy bridge.Unaccepted) (*bridgetest.Harness, bridge.IssuedInvitation) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.Unaccepted = policy })
	offer := invite(t, w, bridge.InviteRequest{Email: email, ExpiresIn: time.Minute})
	cutAccept(t, w, offer, bridgetest.CutBefore)
	w.Clock.Advance(testLease)
	sweep(t, w)
	return w, offer
}

// TestNothingIsDeletedWhileUnresolved: no identity is deleted while a request
// for it may still take effect.
func TestNothingIsDeletedWhileUnresolved(t *testing.T) {
	w, offer := newUnresolved(t, bridge.DeleteAtPurge)
	if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	for range 9 {
		w.Clock.Advance(time.Minute)
		sweep(t, w)
		if !w.Kratos.Exists(offer.Invitation.IdentityID) {
			t.Fatal("it was deleted while a request may still take effect")
		}
	}
	w.Clock.Advance(2 * time.Minute)
	sweep(t, w)
	if w.Kratos.Exists(offer.Invitation.IdentityID) {
		t.Error("it was not deleted")
	}
}

// TestExpiryDoesNotWaitForUnresolvedClaims: an invitation expires on time
// though Kratos cannot be asked about its claim.
func TestExpiryDoesNotWaitForUnresolvedClaims(t *testing.T) {
	w, _ := newUnresolved(t, bridge.DeleteAtExpiry)
	w.Clock.Advance(time.Minute)
	w.Kratos.Down()
	swept, err := w.Service.Sweep(t.Context())
	if refused(t, err, bridge.ErrKratosUnavailable); swept.Expired != 1 {
		t.Errorf("swept %+v", swept)
	}
}

// TestUnresolvedClaimsAreChecked: a late acceptance is noticed even if no
// caller comes back.
func TestUnresolvedClaimsAreChecked(t *testing.T) {
	w, offer := newUnresolved(t, bridge.KeepUnaccepted)
	body := fmt.Sprintf(`{"schema_id":"default","state":"active","traits":{"email":%q},"metadata_admin":{"invitation":{"id":%q,"accepted_at":%q}}}`,
		email, offer.Invitation.ID, w.Clock.Now().Format(time.RFC3339))
	if err := w.Kratos.Replace(t.Context(), offer.Invitation.IdentityID, body); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(5 * time.Second)
	sweep(t, w)
	if got := stateOf(t, w, offer); got != bridge.StateAccepted {
		t.Errorf("it is %s", got)
	}
}

// TestDeactivatedSince: an account was accepted and then deactivated. The
// bridge knows of neither, because the response to its write was lost. The
// invitation must not give the account back.
func TestDeactivatedSince(t *testing.T) {
	for name, notice := range map[string]func(*bridgetest.Harness, bridge.IssuedInvitation) error{
		"by the sweep": func(w *bridgetest.Harness, _ bridge.IssuedInvitation) error {
			_, err := w.Service.Sweep(t.Context())
			return err
		},
		"by an accept": func(*bridgetest.Harness, bridge.IssuedInvitation) error { return nil },
		"by a resend": func(w *bridgetest.Harness, o bridge.IssuedInvitation) error {
			_, _ = w.Service.Resend(t.Context(), o.Invitation.ID)
			return nil
		},
		"by a revocation": func(w *bridgetest.Harness, o bridge.IssuedInvitation) error {
			_, _ = w.Service.Revoke(t.Context(), o.Invitation.ID)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			offer := invite(t, w, bridge.InviteRequest{Email: email})
			restore := w.Kratos.OnPut(kratostest.Fault{Do: kratostest.CutAfter})
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			refused(t, err, bridge.ErrKratosUnavailable)
			restore()
			w.Kratos.Deactivate(offer.Invitation.IdentityID)
			w.Clock.Advance(bridgetest.Lease)
			if err := notice(w, offer); err != nil {
				t.Fatal(err)
			}
			_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password+"2")
			refused(t, err, bridge.ErrAccepted)
			if inv, err := w.Service.Get(t.Context(), offer.Invitation.ID); err != nil || inv.State != bridge.StateAccepted {
				t.Errorf("it is %s, %v", inv.State, err)
			}
			if w.Kratos.Active(offer.Invitation.IdentityID) || w.Kratos.Puts() != 1 {
				t.Errorf("active: %v, after %d writes", w.Kratos.Active(offer.Invitation.IdentityID), w.Kratos.Puts())
			}
		})
	}
}
