package kratos_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/tlsfault/tlstest"
	"invitebridge/kratos"
)

// Errors of the admin and the public client name the TLS problem.
func TestTLS(t *testing.T) {
	for _, server := range tlstest.Servers() {
		t.Run(server.Name, func(t *testing.T) {
			url := "https://" + tlstest.Serve(t, server.TLS, http.NotFoundHandler())
			public, err := kratos.NewPublicClient(url, 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer public.Close()
			for name, err := range map[string]error{
				"admin":  newClient(t, kratos.Config{AdminURL: url}).Probe(t.Context()),
				"public": public.Probe(t.Context()),
			} {
				if err == nil || !strings.Contains(err.Error(), ": "+server.Want) {
					t.Errorf("%s: got %v, want %q", name, err, server.Want)
				}
			}
		})
	}
}
