package bridge_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestImport_reactivated: the first try of a row created the identity and was not recorded.
// Then it was used as an account and deactivated. The row may have it reactivated, with
// everything removed, but does not take it for what it has just created.
func TestImport_reactivated(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{}, `{"email":"ceo@example.com","reactivate":true,"expires_in":"48h"}`)
	w.Store.FailUpdates(failFrom(2)) // after the claim
	if _, err := w.Service.RunImports(t.Context()); err == nil {
		t.Fatal("the result was stored")
	}
	w.Store.FailUpdates(nil)
	found, err := w.Identities().FindByEmail(t.Context(), "ceo@example.com")
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	w.Kratos.ActivateByHand(found.ID, "the former holder 1")
	w.Clock.Advance(time.Hour)
	w.Kratos.Deactivate(found.ID)
	w.Clock.Advance(time.Hour)
	runToEnd(t, w, i.ID)
	inv, err := w.Service.Get(t.Context(), rowsOf(t, w, i.ID)[0].InvitationID)
	if err != nil || inv.Origin != bridge.OriginReactivated {
		t.Errorf("origin %q: %v", inv.Origin, err)
	}
}

// TestImport_otherSchema: a pending invitation of another schema is found as an invite finds
// it, by a dry run too.
func TestImport_otherSchema(t *testing.T) {
	w := bridgetest.New(t)
	pending := invite(t, w, bridge.InviteRequest{Email: "a@example.com", SchemaID: kratostest.MemberSchema})
	for _, dryRun := range []bool{true, false} {
		i := startImport(t, w, bridge.ImportRequest{DryRun: dryRun}, `{"email":"a@example.com"}`)
		runToEnd(t, w, i.ID)
		if rows := wantResults(t, w, i.ID, bridge.ResultAlreadyPending); !dryRun && rows[0].InvitationID != pending.Invitation.ID {
			t.Errorf("%+v", rows)
		}
		i = startImport(t, w, bridge.ImportRequest{DryRun: dryRun}, `{"email":"a@example.com","schema_id":"default"}`)
		runToEnd(t, w, i.ID)
		if rows := wantResults(t, w, i.ID, bridge.ResultFailed); rows[0].ErrorID != bridge.ErrIdentityConflict.ID {
			t.Errorf("%+v", rows)
		}
	}
}

// TestImport_cancelWhileDown: a canceled import invites nobody once Kratos is available
// again.
func TestImport_cancelWhileDown(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{}, addresses(50)...)
	w.Kratos.Down()
	if _, err := w.Service.RunImports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i, err := w.Service.CancelImport(t.Context(), i.ID); err != nil || i.State != bridge.ImportCanceled {
		t.Errorf("%s, %v", i.State, err)
	}
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.CloseIdleConnections()
	w.Clock.Advance(time.Hour)
	runImports(t, w)
	if n := w.Kratos.Len(); n != 0 {
		t.Errorf("%d identities were created", n)
	}
}

// TestImport_secondAddress: an identity that an earlier try has created is judged like one
// that was just created.
func TestImport_secondAddress(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{}, `{"email":"a@example.com","schema_id":"member","traits":{"second_email":"b@example.com"}}`)
	w.Store.FailUpdates(failFrom(2))
	if _, err := w.Service.RunImports(t.Context()); err == nil {
		t.Fatal("the result was stored")
	}
	w.Store.FailUpdates(nil)
	runToEnd(t, w, i.ID)
	wantResults(t, w, i.ID, bridge.ResultInvited)
}

// TestImport_purgedWhileLoading: an upload does not go on after a part of its rows was
// deleted.
func TestImport_purgedWhileLoading(t *testing.T) {
	w := bridgetest.New(t)
	rows, n := file(addresses(6000)...), 0
	_, _, err := w.Service.Import(t.Context(), bridge.ImportRequest{}, func() (bridge.FileRow, error) {
		if n++; n == 5001 {
			w.Clock.Advance(3 * time.Minute) // the upload paused
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.Store.FailUpdates(func(nth int) error { // the purge is cut off after its first commit
				if nth == 3 {
					cancel()
					return errors.New("stopped")
				}
				return nil
			})
			if _, err := w.Service.RunImports(ctx); err == nil {
				t.Error("the purge was not cut off")
			}
			w.Store.FailUpdates(nil)
		}
		return rows()
	})
	refused(t, err, bridge.ErrImportInvalid)
	w.Clock.Advance(time.Hour)
	wantNothing(t, w)
}

// TestImport_largeRows: a group has no more rows than fit into a bounded memory.
func TestImport_largeRows(t *testing.T) {
	w := bridgetest.New(t)
	bodies := addresses(90)
	for n := range bodies {
		bodies[n] = bodies[n][:len(bodies[n])-1] + `,"metadata_public":"` + strings.Repeat("x", 60_000) + `"}`
	}
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 80, WaveEvery: time.Hour}, bodies...)
	if _, err := w.Service.RunImports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := importOf(t, w, i.ID); got.Counts.Invited == 0 || got.Counts.Invited >= 50 {
		t.Errorf("the first group had %d rows", got.Counts.Invited)
	}
	runImports(t, w)
	if got := importOf(t, w, i.ID); got.Counts.Invited != 80 {
		t.Errorf("the wave had %d rows", got.Counts.Invited)
	}
}

// TestImport_usedBeforeTheRead: an identity of a batch is used as an account before the
// bridge reads it. It is not taken for one that nobody has used.
func TestImport_usedBeforeTheRead(t *testing.T) {
	for name, c := range map[string]struct {
		then func(*bridgetest.Harness, uuid.UUID)
		want func(bridge.ImportRow) bool
	}{
		"still active": {func(*bridgetest.Harness, uuid.UUID) {}, func(r bridge.ImportRow) bool { return r.Result == bridge.ResultAlreadyActive }},
		"deactivated since": {func(w *bridgetest.Harness, id uuid.UUID) {
			w.Clock.Advance(time.Second)
			w.Kratos.Deactivate(id)
		}, func(r bridge.ImportRow) bool {
			return r.Result == bridge.ResultFailed && r.ErrorID == bridge.ErrIdentityDeactivated.ID
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			i := startImport(t, w, bridge.ImportRequest{}, addresses(2)...)
			reading, read := held(w, kratostest.Fault{Method: http.MethodGet, Route: kratostest.RouteIdentities})
			done := make(chan error, 1)
			go func() { _, err := w.Service.RunImports(t.Context()); done <- err }()
			<-reading
			found, err := w.Identities().FindByEmail(t.Context(), "user0@example.com")
			if err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(2 * time.Second)
			w.Kratos.ActivateByHand(found.ID, "the former holder 1")
			c.then(w, found.ID)
			read()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			runToEnd(t, w, i.ID)
			rows := rowsOf(t, w, i.ID)
			if !c.want(rows[0]) || rows[1].Result != bridge.ResultInvited {
				t.Errorf("%+v", rows)
			}
		})
	}
}
