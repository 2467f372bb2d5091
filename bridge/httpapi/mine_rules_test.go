package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// TestMineMay: inviters set what the configuration lists, and nothing else.
func TestMineMay(t *testing.T) {
	a := startWithInviters(t, func(c *bridge.Config) {
		c.Inviters.May = []string{"email", "locale", "traits.name", "metadata_public.team"}
	})
	m := a.member(nil)
	for field, body := range map[string]object{
		"":                          {"locale": "de", "traits": object{"name": object{"first": "Ada"}}, "metadata_public": object{"team": object{"id": 1}}},
		"expires_in":                {"expires_in": "1h"},
		"inviter_name":              {"inviter_name": "Boss"},
		"inviter_id":                {"inviter_id": "1"},
		"notify":                    {"notify": false},
		"reactivate":                {"reactivate": true},
		"identity_id":               {"identity_id": uuid.NewString()},
		"metadata_admin":            {"metadata_admin": object{"team": 1}},
		"metadata_public":           {"metadata_public": []int{1}},
		"metadata_public.role":      {"metadata_public": object{"role": "admin", "team": 1}},
		"metadata_public.Team":      {"metadata_public": object{"Team": 1}},
		"traits.role":               {"traits": object{"role": "admin"}},
		"schema_id":                 {"schema_id": "employee"},
		"metadata_public.team.role": nil, // below what is listed
	} {
		if body == nil {
			continue
		}
		body["email"] = uuid.NewString() + "@example.com"
		got := m.call(http.MethodPost, "", body)
		switch {
		case field == "" && got.status != http.StatusCreated:
			t.Errorf("what they may: %d %s", got.status, got.body)
		case field != "" && (got.status != http.StatusForbidden && got.status != http.StatusBadRequest || !strings.Contains(string(got.body), field)):
			t.Errorf("%s: %d %s", field, got.status, got.body)
		}
	}
	if n := a.Kratos.Len(); n != 1 {
		t.Errorf("%d identities", n)
	}
}

// TestMineCopy: the invitee's identity gets what the rules copy from the inviter's, and who
// has nothing to copy cannot invite.
func TestMineCopy(t *testing.T) {
	a := startWithInviters(t, func(c *bridge.Config) {
		c.Inviters.Copy = map[string]string{"metadata_admin.from.team": "metadata_public.team", "metadata_admin.from.id": "id"}
		c.Inviters.NameTrait = "name.first"
	})
	with := a.member(func(i *bridge.Inviter) {
		i.Traits, i.MetadataPublic = json.RawMessage(`{"name":{"first":"Grace\nH."}}`), json.RawMessage(`{"team":{"n":1.50},"role":"x"}`)
	})
	v := with.invites(email)
	if v.InviterName != "Grace H." {
		t.Errorf("the name is %q", v.InviterName)
	}
	identity, err := a.Kratos.Read(t.Context(), v.IdentityID)
	if err != nil {
		t.Fatal(err)
	}
	admin := string(identity)
	if !strings.Contains(admin, `"team":{"n":1.50}`) || !strings.Contains(admin, with.ID.String()) || strings.Contains(admin, `"role"`) {
		t.Errorf("metadata_admin is %s", admin)
	}
	if got := a.member(nil).call(http.MethodPost, "", object{"email": "else@example.com"}); got.status != http.StatusForbidden || !strings.Contains(string(got.body), "metadata_public.team") {
		t.Errorf("without a team: %d %s", got.status, got.body)
	}
}

