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
	"invitebridge/kratos/kratostest"
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
	if got := m.call(http.MethodPost, "", object{"email": email}); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "60" {
		t.Errorf("at once: %d %s", got.status, got.body)
	}
	a.Clock.Advance(20 * time.Second)
	got := other.call(http.MethodPost, "", object{"email": email})
	if got.errorID() != "identity_conflict" || got.header.Get("Retry-After") != "60" { // not 40: when it was is not shown
		t.Errorf("another member: %d %s", got.status, got.body)
	}
	a.Clock.Advance(40 * time.Second)
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
		if got.errorID() != want || strings.Contains(string(got.body), "Kratos") || strings.Contains(string(got.body), "active") {
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

// TestMineCooldown_expired: expired invitations of an address do not add up to as many
// emails at once.
func TestMineCooldown_expired(t *testing.T) {
	a := startWithInviters(t)
	m := a.member(nil)
	var all []bridge.InvitationView
	for range 8 {
		var v bridge.InvitationView
		m.call(http.MethodPost, "", object{"email": email, "expires_in": "30s"}).into(t, &v)
		all = append(all, v)
		a.Clock.Advance(time.Minute)
	}
	before := len(a.EventsFor(t, bridge.EndpointCourier))
	for _, v := range all {
		m.call(http.MethodPost, "/"+v.ID.String()+"/resend", nil)
		m.call(http.MethodPost, "/"+v.ID.String()+"/revoke", nil)
	}
	if sent := len(a.EventsFor(t, bridge.EndpointCourier)) - before; sent != 1 {
		t.Errorf("%d emails at once", sent)
	}
}

// TestMineCooldown_invited: an invite of the pending address during a resend sends the
// only email.
func TestMineCooldown_invited(t *testing.T) {
	a := startWithInviters(t)
	m := a.member(nil)
	id := m.invites(email).ID.String()
	a.Clock.Advance(time.Minute)
	before := len(a.EventsFor(t, bridge.EndpointCourier))
	var arrived atomic.Bool
	restore := a.Kratos.OnGet(kratostest.Fault{Arrived: func() {
		if !arrived.CompareAndSwap(false, true) {
			return // the read of the invite
		}
		if got := m.call(http.MethodPost, "", object{"email": email}); got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
	}})
	defer restore()
	got := m.call(http.MethodPost, "/"+id+"/resend", nil)
	if sent := len(a.EventsFor(t, bridge.EndpointCourier)) - before; sent != 1 || got.status != http.StatusTooManyRequests {
		t.Errorf("%d emails; %d %s", sent, got.status, got.body)
	}
}

// TestMineHistory_reminded: without hooks, an invite soon after a reminder sends nothing,
// and so leaves no entry and no cooldown.
func TestMineHistory_reminded(t *testing.T) {
	a := startWithInviters(t, audited, func(c *bridge.Config) {
		c.Reminders = []time.Duration{2 * time.Hour}
		c.EndpointsFor = func(e bridge.Event) []string {
			if e == bridge.EventHistoryEntry {
				return []string{auditEndpoint}
			}
			return []string{bridge.EndpointCourier}
		}
	})
	m := a.member(nil)
	first := m.call(http.MethodPost, "", object{"email": email})
	var v bridge.InvitationView
	first.into(t, &v)
	(&scenario{api: a}).deliver(bridge.EndpointCourier, bridge.SendResult{Outcome: bridge.AttemptSent})
	a.Clock.Advance(22 * time.Hour)
	if n, err := a.Service.Remind(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	a.Clock.Advance(time.Second)
	m.call(http.MethodPost, "", object{"email": email})
	want := []did{in(first, bridge.ActionInvited, bridge.Actor{Kind: bridge.ActorSession, ID: m.ID.String()}), {bridge.ActionReminded, byBridge, ""}}
	a.wantHistory(v.ID.String(), want...)
	a.Clock.Advance(59 * time.Second)
	if got := m.call(http.MethodPost, "/"+v.ID.String()+"/resend", nil); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
}
