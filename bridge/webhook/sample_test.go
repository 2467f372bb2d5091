package webhook_test

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/webhook"
)

// recorded keeps what a service says, to blocking hooks and to the others.
type recorded map[bridge.Event][]bridge.Payload

func (r recorded) Ask(_ context.Context, p bridge.Payload) error {
	r[p.Type] = append(r[p.Type], p)
	return nil
}

func (r recorded) take(t *testing.T, w *bridgetest.World, outcome bridge.SendOutcome) {
	t.Helper()
	for _, endpoint := range []string{bridge.EndpointCourier, bridgetest.Hook} {
		claimed, _, err := w.Service.ClaimMessages(t.Context(), endpoint, 100, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claimed {
			if endpoint == bridgetest.Hook {
				r[c.Dispatch.Payload.Type] = append(r[c.Dispatch.Payload.Type], c.Dispatch.Payload)
			}
			if err := w.Service.FinishMessage(t.Context(), c, bridge.Result{Outcome: outcome, Detail: "why"}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSamplesAreTrue holds the samples to what a real service says of every
// event: nothing is said that a full sample has not, and all that a bare sample
// has is always said.
func TestSamplesAreTrue(t *testing.T) {
	r := recorded{}
	w := bridgetest.New(t, func(c *bridge.Config) { c.Hooks = r; c.Retention = 100 * time.Hour })
	invite := func(request bridge.InviteRequest) bridge.Offer {
		o, err := w.Service.Invite(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	const password = "correct-Horse-7-battery"
	accept := func(o bridge.Offer) {
		if _, err := w.Service.Accept(t.Context(), o.Token.Reveal(), password); err != nil {
			t.Fatal(err)
		}
	}
	invite(bridge.InviteRequest{Email: "expires@example.com"})
	revoked := invite(bridge.InviteRequest{Email: "revoked@example.com", InviterID: "42", InviterName: "Grace", Locale: "en"})
	accept(invite(bridge.InviteRequest{Email: "accepts@example.com", Quiet: true}))
	r.take(t, w, bridge.Sent)
	accept(invite(bridge.InviteRequest{Email: "again@example.com", InviterName: "Grace"}))
	invite(bridge.InviteRequest{Email: "refused@example.com"})
	r.take(t, w, bridge.Failed)
	if _, err := w.Service.Revoke(t.Context(), revoked.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	invite(bridge.InviteRequest{Email: "late@example.com"})
	w.Clock.Advance(48 * time.Hour)
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.take(t, w, bridge.Sent)

	tokenless := false
	for _, event := range bridge.Events() {
		said := r[event]
		if len(said) == 0 {
			t.Errorf("%s never happened", event)
		}
		full, bare := fields(t, webhook.FullSample(event)), fields(t, webhook.BareSample(event))
		for _, p := range said {
			got := fields(t, p)
			for _, field := range got {
				if !slices.Contains(full, field) {
					t.Errorf("%s has %s, and its full sample has not", event, field)
				}
			}
			for _, field := range bare {
				if !slices.Contains(got, field) {
					t.Errorf("%s lacks %s, which its bare sample has", event, field)
				}
			}
			tokenless = tokenless || event == bridge.EventTokenCreated && p.Data.Token == ""
		}
	}
	if !tokenless {
		t.Error("no token was missing: what a bare sample leaves out was not seen to be missing")
	}
}

// TestSamplesHaveEveryField: a field that is added to the payload is added to the
// samples, and so to the reference.
func TestSamplesHaveEveryField(t *testing.T) {
	var all []string
	for _, event := range bridge.Events() {
		all = append(all, fields(t, webhook.FullSample(event))...)
	}
	for prefix, v := range map[string]any{
		"": bridge.Payload{}, "data.": bridge.PayloadData{}, "data.invitation.": bridge.View{}, "data.message.": bridge.FailedMessage{},
	} {
		for i := range reflect.TypeOf(v).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			if !slices.ContainsFunc(all, func(f string) bool { return f == prefix+name || strings.HasPrefix(f, prefix+name+".") }) {
				t.Errorf("no full sample has %s%s", prefix, name)
			}
		}
	}
}

// fields gives the paths of all members that are no objects.
func fields(t *testing.T, p bridge.Payload) (paths []string) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var walk func(prefix string, members map[string]any)
	walk = func(prefix string, members map[string]any) {
		for name, value := range members {
			if inner, ok := value.(map[string]any); ok {
				walk(prefix+name+".", inner)
			} else {
				paths = append(paths, prefix+name)
			}
		}
	}
	walk("", root)
	return paths
}
