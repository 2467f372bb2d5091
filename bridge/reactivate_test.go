package bridge_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// formerAccount is an account that someone had, with everything that opened it.
type formerAccount struct {
	id      uuid.UUID
	session string
}

const ownerPassword = "theirs-Before-1"

func newFormer(t *testing.T, w *bridgetest.Harness) formerAccount {
	t.Helper()
	id, err := w.Kratos.Create(t.Context(), fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"email":%q,"username":"ada"}}`, email))
	if err != nil {
		t.Fatal(err)
	}
	f := formerAccount{id: id}
	w.Kratos.ActivateByHand(id, ownerPassword)
	if f.session, err = w.Kratos.AddSession(id); err != nil {
		t.Fatal(err)
	}
	setCredential("oidc", "", "idp:1", "other:2")(t, w, id)
	setCredential("totp", `{"totp_url":"otpauth://totp/x"}`)(t, w, id)
	setCredential("lookup_secret", `{"recovery_codes":[]}`)(t, w, id)
	setCredential("webauthn", `{"credentials":[{"is_passwordless":false}]}`)(t, w, id)
	w.Kratos.Deactivate(id)
	return f
}

// waysIn names what still opens the account for its former holder.
func (f formerAccount) waysIn(t *testing.T, w *bridgetest.Harness) (open []string) {
	if w.Kratos.SessionWorks(f.session) {
		open = append(open, "session")
	}
	for provider, subject := range map[string]string{"idp": "1", "other": "2"} {
		if w.Kratos.SignInOIDC(provider, subject) == nil {
			open = append(open, provider)
		}
	}
	if w.Kratos.SignIn(t.Context(), email, ownerPassword) == nil {
		open = append(open, "password")
	}
	shown, err := w.Kratos.Show(t.Context(), f.id, "webauthn")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"totp", "lookup_secret"} {
		if _, ok := shown.Credentials[kind]; ok {
			open = append(open, kind)
		}
	}
	return open
}

func TestReactivated(t *testing.T) {
	w := bridgetest.New(t)
	f := newFormer(t, w)
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: f.id, Reactivate: true, ExpiresIn: time.Hour - time.Second})
	refused(t, err, bridge.ErrExpiresInInvalid) // it would expire first
	offer := invite(t, w, bridge.InviteRequest{IdentityID: f.id, Reactivate: true})

	// Codes that were sent to the former holder are valid for an hour.
	w.Clock.Advance(59 * time.Minute)
	_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
	if e := refusal(t, err, bridge.ErrAcceptTooEarly); e.RetryAfter <= 0 || e.RetryAfter > time.Minute+time.Second {
		t.Errorf("try again after %v", e.RetryAfter)
	}
	w.Clock.Advance(time.Minute)
	w.Kratos.ResetLog()
	accept(t, w, offer, password)
	if open := f.waysIn(t, w); len(open) > 0 {
		t.Errorf("the former holder can sign in by %v", open)
	}
	inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
	if want := []string{"password", "sessions", "lookup_secret", "oidc:idp", "oidc:other", "totp", "webauthn"}; err != nil || !slices.Equal(inv.View().Cleaned, want) {
		t.Errorf("cleaned %v, %v; want %v", inv.Cleaned, err, want)
	}
	// Only the last write has the invitee's password.
	for _, r := range w.Kratos.Log() {
		if r.Method == http.MethodPut {
			if had := strings.Contains(r.Body, password); had != strings.Contains(r.Body, `"active"`) {
				t.Errorf("a PUT with the invitee's password: %v, %s", had, r.Body)
			}
		}
	}
}

// TestHalfCleaned stops the cleaning after each step. The identity is then
// inactive, its password is known to no one, and the token stays valid.
func TestHalfCleaned(t *testing.T) {
	for step := 2; ; step++ {
		w := bridgetest.New(t)
		f := newFormer(t, w)
		offer := invite(t, w, bridge.InviteRequest{IdentityID: f.id, Reactivate: true})
		w.Clock.Advance(time.Hour)
		w.Store.FailUpdates(func(nth int) error {
			if nth == step { // the first is the claim, and one precedes each write
				return errors.New("input/output error")
			}
			return nil
		})
		_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
		w.Store.FailUpdates(nil)
		if err == nil {
			if step < 10 {
				t.Errorf("only %d steps", step)
			}
			return
		}
		if w.Kratos.Active(f.id) {
			if stateOf(t, w, offer) == bridge.StatePending { // the last commit was lost; the sweep repeats it
				w.Clock.Advance(bridgetest.Lease)
				if _, err := w.Service.Sweep(t.Context()); err != nil || stateOf(t, w, offer) != bridge.StateAccepted {
					t.Errorf("step %d: %s, %v", step, stateOf(t, w, offer), err)
				}
			}
			continue
		}
		if step%2 == 0 {
			accept(t, w, offer, "another-Good-1")
			if open := f.waysIn(t, w); len(open) > 0 {
				t.Errorf("step %d: the former holder can sign in by %v", step, open)
			}
			continue
		}
		if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
		if err != nil || step > 2 && len(inv.View().Cleaned) == 0 {
			t.Errorf("step %d: cleaned %v, %v", step, inv.Cleaned, err)
		}
		if err := w.Kratos.SetState(t.Context(), f.id, "active"); err != nil {
			t.Fatal(err)
		}
		if w.Kratos.SignIn(t.Context(), email, password) == nil {
			t.Errorf("step %d: the password of a revoked invitee can sign in", step)
		}
		w.Clock.Advance(60 * day)
		if _, err := w.Service.Sweep(t.Context()); err != nil || !w.Kratos.Exists(f.id) {
			t.Errorf("step %d: the account is gone, %v", step, err)
		}
	}
}

// TestReactivatedIsJudgedAgain: a credential that cannot be removed, and any
// use of the account after the invite, closes the invitation.
func TestReactivatedIsJudgedAgain(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *bridgetest.Harness, uuid.UUID){
		"a passkey":  setCredential("passkey", `{"credentials":[{}]}`),
		"a new link": setCredential("oidc", "", "idp:1", "other:2", "third:3"),
		"was used":   useAndDeactivate,
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			f := newFormer(t, w)
			offer := invite(t, w, bridge.InviteRequest{IdentityID: f.id, Reactivate: true})
			change(t, w, f.id)
			w.Clock.Advance(2 * time.Hour)
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			refused(t, err, bridge.ErrRevoked)
			inv, err := w.Service.Get(t.Context(), offer.Invitation.ID)
			if err != nil || inv.Reason != bridge.ReasonInUse || w.Kratos.Active(f.id) {
				t.Errorf("%s for %s, %v", inv.State, inv.Reason, err)
			}
		})
	}
}

// TestPasswordLikeAUserName: the password is compared with every identifier, as
// in Kratos.
func TestPasswordLikeAUserName(t *testing.T) {
	w := bridgetest.New(t)
	offer := invite(t, w, bridge.InviteRequest{Email: email, SchemaID: "member", Traits: []byte(`{"username":"grace.hopper"}`)})
	_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), "Grace.Hopper1")
	refused(t, err, bridge.ErrPasswordPolicyViolation)
	// A user name changed since is compared too.
	err = w.Kratos.Replace(t.Context(), offer.Invitation.IdentityID, fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"email":%q,"username":"lovelace.ada"}}`, email))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Service.Accept(t.Context(), offer.Token.Reveal(), "Lovelace.Ada1")
	refused(t, err, bridge.ErrPasswordPolicyViolation)
	if w.Kratos.Count(http.MethodPut, kratostest.RouteIdentity).Calls != 0 {
		t.Error("it was sent")
	}
	accept(t, w, offer, password)
}

