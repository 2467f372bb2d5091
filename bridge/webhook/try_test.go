package webhook_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

const optional = ` without optional fields: read them with std.get(object, "name", default)`

// TestTemplatesRunOnSamples: a template that would fail for an event is an error
// at start. The error names the line, the events, and the replacements of names of
// Kratos templates.
func TestTemplatesRunOnSamples(t *testing.T) {
	token, failed, pre := bridge.EventTokenCreated, bridge.EventDeliveryFailed, bridge.EventPreInvitation
	const missing = "the body template failed at line 1: it reads a field that does not exist, rendered with a sample of "
	for name, c := range map[string]struct {
		template string
		events   []bridge.Event
		want     []string // none: no error
	}{
		"valid for all":       {`function(ctx) { who: if ctx.type == "pre_inviter_request" then ctx.data.inviter.id else if ctx.type == "import_finished" then ctx.data["import"].id else ctx.data.invitation.email, id: std.get(ctx.data, "identity_id") }`, bridge.Events(), nil},
		"canceled":            {`function(ctx) if std.objectHas(ctx.data, "invitation_link") then {} else error "cancel"`, []bridge.Event{token, failed}, nil},
		"a misspelled field":  {`function(ctx) ctx.data.invitaton.email`, []bridge.Event{token, failed}, []string{missing + "invitation_token_created, delivery_failed"}},
		"only of some events": {`function(ctx) ctx.data.message.id`, []bridge.Event{token, failed}, []string{missing + "invitation_token_created"}},
		"an optional field":   {`function(ctx) ctx.data.invitation.inviter_name`, []bridge.Event{failed}, []string{missing + "delivery_failed" + optional}},
		"a missing token":     {`function(ctx) ctx.data.invitation_link`, []bridge.Event{token}, []string{missing + "invitation_token_created" + optional}},
		"no identity yet":     {`function(ctx) ctx.data.identity_id`, []bridge.Event{pre}, []string{missing + "pre_invitation_creation"}},
		"two ways": {`function(ctx) if ctx.type == "delivery_failed" then ctx.data.invitation.locale else ctx.nothing`, []bridge.Event{token, failed}, []string{
			missing + "invitation_token_created", missing + "delivery_failed" + optional,
		}},
		"Kratos' identity": {`function(ctx) { email: ctx.identity.traits.email }`, []bridge.Event{failed}, []string{
			missing + "delivery_failed; ctx.identity exists in Kratos templates only; here the invitee is ctx.data.invitation, with .email and .identity_id",
		}},
		"Kratos' flow, in a branch": {`function(ctx) { a: if std.objectHas(ctx, "flow") then ctx.flow.id, b: ctx.request_headers }`, []bridge.Event{failed}, []string{
			missing + "delivery_failed; ctx.flow exists in Kratos templates only; here there is no flow: ctx.type names the event; ctx.request_headers exists in Kratos templates only; here the request that caused the event is not available",
		}},
		"an external variable": {`function(ctx) std.extVar("ctx")`, []bridge.Event{failed}, []string{
			"the body template failed at line 1, rendered with a sample of delivery_failed; std.extVar exists in Kratos templates only; here there are no external variables: use ctx",
		}},
		"a secret in the source": {`function(ctx) error "CANARY"`, []bridge.Event{failed}, []string{"the body template failed at line 1, rendered with a sample of delivery_failed"}},
		"without end":            {`local f(n) = f(n + 1) tailstrict; function(ctx) f(0)`, []bridge.Event{failed}, []string{"the body template called too many functions, rendered with a sample of delivery_failed"}},
		// Few enough calls, and each takes long enough on any machine.
		"too slow, once": {`function(ctx) std.foldl(function(a, i) a + std.length(std.range(1, 200000)), std.range(1, 4000), 0)`, []bridge.Event{token, failed}, []string{
			"the body template took too long, rendered with a sample of invitation_token_created",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var hooks []webhook.Hook
			for _, blocking := range []bool{false, true} { // which need separate hooks
				h := webhook.Hook{ID: "notified", URL: "https://example.com", Body: inline(c.template), CanInterrupt: blocking}
				if blocking {
					h.ID = "blocking"
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

// TestCallWithoutBody: a template fails for a payload unlike the samples. The hook
// is not called, and the error does not claim that it did not respond.
func TestCallWithoutBody(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	hook := blockingHook("seats", r.URL)
	hook.Body = inline(later("function(ctx)\n ctx.data.nothing"))
	err := mustNew(t, webhook.Config{Hooks: []webhook.Hook{hook}}).Call(t.Context(), payload(bridge.EventPreInvitation))
	var e *bridge.Error
	if !errors.As(err, &e) || !errors.Is(err, bridge.ErrHookUnavailable) {
		t.Fatalf("got %v", err)
	}
	if e.Reason == bridge.ErrHookUnavailable.Reason || strings.Contains(e.Reason, "respon") {
		t.Errorf("the reason blames the receiver: %s", e.Reason)
	}
	if want := "hook seats was not called: the body template failed at line 2: it reads a field that does not exist"; e.Cause == nil || e.Cause.Error() != want {
		t.Errorf("cause %v, want %s", e.Cause, want)
	}
	if n := len(r.got()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
