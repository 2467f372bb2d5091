package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// TestMineCooldown: resends to one address are as far apart as other emails to it.
func TestMineCooldown(t *testing.T) {
	a := startWithInviters(t)
	m := a.member(nil)
	path := "/" + m.invites(email).ID.String() + "/resend"
	if got := m.call(http.MethodPost, path, nil); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "60" {
		t.Errorf("at once: %d %s", got.status, got.body)
	}
	a.Clock.Advance(time.Minute)
	if got := m.call(http.MethodPost, path, nil); got.status != http.StatusOK {
		t.Errorf("after the cooldown: %d %s", got.status, got.body)
	}
	if got := m.call(http.MethodPost, path, nil); got.status != http.StatusTooManyRequests {
		t.Errorf("again: %d %s", got.status, got.body)
	}
}

// TestMineCooldown_concurrent: of several resends at once, one sends an email.
func TestMineCooldown_concurrent(t *testing.T) {
	a := startWithInviters(t)
	m := a.member(nil)
	path := "/" + m.invites(email).ID.String() + "/resend"
	a.Clock.Advance(time.Minute)
	before := len(a.EventsFor(t, bridge.EndpointCourier))
	var resent atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := m.call(http.MethodPost, path, nil); got.status == http.StatusOK {
				resent.Add(1)
			} else if got.status != http.StatusTooManyRequests && got.status != http.StatusConflict {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	all.Wait()
	if sent := len(a.EventsFor(t, bridge.EndpointCourier)) - before; resent.Load() != 1 || sent != 1 {
		t.Errorf("%d resent, %d emails", resent.Load(), sent)
	}
}

// TestMineCooldown_revoked: to revoke an invitation and to invite the address again sends
// no further email within the cooldown, whichever member does it.
func TestMineCooldown_revoked(t *testing.T) {
	a := startWithInviters(t)
	m, other := a.member(nil), a.member(nil)
	m.call(http.MethodPost, "/"+m.invites(email).ID.String()+"/revoke", nil)
	for _, who := range []member{m, other} {
		if got := who.call(http.MethodPost, "", object{"email": email}); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "60" {
			t.Errorf("at once: %d %s", got.status, got.body)
		}
	}
	a.Clock.Advance(time.Minute)
	m.invites(email)
	if sent := len(a.EventsFor(t, bridge.EndpointCourier)); sent != 2 {
		t.Errorf("%d emails", sent)
	}
}

// TestMineEnded: what a member is shown of an own invitation that cannot be resent or
// revoked says nothing of the account, and is no advice for administrators.
func TestMineEnded(t *testing.T) {
	a := startWithInviters(t)
	m := a.member(nil)
	path := func(address string) string { return "/" + m.invites(address).ID.String() }
	accepted, used, revoked := m.invites("accepted@example.com"), m.invites("used@example.com"), path("revoked@example.com")
	var issued issuedInvitation
	a.asAdmin(http.MethodPost, "/"+accepted.ID.String()+"/resend", nil).into(t, &issued)
	if got := a.asInvitee(http.MethodPost, "/"+issued.Token, object{"password": password}); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	m.call(http.MethodPost, revoked+"/revoke", nil)
	a.Kratos.ActivateByHand(used.IdentityID, password)
	a.Clock.Advance(time.Minute)
	for what, want := range map[string]string{
		accepted.ID.String() + "/resend": "invitation_accepted",
		accepted.ID.String() + "/revoke": "invitation_accepted",
		used.ID.String() + "/resend":     "identity_conflict",
		revoked[1:] + "/resend":          "invitation_revoked",
		uuid.NewString() + "/resend":     "invitation_not_found",
	} {
		got := m.call(http.MethodPost, "/"+what, nil)
		if got.errorID() != want || strings.Contains(string(got.body), "Kratos") || strings.Contains(string(got.body), "activ") {
			t.Errorf("%s: %d %s, want %s", what, got.status, got.body, want)
		}
	}
}

// TestMineHistory: no entry says that a member was given a token: there is none. Another
// email has one.
func TestMineHistory(t *testing.T) {
	a := startWithInviters(t, audited)
	m := a.member(nil)
	by := bridge.Actor{Kind: bridge.ActorSession, ID: m.ID.String()}
	first := m.call(http.MethodPost, "", object{"email": email}, "Idempotency-Key", "1")
	var v bridge.InvitationView
	first.into(t, &v)
	want := []did{in(first, bridge.ActionInvited, by)}
	invites := func(headers ...string) answer {
		got := m.call(http.MethodPost, "", object{"email": email}, headers...)
		if got.status != http.StatusOK && got.status != http.StatusCreated {
			t.Errorf("%d %s", got.status, got.body)
		}
		return got
	}
	invites()
	invites("Idempotency-Key", "1")
	a.wantHistory(v.ID.String(), want...)
	a.Clock.Advance(time.Minute)
	want = append(want, in(invites(), bridge.ActionTokenIssued, by))
	invites()
	a.wantHistory(v.ID.String(), want...)
	a.Clock.Advance(time.Minute)
	want = append(want, in(m.call(http.MethodPost, "/"+v.ID.String()+"/resend", nil), bridge.ActionResent, by))
	a.wantHistory(v.ID.String(), want...)
}

// TestMineAdvice: a member who could do something about a refusal reads what.
func TestMineAdvice(t *testing.T) {
	a := startWithInviters(t, func(c *bridge.Config) {
		c.Inviters.Allow = []bridge.InviterRule{{Values: map[string]string{"metadata_public.role": "lead"}, AAL: "aal2"}}
	})
	lead := func(aal string) member {
		return a.member(func(i *bridge.Inviter) { i.MetadataPublic, i.AAL = json.RawMessage(`{"role":"lead"}`), aal })
	}
	for reason, got := range map[string]answer{
		"second factor":    lead("aal1").call(http.MethodGet, "", nil),
		"administrator":    a.member(nil).call(http.MethodGet, "", nil),
		"sign out and in":  lead("aal2").send(http.MethodGet, "", nil, "Cookie", sessionCookie+"=a; "+sessionCookie+"=b", "Origin", allowedOrigin),
		"as email":         lead("aal2").call(http.MethodPost, "", object{}),
		"takes no param":   lead("aal2").call(http.MethodPost, "?dry_run=true", object{"email": email}),
		"takes no parame":  a.asAdmin(http.MethodPost, "?dry_run=true", object{"email": email}),
		"takes no paramet": a.asAdmin(http.MethodDelete, "/"+a.invite(object{"email": "other@example.com"}).ID+"?dry_run=true", nil),
	} {
		if got.status < 400 || !strings.Contains(string(got.body), reason) {
			t.Errorf("%s: %d %s", reason, got.status, got.body)
		}
	}
	if n := a.Kratos.Len(); n != 1 {
		t.Errorf("%d identities", n)
	}
}
