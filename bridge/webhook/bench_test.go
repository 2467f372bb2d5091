package webhook_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

// sink returns the URL of a server that reads each request and responds with 204.
// Its own work counts in the benchmark.
func sink(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})}
	tb.Cleanup(func() { server.Close() })
	go func() { _ = server.Serve(l) }()
	return "http://" + l.Addr().String() + "/hooks/invitations"
}

// BenchmarkSend measures one attempt with a signature, without and with a body
// template, as many at once as the bridge makes.
func BenchmarkSend(b *testing.B) {
	for name, template := range map[string]string{
		"payload":  "",
		"template": inline(`function(ctx) { text: ctx.data.invitation.email + " is invited", at: ctx.timestamp }`),
	} {
		b.Run(name, func(b *testing.B) {
			hook := webhook.Hook{
				ID: "crm", Events: []bridge.Event{bridge.EventTokenCreated}, URL: sink(b),
				Secrets: []string{secret("a")}, Body: template, Headers: map[string]string{"X-Tenant": "7"},
			}
			w, err := webhook.New(webhook.Config{Hooks: []webhook.Hook{hook}})
			if err != nil {
				b.Fatal(err)
			}
			defer w.Close()
			d := dispatch(bridge.EventTokenCreated)
			b.ReportAllocs()
			b.SetParallelism(16) // times two cores: 32, as in production
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if r := w.Send(b.Context(), d); r.Outcome != bridge.AttemptSent {
						b.Errorf("%+v", r)
					}
				}
			})
		})
	}
}
