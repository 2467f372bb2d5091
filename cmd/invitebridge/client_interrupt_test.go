package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"invitebridge/kratos/kratostest"
)

// TestInterruptedCreate: an interrupted create of several invitations prints the
// links of those that were created, because they are never shown again.
func TestInterruptedCreate(t *testing.T) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	b := startBridge(t, &kratostest.Server{PublicURL: kratos.URL, AdminURL: kratos.URL}, "kratos: { schema_id: "+kratostest.DefaultSchema+" }")
	ctx, interrupt := context.WithCancel(t.Context())
	release := make(chan struct{})
	kratos.Inject(kratostest.Fault{Method: http.MethodPost, Skip: 1, Arrived: interrupt, Hold: release})
	t.Cleanup(func() { close(release) })
	var out, errs bytes.Buffer
	code := run(ctx, []string{"create", "invitations", "ada@example.com", "bob@example.com", "eve@example.com"},
		[]string{envAdminURL + "=" + b.admin, envAPIKey + "=" + key}, stdio{out: &out, err: &errs})
	if code != exitFailed || strings.Count(out.String(), "/invite/") != 1 || !strings.Contains(out.String(), "ada@example.com") {
		t.Errorf("code %d:\n%s", code, &out)
	}
	if !strings.Contains(errs.String(), "1 of 3 failed, 1 not tried") || strings.Contains(errs.String(), "hint") {
		t.Error(errs.String())
	}
}
