package webhook_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestBodies pins the request body of each event: receivers depend on it.
func TestBodies(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	var notified, blocking []bridge.Event
	for _, event := range bridge.Events() {
		if event.Blocking() {
			blocking = append(blocking, event)
		} else {
			notified = append(notified, event)
		}
	}
	w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{
		{ID: "crm", Events: notified, URL: r.URL},
		{ID: "seats", Events: blocking, URL: r.URL, CanInterrupt: true},
	}})
	for i, event := range append(notified, blocking...) {
		t.Run(string(event), func(t *testing.T) {
			if event.Blocking() {
				if err := w.Call(t.Context(), webhook.FullSample(event)); err != nil {
					t.Fatal(err)
				}
			} else if result := w.Send(t.Context(), sample(event)); result.Outcome != bridge.AttemptSent {
				t.Fatalf("got %+v", result)
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, r.got()[i].body, "", "  "); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			golden := filepath.Join("testdata", string(event)+".json")
			if *update {
				if err := os.WriteFile(golden, pretty.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// sample returns a dispatch of the full sample of event.
func sample(event bridge.Event) bridge.Dispatch {
	d := dispatch(event)
	d.Payload = webhook.FullSample(event)
	return d
}

// TestBodiesAreNotEscaped: bodies contain no escapes that JSON does not require.
func TestBodiesAreNotEscaped(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	newWebhooks(t, r.URL, nil).Send(t.Context(), dispatch(bridge.EventTokenCreated))
	for _, want := range []string{`"Ada <ada> & \u2028 \"co\""`, `"https://app.example.com/?a=1&b=2"`} {
		if body := r.got()[0].body; !bytes.Contains(body, []byte(want)) {
			t.Errorf("%s has no %s", body, want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{
		{ID: "z", Events: []bridge.Event{bridge.EventTokenCreated, bridge.EventDeliveryFailed}, URL: "https://z.example.com"},
		blockingHook("seats", "https://seats.example.com"),
		{ID: "a", Events: []bridge.Event{bridge.EventTokenCreated}, URL: "https://a.example.com"},
	}})
	for event, want := range map[bridge.Event][]string{
		bridge.EventTokenCreated:      {"z", "a"},
		bridge.EventDeliveryFailed:    {"z"},
		bridge.EventInvitationRevoked: nil,
		bridge.EventPreInvitation:     nil,
	} {
		if diff := cmp.Diff(want, w.Endpoints(event)); diff != "" {
			t.Errorf("%s: %s", event, diff)
		}
	}
	for _, endpoint := range []string{"gone", "seats", bridge.EndpointCourier, ""} {
		d := dispatch(bridge.EventTokenCreated)
		d.Endpoint = endpoint
		if result := w.Send(t.Context(), d); result.Outcome != bridge.AttemptFailed || result.Detail == "" {
			t.Errorf("%q: got %+v", endpoint, result)
		}
	}
}
