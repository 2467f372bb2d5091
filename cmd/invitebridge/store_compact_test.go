package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge/boltstore"
)

// TestStoreCompact_inUse: the store of a running bridge is left alone.
func TestStoreCompact_inUse(t *testing.T) {
	store := filepath.Join(t.TempDir(), "invites.db")
	b := startFakeBridge(t, "dsn: bolt://"+store)
	b.invite(object{"email": "ada@example.com"})
	file := filepath.Join(t.TempDir(), "bridge.yml")
	text := "dsn: bolt://" + store + "\nserve: { admin: { api_keys: [ { name: tests, key: " + key + " } ] } }\n" +
		"kratos: { admin_url: 'http://127.0.0.1:1', public_url: 'http://127.0.0.1:1' }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := command(t, nil, "store", "compact", "-c", file)
	if code != exitFailed || !strings.Contains(errs, boltstore.ErrInUse.Error()) || !strings.Contains(errs, "stop that process") {
		t.Errorf("%d %s", code, errs)
	}
	b.invite(object{"email": "lin@example.com"})
	b.stop()
	if code, out, errs := command(t, nil, "store", "compact", "-c", file); code != exitOK || !strings.HasPrefix(out, store+": ") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	if names, err := os.ReadDir(filepath.Dir(store)); err != nil || len(names) != 1 {
		t.Errorf("the directory contains %v, %v", names, err)
	}
}
