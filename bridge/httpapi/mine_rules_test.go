package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

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
