package bridge_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestImport_pausedAtTheEnd: an import that is paused while its last rows are processed
// finishes with them.
func TestImport_pausedAtTheEnd(t *testing.T) {
	var w *bridgetest.Harness
	var id uuid.UUID
	w = bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, _ bridge.Payload) error {
			_, err := w.Service.PauseImport(context.Background(), id)
			return err
		})
	})
	i := startImport(t, w, bridge.ImportRequest{}, addresses(1)...)
	id = i.ID
	runImports(t, w)
	if got := importOf(t, w, id); got.State != bridge.ImportFinished || got.Counts.Invited != 1 {
		t.Errorf("%+v", got)
	}
}

// TestImport_cancelBeforeCreation: rows for which the identity system was not asked yet are
// given up when the import is canceled.
func TestImport_cancelBeforeCreation(t *testing.T) {
	var w *bridgetest.Harness
	var id uuid.UUID
	w = bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(context.Context, bridge.Payload) error {
			_, err := w.Service.CancelImport(context.Background(), id)
			return err
		})
	})
	id = startImport(t, w, bridge.ImportRequest{}, addresses(3)...).ID
	runImports(t, w)
	if got := importOf(t, w, id); got.State != bridge.ImportCanceled || got.Counts.Total() != 0 || w.Kratos.Len() != 0 {
		t.Errorf("%+v, %d identities", got, w.Kratos.Len())
	}
}

// TestImport_cancelAfterTheWorkerEnded: rows that a worker had claimed and not finished are
// not invited by another one after the import is canceled.
func TestImport_cancelAfterTheWorkerEnded(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	w.Kratos.Down()
	w.Store.FailUpdates(failFrom(2)) // the claim is stored, nothing else
	if _, err := w.Service.RunImports(t.Context()); err == nil {
		t.Fatal("the result was stored")
	}
	w.Store.FailUpdates(nil)
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.CloseIdleConnections()
	if i, err := w.Service.CancelImport(t.Context(), i.ID); err != nil || i.State != bridge.ImportCanceling {
		t.Fatalf("%s, %v", i.State, err)
	}
	w.Clock.Advance(time.Hour)
	runImports(t, w)
	if got := importOf(t, w, i.ID); got.State != bridge.ImportCanceled || w.Kratos.Len() != 0 {
		t.Errorf("%+v, %d identities", got, w.Kratos.Len())
	}
}
