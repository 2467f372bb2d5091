package bridge_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestImport_killed: the process ends after any number of updates of an import, and another
// one takes over: no row is lost, and nobody is invited twice.
func TestImport_killed(t *testing.T) {
	for done := 0; ; done++ {
		w := bridgetest.New(t)
		w.Kratos.Add("user1@example.com", false) // is adopted, by itself
		i := startImport(t, w, bridge.ImportRequest{}, addresses(4)...)
		killed := false
		w.Store.FailUpdates(func(nth int) error {
			if nth <= done {
				return nil
			}
			killed = true
			return errors.New("killed")
		})
		for range 10 {
			if _, err := w.Service.RunImports(t.Context()); err != nil {
				break
			}
		}
		w.Restart(t)
		if i = runToEnd(t, w, i.ID); i.Counts.Total() != 4 || i.Counts.Invited != 3 || i.Counts.Adopted != 1 {
			t.Fatalf("after %d updates: %+v", done, i)
		}
		wantOnce(t, w, 4)
		if !killed {
			if done < 4 {
				t.Fatalf("the import has only %d updates", done)
			}
			return
		}
	}
}

// TestImport_takenOver: a process that has the store alone does not wait for the leases of
// the one before it, and deletes at once what that one was loading.
func TestImport_takenOver(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{}, addresses(4)...)
	rows, n := file(addresses(1200)...), 0
	_, _, err := w.Service.Import(t.Context(), bridge.ImportRequest{}, func() (bridge.FileRow, error) {
		if n++; n == 700 {
			w.Store.FailUpdates(failFrom(2)) // the claim of a group is the last update
			if _, err := w.Service.RunImports(t.Context()); err == nil {
				t.Error("the group was finished")
			}
		}
		return rows()
	})
	refused(t, err, bridge.ErrStoreUnavailable)
	w.Restart(t)
	runImports(t, w)
	if i = importOf(t, w, i.ID); i.State != bridge.ImportFinished {
		t.Errorf("%+v", i)
	}
	if page, _, err := w.Service.Imports(t.Context(), uuid.Nil, 10); err != nil || len(page) != 1 {
		t.Errorf("%d imports, want 1: %v", len(page), err)
	}
	wantOnce(t, w, 4)
}
