package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

const inviteePassword = "invitee-Horse-7-battery" // the password that an invitee chooses

// TestTrust_attacks: what took an account from its owner in earlier versions.
func TestTrust_attacks(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{Config: approvals(t)})
	for name, attack := range map[string]func(*testing.T, *liveBridge){
		"a deactivated account is invited":                  inviteDeactivated,
		"a registration that waits for approval is invited": inviteUnapproved,
		"an old token, after the account was used":          func(t *testing.T, l *liveBridge) { oldToken(t, l, 0) },
		"an expired token, after the account was used":      func(t *testing.T, l *liveBridge) { oldToken(t, l, 25*time.Hour) },
		"an old token, after the account was active":        func(t *testing.T, l *liveBridge) { activatedMeanwhile(t, l, notUsed) },
		"an old token, after a sign-in by code":             func(t *testing.T, l *liveBridge) { activatedMeanwhile(t, l, byLoginCode) },
		"killed between the write and the commit":           func(t *testing.T, l *liveBridge) { killedAfterWrite(t, l, nil) },
		"a backup of an acceptance in progress":             func(t *testing.T, l *liveBridge) { killedAfterWrite(t, l, (*liveBridge).backup) },
		"left over, signed in by code":                      func(t *testing.T, l *liveBridge) { leftOver(t, l, byLoginCode) },
		"left over, recovered":                              func(t *testing.T, l *liveBridge) { leftOver(t, l, byRecovery) },
		"a user name that looks like the address":           userNameLikeAddress,
		"an accepted account is invited again":              inviteAccepted,
	} {
		t.Run(name, func(t *testing.T) {
			eachMethod(t, func(t *testing.T, with func(*bridge.Config)) { attack(t, newLive(t, kratos, with)) })
		})
	}
}

// inviteDeactivated: the account of someone who left, whose address now belongs
// to someone else.
func inviteDeactivated(t *testing.T, l *liveBridge) {
	h := l.newHolder(t)
	noError(t, l.SetState(t.Context(), h.id, "inactive"))
	before := must[json.RawMessage](t)(l.Read(t.Context(), h.id))
	_, err := l.Service.Invite(t.Context(), h.request())
	refused(t, err, bridge.ErrIdentityDeactivated)
	_, err = l.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: h.id})
	refused(t, err, bridge.ErrIdentityDeactivated)
	if after := must[json.RawMessage](t)(l.Read(t.Context(), h.id)); string(after) != string(before) {
		t.Errorf("the refusal changed the identity:\n%s\n%s", before, after)
	}
	// Reactivated outside the bridge, it is its holder's again.
	noError(t, l.SetState(t.Context(), h.id, "active"))
	if in, err := l.Whoami(t.Context(), h.session); err != nil && !errors.Is(err, kratostest.ErrSecondFactor) || err == nil && in.Identity.ID != h.id {
		t.Errorf("its holder's session: %v", err)
	}
}

