package webhook_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/tlsfault/tlstest"
)

func TestMain(m *testing.M) {
	restore, err := tlstest.Trust()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	restore()
	os.Exit(code)
}

// TestTLS: Send and Probe name the cause of each TLS error.
func TestTLS(t *testing.T) {
	for _, server := range tlstest.Servers() {
		t.Run(server.Name, func(t *testing.T) {
			url := "https://" + tlstest.Serve(t, server.TLS, status(http.StatusOK)) + "/" + canary
			hooks := newWebhooks(t, url, nil)
			got := hooks.Send(t.Context(), dispatch(bridge.EventTokenCreated))
			if got.Outcome != bridge.AttemptRetry || !strings.HasPrefix(got.Detail, server.Want) {
				t.Errorf("got %+v, want %q", got, server.Want)
			}
			if err := hooks.Probe(t.Context(), "crm"); err == nil || !strings.HasPrefix(err.Error(), server.Want) {
				t.Errorf("the probe: %v, want %q", err, server.Want)
			}
		})
	}
}

// TestClientCertificateOptional: a receiver that requests a client certificate and
// accepts a connection without one causes no error.
func TestClientCertificateOptional(t *testing.T) {
	for _, server := range tlstest.Servers() {
		config := server.TLS
		if config.ClientAuth != tls.RequireAnyClientCert {
			continue
		}
		config.ClientAuth = tls.RequestClientCert
		hooks := newWebhooks(t, "https://"+tlstest.Serve(t, config, status(http.StatusOK)), nil)
		if got := hooks.Send(t.Context(), dispatch(bridge.EventTokenCreated)); got.Outcome != bridge.AttemptSent {
			t.Errorf("%s: %+v", server.Name, got)
		}
		if err := hooks.Probe(t.Context(), "crm"); err != nil {
			t.Errorf("%s: %v", server.Name, err)
		}
	}
}
