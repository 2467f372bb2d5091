package kratos_test

import (
	"context"
	"net/http"
	"testing"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// Added headers are sent with each request of each method, and cannot override
// the token.
func TestHeaders(t *testing.T) {
	type key struct{}
	b := newFixture(t, kratos.Config{})
	sent := 0
	c := newClient(t, kratos.Config{
		AdminURL: b.fake.URL, AdminToken: "the-token",
		Headers: func(ctx context.Context, h http.Header) {
			h.Set("Traceparent", ctx.Value(key{}).(string))
			h.Set("Authorization", "Bearer else")
		},
		Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			sent++
			if r.Header.Get("Traceparent") != "from the call" || r.Header.Get("Authorization") != "Bearer the-token" {
				t.Errorf("%s %s: %v", r.Method, r.URL.Path, r.Header)
			}
			return http.DefaultTransport.RoundTrip(r)
		}),
	})
	ctx := context.WithValue(t.Context(), key{}, "from the call")
	calls := []func() error{
		func() error { return c.Ping(ctx) },
		func() error { _, err := c.Get(ctx, b.made.ID); return err },
		func() error {
			return c.CreateAll(ctx, []bridge.IdentityParams{invited("c@example.com"), invited("d@example.com")})[1].Err
		},
		func() error { _, err := c.FindByEmail(ctx, invitedEmail); return err },
		func() error { _, err := c.HasSessions(ctx, b.made.ID); return err },
		func() error { return errorOf(c.Write(ctx, b.made, b.activation())) },
		func() error { return errorOf(c.Write(ctx, b.made, bridge.WriteVerified{})) },
		func() error { return errorOf(c.Write(ctx, b.made, bridge.DeleteIdentity{})) },
		func() error {
			_, err := c.Create(ctx, bridge.IdentityParams{InvitationID: b.mark, SchemaID: "default", Traits: []byte(`{"email":"b@example.com"}`)})
			return err
		},
	}
	for i, call := range calls {
		before := sent
		if err := call(); err != nil || sent == before {
			t.Errorf("call %d: %d requests, %v", i, sent-before, err)
		}
	}
}