// approvals starts a hook that makes registrations of ceo-… wait for approval,
// and returns the configuration for it.
func approvals(t *testing.T) string {
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Email string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(body.Email, "ceo-") {
			_, _ = w.Write([]byte(`{"identity":{"state":"inactive"}}`))
			return
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(hook.Close)
	// function(ctx) {email: ctx.identity.traits.email}
	const body = "base64://ZnVuY3Rpb24oY3R4KSB7ZW1haWw6IGN0eC5pZGVudGl0eS50cmFpdHMuZW1haWx9"
	return fmt.Sprintf(`{"selfservice":{"flows":{"registration":{"after":{"oidc":{"hooks":[
		{"hook":"web_hook","config":{"url":%q,"method":"POST","body":%q,"response":{"parse":true}}},{"hook":"session"}]}}}}}}`, hook.URL, body)
}

// inviteUnapproved: a stranger registers someone else's address with a provider
// that does not check it, and waits for approval.
func inviteUnapproved(t *testing.T, l *liveBridge) {
	h := holder{email: "ceo-" + freshEmail()}
	h.person = kratostest.Person{Subject: h.email, Email: h.email}
	if _, err := l.LoginSocial(t.Context(), h.person); err == nil {
		t.Fatal("the registration did not wait for approval")
	}
	_, err := l.Service.Invite(t.Context(), h.request())
	refused(t, err, bridge.ErrIdentityHasCredentials)
	offer := l.invite(t, h.again())
	h.id = offer.Invitation.IdentityID
	if offer.Invitation.Origin != bridge.OriginReactivated {
		t.Errorf("its origin is %s", offer.Invitation.Origin)
	}
	l.Clock.Advance(time.Hour)
	l.accept(t, offer, inviteePassword)
	social := func(ctx context.Context) (string, error) { return l.LoginSocial(ctx, h.person) }
	l.checkAccount(t, account{
		id: h.id, email: h.email, state: "active", holder: inviteePassword, ways: map[string]way{"social": social},
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
}

// oldToken: an administrator activates the account of a pending invitation, its
// holder uses it and leaves. The token is then tried, at once or after it
// expired.
func oldToken(t *testing.T, l *liveBridge, after time.Duration) {
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	inv := offer.Invitation
	h := l.setUpHolder(t, holder{email: inv.Email, id: inv.IdentityID})
	noError(t, l.SetState(t.Context(), h.id, "inactive"))
	l.Clock.Advance(after)
	ended := bridge.ErrRevoked
	if after > 0 {
		ended = bridge.ErrExpired
		l.sweep(t)
		if err := l.Service.Renew(t.Context(), offer.Token.Reveal()); err != nil {
			t.Errorf("renew: %v", err)
		}
		if n := l.countMessages(t, bridge.EndpointCourier, bridge.EventTokenCreated); n != 1 {
			t.Errorf("%d emails, want one", n)
		}
		_, err := l.Service.Resend(t.Context(), inv.ID)
		refused(t, err, bridge.ErrIdentityInUse)
	}
	_, err := l.tryAccept(t, offer.Token.Reveal(), inviteePassword)
	refused(t, err, ended)
	_, err = l.Service.Invite(t.Context(), h.request())
	refused(t, err, bridge.ErrIdentityDeactivated)
	l.Clock.Advance(721 * time.Hour)
	l.sweep(t)
	l.sweep(t)
	l.checkAccount(t, account{id: h.id, email: h.email, state: "inactive", strangers: []string{inviteePassword}, former: &h})
	noError(t, l.SetState(t.Context(), h.id, "active"))
	l.checkAccount(t, account{id: h.id, email: h.email, state: "active", strangers: []string{inviteePassword}})
}

// activatedMeanwhile: as oldToken, but only the time of the last change shows
// that the account was active.
func activatedMeanwhile(t *testing.T, l *liveBridge, use use) {
	t.Helper()
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	inv := offer.Invitation
	l.activateBriefly(t, inv, use)
	_, err := l.tryAccept(t, offer.Token.Reveal(), inviteePassword)
	refused(t, err, bridge.ErrRevoked)
	_, err = l.Service.Resend(t.Context(), inv.ID)
	refused(t, err, bridge.ErrRevoked)
	_, err = l.Service.Invite(t.Context(), bridge.InviteRequest{Email: inv.Email})
	refused(t, err, bridge.ErrIdentityDeactivated)
	l.checkAccount(t, account{
		id: inv.IdentityID, email: inv.Email, state: "inactive", strangers: []string{inviteePassword},
		token: offer.Token.Reveal(), ended: bridge.ErrRevoked,
	})
}

// killedAfterWrite: Kratos has activated the identity, and the store does not
// know. The owner changes the password, and someone else finds the link.
func killedAfterWrite(t *testing.T, l *liveBridge, backup func(*liveBridge, *testing.T) string) {
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	inv, path := offer.Invitation, l.path
	if backup == nil {
		l.Store.FailUpdates(failFrom(3))
		if _, err := l.tryAccept(t, offer.Token.Reveal(), inviteePassword); err == nil {
			t.Fatal("the acceptance succeeded")
		}
	} else {
		l.Store.FailUpdates(func(nth int) error {
			if nth == 3 {
				path = backup(l, t)
			}
			return nil
		})
		l.accept(t, offer, inviteePassword)
	}
	session := l.firstSession(t, inv.Email)
	const owners = "owner-Horse-9-battery"
	noError(t, l.SetPassword(t.Context(), session, owners))
	l.Clock.Advance(25 * time.Hour) // after the lease, and the expiry
	l.restart(t, path)
	l.Clock.Advance(3 * time.Second)
	for range 2 {
		_, err := l.tryAccept(t, offer.Token.Reveal(), "finder-Horse-5-battery")
		refused(t, err, bridge.ErrAccepted)
		l.sweep(t)
	}
	l.checkAccount(t, account{
		id: inv.IdentityID, email: inv.Email, state: "active", holder: owners,
		strangers: []string{inviteePassword, "finder-Horse-5-battery"}, token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
	if n := l.countMessages(t, bridgetest.Hook, bridge.EventPostPassword); n != 1 {
		t.Errorf("hooks were notified of %d acceptances", n)
	}
}

// firstSession signs in after an acceptance whose response may be lost: with the
// password, or by recovering the account.
func (l *liveBridge) firstSession(t *testing.T, email string) string {
	t.Helper()
	if l.byKratos() {
		return must[string](t)(must[*kratostest.Mailed](t)(l.MailRecovery(t.Context(), email)).Use(t.Context()))
	}
	return must[string](t)(l.Login(t.Context(), email, inviteePassword))
}

// userNameLikeAddress: a user name that is the address of someone else.
func userNameLikeAddress(t *testing.T, l *liveBridge) {
	name := freshEmail()
	body := fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"username":%q},"credentials":{"password":{"config":{"password":%q}}}}`, name, formerPassword)
	id := must[uuid.UUID](t)(l.Create(t.Context(), body))
	for _, r := range []bridge.InviteRequest{{Email: name}, {Email: name, Reactivate: true}} {
		_, err := l.Service.Invite(t.Context(), r)
		refused(t, err, bridge.ErrIdentityConflict)
	}
	_, err := l.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: id, Reactivate: true})
	refused(t, err, bridge.ErrEmailInvalid)
	noError(t, l.SetState(t.Context(), id, "active"))
	l.checkAccount(t, account{id: id, email: name, state: "active", holder: formerPassword})
}

// inviteAccepted: an account that the bridge has handed over stays with its
// owner, whatever its state.
func inviteAccepted(t *testing.T, l *liveBridge) {
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	inv := offer.Invitation
	l.accept(t, offer, formerPassword)
	_, err := l.Service.Invite(t.Context(), bridge.InviteRequest{Email: inv.Email, Reactivate: true})
	refused(t, err, bridge.ErrIdentityAlreadyActive)
	noError(t, l.SetState(t.Context(), inv.IdentityID, "inactive"))
	_, err = l.Service.Invite(t.Context(), bridge.InviteRequest{Email: inv.Email})
	refused(t, err, bridge.ErrIdentityDeactivated)
	_, err = l.tryAccept(t, offer.Token.Reveal(), inviteePassword)
	refused(t, err, bridge.ErrAccepted)
	l.checkAccount(t, account{
		id: inv.IdentityID, email: inv.Email, state: "inactive", strangers: []string{inviteePassword},
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
}
