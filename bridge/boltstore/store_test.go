package boltstore

import (
	"path/filepath"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/storetest"
)

// TestStore runs the suite. After each of its tests, checkFile checks the file.
func TestStore(t *testing.T) {
	storetest.Run(t, func(t testing.TB, dir string) bridge.Store {
		path := filepath.Join(dir, "bridge.db")
		t.Cleanup(func() { checkFile(t, path) })
		return open(t, path)
	})
}