// TestHalfCleanedLink: an account with a link and no password has a password
// after the first cleaning step. That password is the bridge's own.
func TestHalfCleanedLink(t *testing.T) {
	w := bridgetest.New(t)
	id := w.Kratos.Add(email, false)
	setCredential("oidc", "", "idp:1")(t, w, id)
	offer := invite(t, w, bridge.InviteRequest{IdentityID: id, Reactivate: true})
	w.Clock.Advance(time.Hour)
	w.Store.FailUpdates(failFrom(3)) // after the new password
	if _, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password); err == nil {
		t.Fatal("the acceptance succeeded")
	}
	w.Store.FailUpdates(nil)
	w.Clock.Advance(testLease)
	accept(t, w, offer, password)
	if w.Kratos.SignInOIDC("idp", "1") == nil {
		t.Error("the former holder signs in")
	}
}

// TestInviteAgainPendingReactivated: an additional token opens what the first
// one does, so each invite must ask for the account to be reactivated.
func TestInviteAgainPendingReactivated(t *testing.T) {
	w := bridgetest.New(t)
	useAndDeactivate(t, w, w.Kratos.Add(email, false))
	first := invite(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
	_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: email})
	refused(t, err, bridge.ErrIdentityDeactivated)
	second := invite(t, w, bridge.InviteRequest{Email: email, Reactivate: true})
	if second.Invitation.ID != first.Invitation.ID {
		t.Error("two invitations")
	}
}
