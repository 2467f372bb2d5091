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

const invitees = "invitee-Horse-7-battery" // the password that an invitee chooses

// TestTrust_attacks: what once took an account from its owner.
func TestTrust_attacks(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{Config: approvals(t)})
	for name, attack := range map[string]func(*testing.T, *live){
		"a deactivated account is invited":                    inviteDeactivated,
		"a registration that waits for approval is invited":   inviteUnapproved,
		"an old token, after the account was used":            func(t *testing.T, l *live) { oldToken(t, l, 0) },
		"an expired token, after the account was used":        func(t *testing.T, l *live) { oldToken(t, l, 25*time.Hour) },
		"an old token, after the account was active":          func(t *testing.T, l *live) { activatedMeanwhile(t, l, byNobody) },
		"an old token, after somebody signed in by code":      func(t *testing.T, l *live) { activatedMeanwhile(t, l, byLoginCode) },
		"killed between the write and the commit":             func(t *testing.T, l *live) { killedAfterWrite(t, l, nil) },
		"a backup of an acceptance under way":                 func(t *testing.T, l *live) { killedAfterWrite(t, l, (*live).backup) },
		"left over, signed in by code":                        func(t *testing.T, l *live) { leftOver(t, l, byLoginCode) },
		"left over, recovered":                                func(t *testing.T, l *live) { leftOver(t, l, byRecovery) },
		"a user name that looks like the address":             userNameLikeAddress,
		"an account that was accepted is invited and invited": inviteAccepted,
	} {
		t.Run(name, func(t *testing.T) {
			attack(t, newLive(t, kratos))
		})
	}
}

// inviteDeactivated: the account of somebody who left, whose address is another's
// by now.
func inviteDeactivated(t *testing.T, l *live) {
	h := l.newHolder(t)
	do(t, l.SetState(t.Context(), h.id, "inactive"))
	before := must[json.RawMessage](t)(l.Read(t.Context(), h.id))
	_, err := l.Service.Invite(t.Context(), h.request())
	refused(t, err, bridge.ErrIdentityDeactivated)
	_, err = l.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: h.id})
	refused(t, err, bridge.ErrIdentityDeactivated)
	if after := must[json.RawMessage](t)(l.Read(t.Context(), h.id)); string(after) != string(before) {
		t.Errorf("the refusal changed the identity:\n%s\n%s", before, after)
	}
	// By another way than the bridge, it is its holder's again.
	do(t, l.SetState(t.Context(), h.id, "active"))
	if in, err := l.Whoami(t.Context(), h.session); err != nil && !errors.Is(err, kratostest.ErrSecondFactor) || err == nil && in.Identity.ID != h.id {
		t.Errorf("its holder's session: %v", err)
	}
}

// approvals makes a hook that has registrations of ceo-… wait for approval, and
// gives the setting for it.
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

