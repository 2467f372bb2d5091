package webhook_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
	"invitebridge/bridge/webhook"
)

// TestProbe: a probe succeeds if the receiver accepts the connection, and sends no
// request.
func TestProbe(t *testing.T) {
	r := newReceiver(t, status(http.StatusInternalServerError))
	if err := newWebhooks(t, r.URL+"/"+canary+"?key="+canary, nil).Probe(t.Context(), "crm"); err != nil {
		t.Error(err)
	}
	if err := guarded(t, r.URL+"/hook?key=1", r.URL+"/hook").Probe(t.Context(), "crm"); err != nil {
		t.Errorf("excepted: %v", err)
	}
	r.Close() // waits for requests in flight
	if n := len(r.got()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestProbeFails(t *testing.T) {
	open, closed := newReceiver(t, status(http.StatusOK)), newReceiver(t, status(http.StatusOK))
	closed.Close()
	secure := httptest.NewUnstartedServer(status(http.StatusOK))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	mute, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	for name, c := range map[string]struct{ url, want string }{
		"refused":           {closed.URL, "the connection was refused"},
		"no such name":      {"http://" + canary + ".invalid", "the host name does not resolve"},
		"unknown authority": {secure.URL, "TLS: the certificate is signed by an unknown authority"},
		"no TLS":            {strings.Replace(open.URL, "http:", "https:", 1), "TLS: the server does not speak it on this port"},
		"no handshake":      {"https://" + mute.Addr().String(), "no response in time"},
	} {
		limit := testenv.Limit
		if name == "no handshake" {
			limit = time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		err := newWebhooks(t, c.url+"/"+canary, nil).Probe(ctx, "crm")
		if name == "no such name" && err != nil && err.Error() == "the name server did not respond" {
			continue // the machine has no name server
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if err := guarded(t, open.URL).Probe(t.Context(), "crm"); err == nil || !strings.Contains(err.Error(), "disallow_private_ip_ranges") {
		t.Errorf("guarded: %v", err)
	}
	if err := mustNew(t, webhook.Config{}).Probe(t.Context(), "crm"); err == nil {
		t.Error("the probe of an unknown hook succeeded")
	}
}
