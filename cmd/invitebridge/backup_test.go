package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// TestBackup takes backups under load and restores each: every invitation
// acknowledged before the backup exists, and one that was accepted after it
// cannot be accepted again.
func TestBackup(t *testing.T) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	server := &kratostest.Server{PublicURL: kratos.URL, AdminURL: kratos.URL}
	b := startBridge(t, server, "kratos: { schema_id: "+kratostest.DefaultSchema+" }")
	dir := t.TempDir()
	// Both are accepted after all backups; gone is then deactivated.
	later, gone := b.invite(object{"email": "later@example.com"}), b.invite(object{"email": "gone@example.com"})

	ctx, cancel := context.WithCancel(t.Context())
	all := &ledger{}
	var clients sync.WaitGroup
	p := process{public: b.public, admin: b.admin}
	for c := range 8 {
		clients.Go(func() { p.load(ctx, fmt.Sprintf("c%d", c), all) })
	}
	before := make([]map[string]entry, 5)
	for i := range before {
		all.await(t, (i+1)*50)
		before[i] = all.copy()
		code, out, errs := command(t, []string{envAPIKey + "=" + key}, "backup", filepath.Join(dir, fmt.Sprint(i, ".db")), "-e", b.admin)
		if code != exitOK || !strings.Contains(out, "bytes") {
			t.Fatalf("%d: %s%s", code, out, errs)
		}
	}
	cancel()
	clients.Wait()
	for _, invitation := range []object{later, gone} {
		if a := b.accept(token(invitation), password); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.text)
		}
	}
	b.stop()
	if err := kratos.Deactivate(t.Context(), uuid.MustParse(gone["identity_id"].(string))); err != nil {
		t.Fatal(err)
	}
	puts := kratos.Count(http.MethodPut, kratostest.RouteIdentity).Calls

	for i, acknowledged := range before {
		restored := startBridge(t, server, "dsn: bolt://"+filepath.Join(dir, fmt.Sprint(i, ".db")))
		for id, e := range acknowledged {
			if a := restored.asAdmin(http.MethodGet, "/"+id, nil); a.status != http.StatusOK || e.state != "accepting" && a.body["state"] != e.state {
				t.Errorf("backup %d: %s was %s: %d %s", i, id, e.state, a.status, a.text)
			}
		}
		for _, invitation := range []object{later, gone} {
			if a := restored.accept(token(invitation), password+"2"); a.status != http.StatusGone || a.errorID() != "invitation_accepted" {
				t.Errorf("backup %d: %s was accepted after it: %d %s", i, invitation["email"], a.status, a.text)
			}
		}
		restored.stop()
	}
	if n := kratos.Count(http.MethodPut, kratostest.RouteIdentity).Calls - puts; n != 0 {
		t.Errorf("%d identities were written to", n)
	}
	t.Logf("%d backups, the last with %d invitations", len(before), len(before[len(before)-1]))
}

func (l *ledger) copy() map[string]entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.entries)
}