// inviteUnapproved: a stranger registers the address of another by a provider
// that does not check it, and waits for approval.
func inviteUnapproved(t *testing.T, l *live) {
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
	l.accept(t, offer, invitees)
	social := func(ctx context.Context) (string, error) { return l.LoginSocial(ctx, h.person) }
	l.notBroken(t, account{
		id: h.id, email: h.email, state: "active", holder: invitees, ways: map[string]way{"social": social},
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
}

// oldToken: an administrator activates the account of a pending invitation, its
// holder uses it and leaves; the token is tried then, or after it expired.
func oldToken(t *testing.T, l *live, after time.Duration) {
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	inv := offer.Invitation
	h := l.settleIn(t, holder{email: inv.Email, id: inv.IdentityID})
	do(t, l.SetState(t.Context(), h.id, "inactive"))
	l.Clock.Advance(after)
	ended := bridge.ErrRevoked
	if after > 0 {
		ended = bridge.ErrExpired
		l.sweep(t)
		if err := l.Service.Renew(t.Context(), offer.Token.Reveal()); err != nil {
			t.Errorf("renew: %v", err)
		}
		if n := l.told(t, bridge.EndpointCourier, bridge.EventTokenCreated); n != 1 {
			t.Errorf("%d emails, want that of the invitation alone", n)
		}
		_, err := l.Service.Resend(t.Context(), inv.ID)
		refused(t, err, bridge.ErrIdentityInUse)
	}
	_, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
	refused(t, err, ended)
	_, err = l.Service.Invite(t.Context(), h.request())
	refused(t, err, bridge.ErrIdentityDeactivated)
	l.Clock.Advance(721 * time.Hour)
	l.sweep(t)
	l.sweep(t)
	l.notBroken(t, account{id: h.id, email: h.email, state: "inactive", strangers: []string{invitees}, former: &h})
	do(t, l.SetState(t.Context(), h.id, "active"))
	l.notBroken(t, account{id: h.id, email: h.email, state: "active", strangers: []string{invitees}})
}

// activatedMeanwhile: as oldToken, and nothing but the time of it shows that the
// account was active.
func activatedMeanwhile(t *testing.T, l *live, use use) {
	t.Helper()
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	inv := offer.Invitation
	l.lend(t, inv, use)
	_, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
	refused(t, err, bridge.ErrRevoked)
	_, err = l.Service.Resend(t.Context(), inv.ID)
	refused(t, err, bridge.ErrRevoked)
	_, err = l.Service.Invite(t.Context(), bridge.InviteRequest{Email: inv.Email})
	refused(t, err, bridge.ErrIdentityDeactivated)
	l.notBroken(t, account{
		id: inv.IdentityID, email: inv.Email, state: "inactive", strangers: []string{invitees},
		token: offer.Token.Reveal(), ended: bridge.ErrRevoked,
	})
}

// killedAfterWrite: Kratos has activated the identity, and the store does not
// know. Its owner changes the password; somebody finds the link.
func killedAfterWrite(t *testing.T, l *live, backup func(*live, *testing.T) string) {
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	inv, path := offer.Invitation, l.path
	if backup == nil {
		l.Store.FailUpdates(failFrom(3))
		if _, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees); err == nil {
			t.Fatal("the acceptance succeeded")
		}
	} else {
		l.Store.FailUpdates(func(nth int) error {
			if nth == 3 {
				path = backup(l, t)
			}
			return nil
		})
		l.accept(t, offer, invitees)
	}
	session := must[string](t)(l.Login(t.Context(), inv.Email, invitees))
	const owners = "owner-Horse-9-battery"
	do(t, l.SetPassword(t.Context(), session, owners))
	l.Clock.Advance(25 * time.Hour) // after the lease, and the expiry
	l.restart(t, path)
	l.Clock.Advance(3 * time.Second)
	for range 2 {
		_, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), "finder-Horse-5-battery")
		refused(t, err, bridge.ErrAccepted)
		l.sweep(t)
	}
	l.notBroken(t, account{
		id: inv.IdentityID, email: inv.Email, state: "active", holder: owners,
		strangers: []string{invitees, "finder-Horse-5-battery"}, token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
	if n := l.told(t, bridgetest.Hook, bridge.EventPostPassword); n != 1 {
		t.Errorf("hooks are told of %d acceptances", n)
	}
}

// userNameLikeAddress: whoever signs in with a text that is the address of
// another.
func userNameLikeAddress(t *testing.T, l *live) {
	name := freshEmail()
	body := fmt.Sprintf(`{"schema_id":"member","state":"inactive","traits":{"username":%q},"credentials":{"password":{"config":{"password":%q}}}}`, name, formers)
	id := must[uuid.UUID](t)(l.Create(t.Context(), body))
	for _, r := range []bridge.InviteRequest{{Email: name}, {Email: name, Reactivate: true}} {
		_, err := l.Service.Invite(t.Context(), r)
		refused(t, err, bridge.ErrIdentityConflict)
	}
	_, err := l.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: id, Reactivate: true})
	refused(t, err, bridge.ErrEmailInvalid)
	do(t, l.SetState(t.Context(), id, "active"))
	l.notBroken(t, account{id: id, email: name, state: "active", holder: formers})
}

// inviteAccepted: an account that the bridge has handed over is nobody else's,
// whatever its state.
func inviteAccepted(t *testing.T, l *live) {
	offer := l.invite(t, bridge.InviteRequest{Email: freshEmail()})
	inv := offer.Invitation
	l.accept(t, offer, formers)
	_, err := l.Service.Invite(t.Context(), bridge.InviteRequest{Email: inv.Email, Reactivate: true})
	refused(t, err, bridge.ErrIdentityActive)
	do(t, l.SetState(t.Context(), inv.IdentityID, "inactive"))
	_, err = l.Service.Invite(t.Context(), bridge.InviteRequest{Email: inv.Email})
	refused(t, err, bridge.ErrIdentityDeactivated)
	_, err = l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
	refused(t, err, bridge.ErrAccepted)
	l.notBroken(t, account{
		id: inv.IdentityID, email: inv.Email, state: "inactive", strangers: []string{invitees},
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
	})
}
