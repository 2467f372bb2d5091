package httpapi_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/outbox"
)

// newWorker returns a worker, not started, whose receivers all respond with 410.
func newWorker() *outbox.Worker {
	gone := bridgetest.NewReceiver()
	gone.Fail(bridge.AttemptDisabled)
	return outbox.New([]outbox.Endpoint{
		{Name: bridge.EndpointCourier, Sender: gone, Concurrency: 1}, {Name: bridgetest.Hook, Sender: gone, Concurrency: 1},
	}, slog.New(slog.DiscardHandler))
}

// endpoints drives the operations on endpoints and on their messages.
func (d *driver) endpoints(t *testing.T) {
	w := d.start(t)
	if err := w.worker.Drain(t.Context(), w.Service); err != nil {
		t.Fatal(err)
	}
	w.messageID = w.messageAt(bridgetest.Hook)
	w.want("retryMessage", http.StatusConflict, "endpoint_disabled", nil)
	var list []bridge.Endpoint
	w.asAdmin(http.MethodGet, "/endpoints/", nil).into(t, &list)
	if len(list) != 2 || list[0].ID != bridge.EndpointCourier || list[1].ID != bridgetest.Hook || list[1].State != bridge.EndpointDisabled || list[1].DisabledAt.IsZero() {
		t.Errorf("got %+v", list)
	}
	w.want("enableEndpoint", http.StatusOK, "", nil)
	if got := w.asAdmin(http.MethodGet, "/endpoints", nil); !strings.Contains(string(got.body), `{"id":"crm","state":"enabled"}`) {
		t.Errorf("after it was enabled: %s", got.body)
	}
	w.want("retryMessage", http.StatusOK, "", nil)
	for _, id := range []string{"erp", "CRM", "%2e%2e", "a%2Fb"} {
		w.endpointID = id
		w.want("enableEndpoint", http.StatusNotFound, "endpoint_not_found", nil)
	}
	w = &scenario{api: startWith(t, bridgetest.New(t))}
	if got := w.asAdmin(http.MethodGet, "/endpoints", nil); string(got.body) != "[]\n" {
		t.Errorf("without an outbox: %s", got.body)
	}
}

// TestFixedSegments: no fixed path segment at the place of an id or a token is a
// valid id or token.
func TestFixedSegments(t *testing.T) {
	for _, segment := range []string{"again", "backup", "confirm", "endpoints", "imports", "messages"} {
		if _, err := uuid.Parse(segment); err == nil {
			t.Errorf("%s is an id", segment)
		}
		if _, ok := bridge.ParseToken(segment); ok {
			t.Errorf("%s is a token", segment)
		}
	}
}
