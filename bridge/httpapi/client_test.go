package httpapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
	"invitebridge/kratos/kratostest"
)

func newClient(t testing.TB, endpoint string, options ...httpapi.ClientOption) *httpapi.Client {
	t.Helper()
	c, err := httpapi.NewClient(endpoint, key, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClientInvite: every field of a request reaches the bridge, and empty fields
// get the bridge's defaults.
func TestClientInvite(t *testing.T) {
	returnURLs, err := bridge.ParseReturnURLs([]string{"https://app.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	a := startWith(t, bridgetest.New(t, func(c *bridge.Config) { c.AllowedReturnURLs = returnURLs }))
	c, ctx := newClient(t, a.admin), t.Context()
	full := bridge.InviteRequest{
		Email: email, SchemaID: kratostest.DefaultSchema,
		Traits: json.RawMessage(`{"name":{"first":"Ada"}}`), MetadataPublic: json.RawMessage(`[1]`), MetadataAdmin: json.RawMessage(`{"team":7}`),
		InviterID: "42", InviterName: "Grace", Locale: "de", ReturnTo: "https://app.example.com/in", ExpiresIn: 90 * time.Minute, Quiet: true,
	}
	o, created, err := c.Invite(ctx, full)
	if err != nil || !created {
		t.Fatalf("created %t, %v", created, err)
	}
	want := bridge.InvitationView{
		Email: email, State: bridge.StatePending, CreatedBy: bridge.ByKey("backend"), Origin: bridge.OriginCreated, SchemaID: kratostest.DefaultSchema, InviterID: "42", InviterName: "Grace", Locale: "de",
		ReturnTo: "https://app.example.com/in", ExpiresAt: a.Clock.Now().Add(90 * time.Minute), Delivery: bridge.DeliveryOff,
	}
	if diff := cmp.Diff(want, o.InvitationView, cmpopts.IgnoreFields(bridge.InvitationView{}, "ID", "IdentityID", "CreatedAt", "UpdatedAt")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(o.Token) != 22 || !strings.HasSuffix(o.Link, o.Token) {
		t.Errorf("token of %d characters, link %t", len(o.Token), strings.HasSuffix(o.Link, o.Token))
	}
	if again, created, err := c.Invite(ctx, bridge.InviteRequest{Email: email}); err != nil || created || again.ID != o.ID || again.Token == o.Token {
		t.Errorf("again: created %t, %v", created, err)
	}
	var raw struct {
		Traits         map[string]any `json:"traits"`
		MetadataPublic any            `json:"metadata_public"`
		MetadataAdmin  map[string]any `json:"metadata_admin"`
	}
	identity, err := a.Kratos.Read(ctx, o.IdentityID)
	if err != nil || json.Unmarshal(identity, &raw) != nil || raw.Traits["name"] == nil || raw.MetadataPublic == nil || raw.MetadataAdmin["team"] == nil {
		t.Errorf("%v: %s", err, identity)
	}

	other, err := a.Kratos.Create(ctx, `{"schema_id":"default","state":"inactive","traits":{"email":"bob@example.com"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if o, created, err := c.Invite(ctx, bridge.InviteRequest{IdentityID: other}); err != nil || !created || o.IdentityID != other || o.Email != "bob@example.com" {
		t.Errorf("by identity: %+v, %t, %v", o.InvitationView, created, err)
	}
}

// TestClient calls every other method.
func TestClient(t *testing.T) {
	a := start(t)
	c, ctx := newClient(t, a.admin+"/"), t.Context()
	var ids []uuid.UUID
	for _, email := range []string{email, "bob@example.com", "eve@example.com"} {
		o, _, err := c.Invite(ctx, bridge.InviteRequest{Email: email, InviterID: "of " + email})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.ID)
	}
	_, _ = a.Kratos.Create(ctx, `{"schema_id":"member","state":"inactive","traits":{"email":"two@example.com","second_email":"former@example.com"}}`)
	_, _, err := c.Invite(ctx, bridge.InviteRequest{Email: "two@example.com", Reactivate: true})
	var refused *httpapi.Error
	if !errors.As(err, &refused) || !errors.Is(err, bridge.ErrIdentityConflict) || !slices.Equal(refused.Addresses, []string{"former@example.com"}) {
		t.Errorf("invite: %v", err)
	}
	if v, err := c.Get(ctx, ids[0]); err != nil || v.ID != ids[0] {
		t.Errorf("get: %+v, %v", v, err)
	}
	if o, err := c.Resend(ctx, ids[0]); err != nil || o.Token == "" || o.Link == "" {
		t.Errorf("resend: %+v, %v", o.InvitationView, err)
	}
	if v, err := c.Revoke(ctx, ids[1]); err != nil || v.State != bridge.StateRevoked {
		t.Errorf("revoke: %+v, %v", v, err)
	}

	page, err := c.List(ctx, httpapi.ListQuery{PageSize: 2})
	if err != nil || len(page.Items) != 2 || page.Items[0].ID != ids[2] || page.NextPageToken == "" {
		t.Fatalf("list: %+v, %v", page, err)
	}
	page, err = c.List(ctx, httpapi.ListQuery{PageSize: 2, PageToken: page.NextPageToken})
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != ids[0] || page.NextPageToken != "" {
		t.Errorf("list: %+v, %v", page, err)
	}
	for name, q := range map[string]httpapi.ListQuery{
		"state": {State: bridge.StateRevoked}, "email": {Email: "Bob@Example.com"}, "inviter": {InviterID: "of bob@example.com"},
	} {
		if page, err := c.List(ctx, q); err != nil || len(page.Items) != 1 || page.Items[0].ID != ids[1] {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
	if page, err := c.List(ctx, httpapi.ListQuery{Email: "nobody@example.com"}); err != nil || page.Items == nil || len(page.Items) != 0 {
		t.Errorf("an address without invitations: %+v, %v", page, err)
	}

	all, err := c.Messages(ctx, httpapi.MessagesQuery{State: bridge.MessageQueued, PageSize: 1})
	if err != nil || len(all.Items) != 1 || all.NextPageToken == "" {
		t.Fatalf("messages: %+v, %v", all, err)
	}
	some, err := c.InvitationMessages(ctx, ids[1], httpapi.MessagesQuery{})
	if err != nil || len(some.Items) == 0 || some.Items[0].InvitationID != ids[1] {
		t.Fatalf("messages of one: %+v, %v", some, err)
	}
	if m, err := c.Message(ctx, all.Items[0].ID); err != nil || m.ID != all.Items[0].ID {
		t.Errorf("message: %+v, %v", m, err)
	}
	if m, err := c.RetryMessage(ctx, all.Items[0].ID); err != nil || m.State != bridge.MessageQueued {
		t.Errorf("retry: %+v, %v", m, err)
	}
}

// TestClientErrors: every error response becomes an *Error with the bridge's id,
// reason and request id.
func TestClientErrors(t *testing.T) {
	a := start(t)
	c, ctx, none := newClient(t, a.admin), t.Context(), uuid.New()
	_, get := c.Get(ctx, none)
	_, resend := c.Resend(ctx, none)
	_, revoke := c.Revoke(ctx, none)
	_, of := c.InvitationMessages(ctx, none, httpapi.MessagesQuery{})
	_, list := c.List(ctx, httpapi.ListQuery{State: "open"})
	_, _, invite := c.Invite(ctx, bridge.InviteRequest{Email: "nobody"})
	_, message := c.Message(ctx, none)
	_, retry := c.RetryMessage(ctx, none)
	_, elsewhere := newClient(t, a.admin, httpapi.WithBasePath("/elsewhere")).Get(ctx, none)
	for name, c := range map[string]struct {
		err    error
		want   *bridge.Error
		status int
	}{
		"get": {get, bridge.ErrNotFound, http.StatusNotFound}, "resend": {resend, bridge.ErrNotFound, http.StatusNotFound},
		"revoke": {revoke, bridge.ErrNotFound, http.StatusNotFound}, "messages of one": {of, bridge.ErrNotFound, http.StatusNotFound},
		"list": {list, bridge.ErrBadRequest, http.StatusBadRequest}, "invite": {invite, bridge.ErrEmailInvalid, http.StatusBadRequest},
		"message": {message, bridge.ErrMessageNotFound, http.StatusNotFound}, "retry": {retry, bridge.ErrMessageNotFound, http.StatusNotFound},
		"another base path": {elsewhere, bridge.ErrRouteNotFound, http.StatusNotFound},
	} {
		var e *httpapi.Error
		if !errors.As(c.err, &e) || !errors.Is(c.err, c.want) || errors.Is(c.err, bridge.ErrInternal) {
			t.Errorf("%s: %v", name, c.err)
			continue
		}
		if e.Status != c.status || e.RequestID == "" || e.Reason == "" || !strings.Contains(e.Error(), e.RequestID) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
