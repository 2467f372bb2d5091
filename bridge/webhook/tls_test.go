package webhook_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/tlsfault/tlstest"
	"invitebridge/bridge/webhook"
)

func TestMain(m *testing.M) {
	forget, err := tlstest.Trust()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	forget()
	os.Exit(code)
}

// TestTLS: an attempt and the probe say which fault of TLS there is.
func TestTLS(t *testing.T) {
	for _, server := range tlstest.Servers() {
		t.Run(server.Name, func(t *testing.T) {
			url := "https://" + tlstest.Serve(t, server.TLS, status(http.StatusOK)) + "/" + canary
			hooks := telling(t, url, func(h *webhook.Hook) { h.Timeout = 10 * time.Second })
			got := hooks.Send(t.Context(), dispatch(bridge.EventTokenCreated))
			if got.Outcome != bridge.Retry || !strings.HasPrefix(got.Detail, server.Want) {
				t.Errorf("got %+v, want %q", got, server.Want)
			}
			if err := hooks.Probe(t.Context(), "crm"); err == nil || !strings.HasPrefix(err.Error(), server.Want) {
				t.Errorf("the probe: %v, want %q", err, server.Want)
			}
		})
	}
}

// TestClientCertificateOptional: a receiver that asks for a certificate, and goes
// on without, is well.
func TestClientCertificateOptional(t *testing.T) {
	for _, server := range tlstest.Servers() {
		config := server.TLS
		if config.ClientAuth != tls.RequireAnyClientCert {
			continue
		}
		config.ClientAuth = tls.RequestClientCert
		hooks := telling(t, "https://"+tlstest.Serve(t, config, status(http.StatusOK)), nil)
		if got := hooks.Send(t.Context(), dispatch(bridge.EventTokenCreated)); got.Outcome != bridge.Sent {
			t.Errorf("%s: %+v", server.Name, got)
		}
		if err := hooks.Probe(t.Context(), "crm"); err != nil {
			t.Errorf("%s: %v", server.Name, err)
		}
	}
}
