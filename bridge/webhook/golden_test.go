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

var update = flag.Bool("update", false, "write the golden files anew")

// TestBodies keeps what leaves the process about each event as it is: receivers
// depend on it.
func TestBodies(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	var told, asked []bridge.Event
	for _, event := range bridge.Events() {
		if event.Blocking() {
			asked = append(asked, event)
		} else {
			told = append(told, event)
		}
	}
	w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{
		{ID: "crm", Events: told, URL: r.URL},
		{ID: "seats", Events: asked, URL: r.URL, CanInterrupt: true},
	}})
	for i, event := range append(told, asked...) {
		t.Run(string(event), func(t *testing.T) {
			if event.Blocking() {
				if err := w.Ask(t.Context(), webhook.FullSample(event)); err != nil {
					t.Fatal(err)
				}
			} else if result := w.Send(t.Context(), sample(event)); result.Outcome != bridge.Sent {
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

// sample is the dispatch of what templates are tried with.
func sample(event bridge.Event) bridge.Dispatch {
	d := dispatch(event)
	d.Payload = webhook.FullSample(event)
	return d
}

// TestBodiesAreForPeopleToo: nothing is escaped that need not be.
func TestBodiesAreForPeopleToo(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	telling(t, r.URL, nil).Send(t.Context(), dispatch(bridge.EventTokenCreated))
	for _, want := range []string{`"Ada <ada> & \u2028 \"co\""`, `"https://app.example.com/?a=1&b=2"`} {
		if body := r.got()[0].body; !bytes.Contains(body, []byte(want)) {
			t.Errorf("%s has no %s", body, want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	w := mustNew(t, webhook.Config{Hooks: []webhook.Hook{
		{ID: "z", Events: []bridge.Event{bridge.EventTokenCreated, bridge.EventDeliveryFailed}, URL: "https://z.example.com"},
		asking("seats", "https://seats.example.com"),
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
		if result := w.Send(t.Context(), d); result.Outcome != bridge.Failed || result.Detail == "" {
			t.Errorf("%q: got %+v", endpoint, result)
		}
	}
}
