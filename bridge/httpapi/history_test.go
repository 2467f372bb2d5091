package httpapi_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/testenv"
)

const auditEndpoint = "audit"

func audited(c *bridge.Config) {
	c.EndpointsFor = func(event bridge.Event) []string {
		if event == bridge.EventHistoryEntry {
			return []string{auditEndpoint}
		}
		return bridgetest.Endpoints(event)
	}
}

// did is an entry of a history, as far as a test knows it.
type did struct {
	Action    bridge.Action
	By        bridge.Actor
	RequestID string
}

var (
	byBackend = bridge.Actor{Kind: bridge.ActorKey, ID: "backend"}
	byInvitee = bridge.Actor{Kind: bridge.ActorInvitee}
	byBridge  = bridge.Actor{Kind: bridge.ActorBridge}
)

// in returns what was done in the request of a response.
func in(got answer, action bridge.Action, by bridge.Actor) did {
	return did{action, by, got.header.Get("X-Request-ID")}
}

// wantHistory checks the history of an invitation, oldest first, in pages; and that the
// stream has the same entries.
func (a *api) wantHistory(id string, want ...did) {
	a.t.Helper()
	var entries []bridge.HistoryEntry
	for path := "/" + id + "/history?page_size=2"; path != ""; {
		got := a.asAdmin(http.MethodGet, path, nil)
		var page []bridge.HistoryEntry
		got.into(a.t, &page)
		entries = append(entries, page...)
		path = nextPath(got.header)
	}
	slices.Reverse(entries)
	var all []did
	for i, e := range entries {
		all = append(all, did{e.Action, e.By, e.RequestID})
		if e.InvitationID.String() != id || i > 0 && e.At.Before(entries[i-1].At) || e.At.After(a.Clock.Now()) {
			a.t.Errorf("entry %d: %+v", i, e)
		}
	}
	if diff := cmp.Diff(want, all); diff != "" {
		a.t.Errorf("history (-want +got):\n%s", diff)
	}
	var stream []bridge.HistoryEntry
	page, _, err := a.Service.Messages(a.t.Context(), bridge.MessageQuery{InvitationID: entries[0].InvitationID, Limit: 500})
	for _, m := range page {
		if m.Endpoint == auditEndpoint {
			stream = append(stream, *m.Payload.Data.Entry)
		}
	}
	slices.SortFunc(stream, func(a, b bridge.HistoryEntry) int { return slices.Compare(a.ID[:], b.ID[:]) })
	if diff := cmp.Diff(entries, stream); diff != "" || err != nil {
		a.t.Errorf("stream: %v (-history +stream)\n%s", err, diff)
	}
}

// nextPath returns the path of the next page, below the base; empty: this is the last.
func nextPath(h http.Header) string {
	next := nextLink.FindStringSubmatch(h.Get("Link"))
	if next == nil {
		return ""
	}
	return next[1][len(base):] + "?" + next[2]
}

