package webhook_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

// TestConnectionsAreKept: of the connections for as many attempts as the bridge makes
// at once, the next attempts use every one.
func TestConnectionsAreKept(t *testing.T) {
	var all sync.WaitGroup // ends when every attempt of a round has arrived
	opened := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		all.Done()
		all.Wait()
		_, _ = io.WriteString(w, "thank you")
	}))
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		opened++
		return ctx
	}
	server.Start()
	t.Cleanup(server.Close)
	w := newWebhooks(t, server.URL, nil)
	for range 3 {
		all.Add(webhook.Concurrency)
		var senders sync.WaitGroup
		for range webhook.Concurrency {
			senders.Go(func() {
				if result := w.Send(t.Context(), dispatch(bridge.EventTokenCreated)); result.Outcome != bridge.AttemptSent {
					t.Errorf("got %+v", result)
				}
			})
		}
		senders.Wait()
	}
	server.Close()
	if opened != webhook.Concurrency {
		t.Errorf("%d connections were opened", opened)
	}
}
