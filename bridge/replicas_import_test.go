package bridge_test

import (
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestReplicasImport: replicas share an import, and each row has one invitation.
func TestReplicasImport(t *testing.T) {
	first, second := replicas(t)
	i := startImport(t, first, bridge.ImportRequest{}, addresses(300)...)
	runBeside(t, []*bridgetest.Harness{first, second, first, second})
	if i = importOf(t, second, i.ID); i.State != bridge.ImportFinished {
		t.Errorf("%+v", i)
	}
	wantOnce(t, first, 300)
}

// TestReplicasImport_leased: a replica that starts leaves the groups of the others alone,
// and what they are loading, until their leases end.
func TestReplicasImport_leased(t *testing.T) {
	first, second := replicas(t)
	i := startImport(t, first, bridge.ImportRequest{}, addresses(4)...)
	rows, begun := file(addresses(2)...), false
	loaded, _, err := first.Service.Import(t.Context(), bridge.ImportRequest{}, func() (bridge.FileRow, error) {
		if !begun {
			begun = true
			first.Store.FailUpdates(failFrom(2))
			if _, err := first.Service.RunImports(t.Context()); err == nil {
				t.Error("the group was finished")
			}
			first.Store.FailUpdates(func(int) error { return nil })
			runImports(t, second)
			if i := importOf(t, second, i.ID); i.Counts.Total() > 0 {
				t.Errorf("taken over: %+v", i)
			}
		}
		return rows()
	})
	if err != nil || loaded.Rows != 2 {
		t.Fatalf("%+v, %v", loaded, err)
	}
	runToEnd(t, second, i.ID)
	runToEnd(t, second, loaded.ID)
	wantOnce(t, first, 4)
}

// TestReplicasImport_locked: while another process uses an import that is due, a worker
// looks again after a pause.
func TestReplicasImport_locked(t *testing.T) {
	first, second := replicas(t)
	i := startImport(t, first, bridge.ImportRequest{}, addresses(3)...)
	locked, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- first.Store.Update(t.Context(), func(tx bridge.Tx) error {
			_, err := tx.Import(i.ID)
			close(locked)
			<-release
			return err
		})
	}()
	<-locked
	next, err := second.Service.RunImports(t.Context())
	close(release)
	if locking := <-done; err != nil || locking != nil || !next.After(second.Clock.Now()) {
		t.Errorf("at once: %v, %v, %v", next, err, locking)
	}
	runToEnd(t, second, i.ID)
	wantOnce(t, first, 3)
}