// TestHistory walks through the life of an invitation that expires and is renewed.
func TestHistory(t *testing.T) {
	a := startWith(t, bridgetest.New(t, audited, func(c *bridge.Config) { c.Reminders = []time.Duration{2 * time.Hour} }))
	var o issuedInvitation
	created := a.asAdmin(http.MethodPost, "/", object{"email": email})
	created.into(t, &o)
	want := []did{in(created, bridge.ActionInvited, byBackend)}
	step := func(d did) {
		t.Helper()
		want = append(want, d)
		a.wantHistory(o.ID, want...)
		a.Clock.Advance(time.Minute)
	}
	a.Clock.Advance(time.Minute)
	step(in(a.asAdmin(http.MethodPost, "/", object{"email": email}), bridge.ActionTokenIssued, byBackend))
	step(in(a.asAdmin(http.MethodPost, "/"+o.ID+"/resend", nil), bridge.ActionResent, byBackend))
	a.Clock.Advance(22 * time.Hour)
	if n, err := a.Service.Remind(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	step(did{bridge.ActionReminded, byBridge, ""})
	a.Clock.Advance(2 * time.Hour)
	if swept, err := a.Service.Sweep(t.Context()); swept.Expired != 1 || err != nil {
		t.Fatal(swept, err)
	}
	step(did{bridge.ActionExpired, byBridge, ""})
	step(in(a.asInvitee(http.MethodPost, "/"+o.Token+"/renew", nil), bridge.ActionResent, byInvitee))
	a.Clock.Advance(24 * time.Hour)
	a.asAdmin(http.MethodPost, "/", object{"email": "another@example.com"}) // which finds that the first one has expired
	step(did{bridge.ActionExpired, byBridge, ""})
	step(in(a.submit(o.Token, url.Values{"renew": {"1"}}), bridge.ActionResent, byInvitee))
	var again issuedInvitation
	repeated := a.asAdmin(http.MethodPost, "/", object{"email": email})
	repeated.into(t, &again)
	step(in(repeated, bridge.ActionTokenIssued, byBackend))
	step(in(a.asInvitee(http.MethodPost, "/"+again.Token, object{"password": password}), bridge.ActionAccepted, byInvitee))
}

// TestHistory_revoked: a revocation is that of the key, and one that came during an
// acceptance is carried out by the bridge at its end.
func TestHistory_revoked(t *testing.T) {
	hooks := &revoking{}
	a := startWith(t, bridgetest.New(t, audited, func(c *bridge.Config) { c.Hooks = hooks }))
	var o issuedInvitation
	created := a.asAdmin(http.MethodPost, "/", object{"email": email})
	created.into(t, &o)
	a.wantHistory(o.ID, in(created, bridge.ActionInvited, byBackend), in(a.asAdmin(http.MethodPost, "/"+o.ID+"/revoke", nil), bridge.ActionRevoked, byBackend))
	a.asAdmin(http.MethodPost, "/"+o.ID+"/revoke", nil) // once more changes nothing

	created = a.asAdmin(http.MethodPost, "/", object{"email": "second@example.com"})
	created.into(t, &o)
	var revoked answer
	hooks.do = func() { revoked = a.asAdmin(http.MethodPost, "/"+o.ID+"/revoke", nil) }
	accepted := a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": password})
	if revoked.status != http.StatusAccepted || accepted.errorID() != "invitation_revoked" {
		t.Fatalf("revoked: %d, accepted: %d %s", revoked.status, accepted.status, accepted.body)
	}
	a.wantHistory(o.ID, in(created, bridge.ActionInvited, byBackend),
		in(revoked, bridge.ActionRevokeRequested, byBackend), in(accepted, bridge.ActionRevoked, byBridge))
}

// revoking is a hook that does something before a password is set.
type revoking struct{ do func() }

func (h *revoking) Call(_ context.Context, p bridge.Payload) error {
	if p.Type == bridge.EventPrePassword && h.do != nil {
		h.do()
	}
	return nil
}

func (h *revoking) Ask(context.Context, string, bridge.Payload) error { return nil }

// TestHistory_cleaned: the cleaning of a former account is recorded once, before the
// acceptance.
func TestHistory_cleaned(t *testing.T) {
	a := startWith(t, bridgetest.New(t, audited))
	id, err := a.Kratos.Create(t.Context(), `{"schema_id":"member","state":"inactive","traits":{"email":"`+email+`","username":"ada"}}`)
	if err != nil {
		t.Fatal(err)
	}
	a.Kratos.ActivateByHand(id, "theirs-Before-1")
	if _, err := a.Kratos.AddSession(id); err != nil {
		t.Fatal(err)
	}
	a.Kratos.Deactivate(id)
	var o issuedInvitation
	created := a.asAdmin(http.MethodPost, "/", object{"email": email, "schema_id": "member", "reactivate": true})
	created.into(t, &o)
	a.Clock.Advance(2 * time.Hour)
	accepted := a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": password})
	if accepted.status != http.StatusOK {
		t.Fatalf("%d %s", accepted.status, accepted.body)
	}
	a.wantHistory(o.ID, in(created, bridge.ActionInvited, byBackend),
		in(accepted, bridge.ActionIdentityCleaned, byInvitee), in(accepted, bridge.ActionAccepted, byInvitee))
}

// TestHistory_import: each row is that of the key that has imported the file.
func TestHistory_import(t *testing.T) {
	a := startWith(t, bridgetest.New(t, audited))
	imported := a.importFile("email\nada@example.com\nbob@example.com\n", "")
	a.runImports()
	var list []issuedInvitation
	a.asAdmin(http.MethodGet, "/?import_id="+imported.ID, nil).into(t, &list)
	if len(list) != 2 {
		t.Fatal(list)
	}
	for _, o := range list {
		a.wantHistory(o.ID, did{bridge.ActionInvited, byBackend, ""})
	}
}

// TestHistory_again: a link that was requested by address is that of the invitee, in the
// request that asked for it.
func TestHistory_again(t *testing.T) {
	a := startWith(t, bridgetest.New(t, audited))
	var o issuedInvitation
	created := a.asAdmin(http.MethodPost, "/", object{"email": email})
	created.into(t, &o)
	want := []did{in(created, bridge.ActionInvited, byBackend)}
	ask := func(by func() answer, action bridge.Action) {
		t.Helper()
		a.Clock.Advance(10 * time.Minute)
		stop := a.sendLinks()
		want = append(want, in(by(), action, byInvitee))
		testenv.Eventually(t, "a link is sent", func() bool {
			var page []bridge.HistoryEntry
			a.asAdmin(http.MethodGet, "/"+o.ID+"/history", nil).into(t, &page)
			return len(page) >= len(want)
		})
		stop()
		a.wantHistory(o.ID, want...)
	}
	ask(func() answer { return a.askAPI(object{"email": email}) }, bridge.ActionTokenIssued)
	ask(func() answer { return a.askPage(email) }, bridge.ActionTokenIssued)
}

// TestHistory_own: a key with the scope invite sees the history of its own invitations
// only.
func TestHistory_own(t *testing.T) {
	a := start(t)
	others := a.invite(object{"email": email})
	var own issuedInvitation
	a.withKey(http.MethodPost, base, object{"email": "own@example.com"}, inviterKey).into(t, &own)
	if got := a.withKey(http.MethodGet, base+"/"+own.ID+"/history", nil, inviterKey); got.status != http.StatusOK {
		t.Errorf("its own: %d %s", got.status, got.body)
	}
	for _, id := range []string{others.ID, "01900000-0000-7000-8000-000000000000", "x"} {
		if got := a.withKey(http.MethodGet, base+"/"+id+"/history", nil, inviterKey); got.errorID() != "invitation_not_found" {
			t.Errorf("%s: %d %s", id, got.status, got.body)
		}
	}
	for _, query := range []string{"?page_size=0", "?page_token=x", "?state=accepted"} {
		if got := a.asAdmin(http.MethodGet, "/"+own.ID+"/history"+query, nil); got.errorID() != "bad_request" {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}
