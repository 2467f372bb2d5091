package webhook_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

const optional = ` without optional fields: read those as std.get(object, "name", default)`

// TestTemplatesAreTried: a template that would fail at the first event is an
// error at start, which says where, for which events, and what Kratos' names are
// here.
func TestTemplatesAreTried(t *testing.T) {
	token, failed, asked := bridge.EventTokenCreated, bridge.EventDeliveryFailed, bridge.EventPreInvitation
	const missing = "the body template failed at line 1: it reads a field that is not there, tried with a sample of "
	for name, c := range map[string]struct {
		template string
		events   []bridge.Event
		want     []string // none: it is fine
	}{
		"fine for all":         {`function(ctx) { who: ctx.data.invitation.email, id: std.get(ctx.data, "identity_id") }`, bridge.Events(), nil},
		"cancelled":            {`function(ctx) if std.objectHas(ctx.data, "invitation_link") then {} else error "cancel"`, []bridge.Event{token, failed}, nil},
		"a misspelt field":     {`function(ctx) ctx.data.invitaton.email`, []bridge.Event{token, failed}, []string{missing + "invitation_token_created, delivery_failed"}},
		"only of some events":  {`function(ctx) ctx.data.message.id`, []bridge.Event{token, failed}, []string{missing + "invitation_token_created"}},
		"an optional field":    {`function(ctx) ctx.data.invitation.inviter_name`, []bridge.Event{failed}, []string{missing + "delivery_failed" + optional}},
		"a token that is none": {`function(ctx) ctx.data.invitation_link`, []bridge.Event{token}, []string{missing + "invitation_token_created" + optional}},
		"no identity yet":      {`function(ctx) ctx.data.identity_id`, []bridge.Event{asked}, []string{missing + "pre_invitation_creation"}},
		"two ways": {`function(ctx) if ctx.type == "delivery_failed" then ctx.data.invitation.locale else ctx.nothing`, []bridge.Event{token, failed}, []string{
			missing + "invitation_token_created", missing + "delivery_failed" + optional,
		}},
		"Kratos' identity": {`function(ctx) { email: ctx.identity.traits.email }`, []bridge.Event{failed}, []string{
			missing + "delivery_failed; ctx.identity is of Kratos' templates; here the invited person is ctx.data.invitation, with .email and .identity_id",
		}},
		"Kratos' flow, in a branch": {`function(ctx) { a: if std.objectHas(ctx, "flow") then ctx.flow.id, b: ctx.request_headers }`, []bridge.Event{failed}, []string{
			missing + "delivery_failed; ctx.flow is of Kratos' templates; here is no flow: ctx.type names the event; ctx.request_headers is of Kratos' templates; here a body says nothing of the request that caused the event",
		}},
		"an external variable": {`function(ctx) std.extVar("ctx")`, []bridge.Event{failed}, []string{
			"the body template failed at line 1, tried with a sample of delivery_failed; std.extVar is of Kratos' templates; here are no external variables: ctx is all there is",
		}},
		"a secret in the source": {`function(ctx) error "CANARY"`, []bridge.Event{failed}, []string{"the body template failed at line 1, tried with a sample of delivery_failed"}},
		"without end":            {`local f(n) = f(n + 1) tailstrict; function(ctx) f(0)`, []bridge.Event{failed}, []string{"the body template called too many functions, tried with a sample of delivery_failed"}},
		"too slow, once": {`function(ctx) std.foldl(function(a, i) a + std.length(std.range(1, 20000)), std.range(1, 15000), 0)`, []bridge.Event{token, failed}, []string{
			"the body template took too long, tried with a sample of invitation_token_created",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var hooks []webhook.Hook
			for _, blocking := range []bool{false, true} { // which need a hook each
				h := webhook.Hook{ID: "told", URL: "https://example.com", Body: inline(c.template), CanInterrupt: blocking}
				if blocking {
					h.ID = "asked"
				}
				for _, event := range c.events {
					if event.Blocking() == blocking {
						h.Events = append(h.Events, event)
					}
				}
				if len(h.Events) > 0 {
					hooks = append(hooks, h)
				}
			}
			var want []string
			for _, w := range c.want {
				want = append(want, "hooks[0].body: "+w)
			}
			got := ""
			w, err := webhook.New(webhook.Config{Hooks: hooks})
			if err == nil {
				w.Close()
			} else {
				got = err.Error()
			}
			if got != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
		})
	}
}

// TestAskWithoutABody: a template fails for what it was not tried with. The hook
// is not called, so nobody says that it did not answer; and nothing is changed.
func TestAskWithoutABody(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	hook := asking("seats", r.URL)
	hook.Body = inline(later("function(ctx)\n ctx.data.nothing"))
	err := mustNew(t, webhook.Config{Hooks: []webhook.Hook{hook}}).Ask(t.Context(), payload(bridge.EventPreInvitation))
	var e *bridge.Error
	if !errors.As(err, &e) || !errors.Is(err, bridge.ErrHookUnavailable) {
		t.Fatalf("got %v", err)
	}
	if e.Reason == bridge.ErrHookUnavailable.Reason || strings.Contains(e.Reason, "answer") {
		t.Errorf("the reason speaks of an answer: %s", e.Reason)
	}
	if want := "hook seats was not called: the body template failed at line 2: it reads a field that is not there"; e.Cause == nil || e.Cause.Error() != want {
		t.Errorf("cause %v, want %s", e.Cause, want)
	}
	if n := len(r.got()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
