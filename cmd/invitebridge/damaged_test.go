package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
)

// TestDamagedStore serves a store with a corrupt page that is not read when the
// store is opened, but by the first sweep. The bridge reports it and keeps
// running: writing requests are answered 503, and it is not ready.
func TestDamagedStore(t *testing.T) {
	store := corruptStore(t)
	b := startFakeBridge(t, "dsn: bolt://"+store, "log: { level: info }")
	eventually(t, func() bool {
		return b.call(http.MethodGet, b.admin+"/health/ready", nil).status == http.StatusServiceUnavailable
	})
	eventually(t, func() bool { return strings.Contains(b.log.String(), "the store file is damaged: "+store) })
	for range 3 {
		a := b.asAdmin(http.MethodPost, "/", object{"email": "ada@example.com"})
		if a.status != http.StatusServiceUnavailable || a.errorID() != "store_unavailable" || a.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", a.status, a.text)
		}
	}
	if a := b.call(http.MethodGet, b.admin+"/health/alive", nil); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.text)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	code, _, errs := command(t, []string{envAPIKey + "=" + key}, "backup", path, "-e", b.admin)
	if code != exitFailed || !strings.Contains(errs, "the copy is incomplete or damaged, and was not kept") {
		t.Errorf("a backup of it: %d %s", code, errs)
	}
	sameFiles(t, filepath.Dir(path), nil)
	if code := b.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// corruptStore creates a store with a corrupt page in the index of expiries.
func corruptStore(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	s, err := boltstore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Second)
	err = s.Update(t.Context(), func(tx bridge.Tx) error {
		for n := range 300 {
			inv := bridge.Invitation{
				ID: uuid.Must(uuid.NewV7()), State: bridge.StatePending, Email: fmt.Sprintf("p%d@example.com", n), IdentityID: uuid.New(),
				SchemaID: "default", Lifespan: time.Hour, CreatedAt: at, UpdatedAt: at, ExpiresAt: at.Add(time.Hour),
			}
			if err := tx.PutInvitation(inv); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const pageSize = 4096
	for at := 2 * pageSize; at < len(whole); at += pageSize {
		raw := bytes.Clone(whole)
		copy(raw[at:], bytes.Repeat([]byte{0xa5}, pageSize))
		write(t, path, string(raw))
		s, err := boltstore.Open(path)
		if err != nil {
			continue
		}
		err = s.View(context.Background(), func(tx bridge.Tx) error {
			_, err := tx.ExpiringInvitations(time.Now(), 1)
			return err
		})
		_ = s.Close()
		if errors.Is(err, boltstore.ErrCorrupt) {
			return path
		}
	}
	t.Fatal("no page made the index unreadable")
	return ""
}