// TestMineRules: who may invite, by kind of rule. Anything unclear is refused.
func TestMineRules(t *testing.T) {
	public := func(text string) func(*bridge.Inviter) {
		return func(i *bridge.Inviter) { i.MetadataPublic = json.RawMessage(text) }
	}
	organization := uuid.New()
	rule := func(path, value string) bridge.InviterRule {
		return bridge.InviterRule{Values: map[string]string{path: value}}
	}
	for name, c := range map[string]struct {
		rules  []bridge.InviterRule
		change func(*bridge.Inviter)
		want   int
	}{
		"no rule":                  {nil, nil, 403},
		"value":                    {[]bridge.InviterRule{rule("metadata_public.role", "lead")}, public(`{"role":"lead"}`), 200},
		"another value":            {[]bridge.InviterRule{rule("metadata_public.role", "lead")}, public(`{"role":"leader"}`), 403},
		"item":                     {[]bridge.InviterRule{rule("metadata_public.roles", "lead")}, public(`{"roles":["x","lead"]}`), 200},
		"no item":                  {[]bridge.InviterRule{rule("metadata_public.roles", "lead")}, public(`{"roles":["leader",["lead"],{"lead":1}]}`), 403},
		"nested":                   {[]bridge.InviterRule{rule("metadata_public.app.role", "lead")}, public(`{"app":{"role":"lead"}}`), 200},
		"name with a dot":          {[]bridge.InviterRule{rule("metadata_public.app.role", "lead")}, public(`{"app.role":"lead"}`), 403},
		"boolean":                  {[]bridge.InviterRule{rule("metadata_public.lead", "true")}, public(`{"lead":true}`), 200},
		"null":                     {[]bridge.InviterRule{rule("metadata_public.lead", "null")}, public(`{"lead":null}`), 403},
		"no metadata":              {[]bridge.InviterRule{rule("metadata_public.role", "lead")}, nil, 403},
		"metadata of another kind": {[]bridge.InviterRule{rule("metadata_public.role", "lead")}, public(`["lead"]`), 403},
		"schema":                   {[]bridge.InviterRule{rule("schema_id", "default")}, nil, 200},
		"another schema":           {[]bridge.InviterRule{rule("schema_id", "employee")}, nil, 403},
		"organization":             {[]bridge.InviterRule{rule("organization_id", organization.String())}, func(i *bridge.Inviter) { i.OrganizationID = organization }, 200},
		"no organization":          {[]bridge.InviterRule{rule("organization_id", uuid.Nil.String())}, nil, 403},
		"aal2 with aal1":           {[]bridge.InviterRule{{AAL: "aal2"}}, nil, 403},
		"aal2":                     {[]bridge.InviterRule{{AAL: "aal2"}}, func(i *bridge.Inviter) { i.AAL = "aal2" }, 200},
		"aal1 with aal2":           {[]bridge.InviterRule{{AAL: "aal1"}}, func(i *bridge.Inviter) { i.AAL = "aal2" }, 200},
		"aal1 with none":           {[]bridge.InviterRule{{AAL: "aal1"}}, func(i *bridge.Inviter) { i.AAL = "aal0" }, 403},
		"one line fails":           {[]bridge.InviterRule{{Values: map[string]string{"metadata_public.role": "lead"}, AAL: "aal2"}}, public(`{"role":"lead"}`), 403},
		"one rule holds":           {[]bridge.InviterRule{rule("metadata_public.role", "lead"), {AAL: "aal1"}}, nil, 200},
		"hook agrees":              {[]bridge.InviterRule{{Hook: "yes"}}, nil, 200},
		"hook refuses":             {[]bridge.InviterRule{{Hook: "no"}}, nil, 403},
		"hook is down":             {[]bridge.InviterRule{{Hook: "down"}}, nil, 503},
		"one hook agrees":          {[]bridge.InviterRule{{Hook: "down"}, {Hook: "no"}, {Hook: "yes"}}, nil, 200},
		"the hook's rule fails":    {[]bridge.InviterRule{{Hook: "yes", AAL: "aal2"}}, nil, 403},
		"unknown hook":             {[]bridge.InviterRule{{Hook: "unknown"}}, nil, 503},
	} {
		a := startWithInviters(t, func(b *bridge.Config) {
			b.Inviters.Allow, b.Hooks = c.rules, answeringHooks{"yes": nil, "no": bridge.ErrHookRefused, "down": bridge.ErrHookUnavailable}
		})
		m := a.member(c.change)
		for method, path := range map[string]string{http.MethodGet: "", http.MethodPost: "/" + uuid.NewString() + "/revoke"} {
			want := c.want
			if method == http.MethodPost && want == 200 {
				want = 404
			}
			if got := m.call(method, path, nil); got.status != want {
				t.Errorf("%s, %s: %d %s", name, method, got.status, got.body)
			}
		}
	}
}

// answeringHooks answer Ask by id.
type answeringHooks map[string]error

func (answeringHooks) Call(context.Context, bridge.Payload) error { return nil }

func (h answeringHooks) Ask(_ context.Context, hook string, p bridge.Payload) error {
	err, known := h[hook]
	if !known || p.Type != bridge.EventPreInviter || p.Data.Inviter == nil {
		return bridge.ErrHookUnavailable
	}
	return err
}
