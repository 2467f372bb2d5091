package bridge_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// runToEnd runs the imports until each has ended; what fails meanwhile is tried again when
// it is due, and time passes.
func runToEnd(t *testing.T, w *bridgetest.Harness, id uuid.UUID) bridge.Import {
	t.Helper()
	for range 1000 {
		if i := importOf(t, w, id); i.State == bridge.ImportFinished {
			return i
		}
		next, err := w.Service.RunImports(t.Context())
		if err != nil {
			next = w.Clock.Now().Add(5 * time.Second)
		}
		if importOf(t, w, id).State != bridge.ImportFinished && !next.IsZero() && next.After(w.Clock.Now()) {
			w.Clock.Advance(next.Sub(w.Clock.Now()))
		}
	}
	t.Fatal("the import does not end")
	return bridge.Import{}
}

// wantOnce checks that each of n addresses has one pending invitation, one identity with
// its mark, and one email.
func wantOnce(t *testing.T, w *bridgetest.Harness, n int) {
	t.Helper()
	for _, inv := range wantOneEach(t, w, n) {
		identity, err := w.Identities().Get(t.Context(), inv.IdentityID)
		if err != nil || identity.Mark.InvitationID != inv.ID {
			t.Fatalf("%+v has %+v: %v", inv, identity, err)
		}
	}
}

// wantOneEach is wantOnce, whatever the marks are: if two imports invite an address at
// the same moment, the one that loses may have written its mark before. Then the identity
// is not deleted with the invitation, and nothing else depends on it.
func wantOneEach(t *testing.T, w *bridgetest.Harness, n int) []bridge.Invitation {
	t.Helper()
	page, _, err := w.Service.List(t.Context(), bridge.InvitationQuery{Limit: 500})
	if err != nil || len(page) != n || w.Kratos.Len() != n {
		t.Fatalf("%d invitations and %d identities for %d addresses: %v", len(page), w.Kratos.Len(), n, err)
	}
	seen := map[string]bool{}
	for _, inv := range page {
		identity, err := w.Identities().Get(t.Context(), inv.IdentityID)
		if err != nil || identity.Email != inv.Email || seen[inv.Email] || inv.State != bridge.StatePending {
			t.Fatalf("%+v has %+v: %v", inv, identity, err)
		}
		seen[inv.Email] = true
	}
	emails := 0
	for _, e := range w.EventsFor(t, bridge.EndpointCourier) {
		if e == bridge.EventTokenCreated {
			emails++
		}
	}
	if emails != n {
		t.Fatalf("%d emails for %d addresses", emails, n)
	}
	return page
}

// TestImport_outcomeUnknown: the store does not say whether a commit took effect.
func TestImport_outcomeUnknown(t *testing.T) {
	w := bridgetest.New(t)
	w.Kratos.Add("user1@example.com", false)
	i := startImport(t, w, bridge.ImportRequest{}, addresses(4)...)
	w.Store.HideCommits(errors.New("input/output error"))
	for range 6 {
		if _, err := w.Service.RunImports(t.Context()); err == nil {
			t.Fatal("no error")
		}
		w.Clock.Advance(time.Hour)
	}
	w.Store.HideCommits(nil)
	runToEnd(t, w, i.ID)
	wantOnce(t, w, 4)
}

// TestImport_answerLost: the response to the batch is lost, whether or not the batch took
// effect.
func TestImport_answerLost(t *testing.T) {
	for name, fault := range map[string]kratostest.Fault{
		"cut before the effect": {Do: kratostest.CutBefore},
		"cut after the effect":  {Do: kratostest.CutAfter},
		"cut in the response":   {Do: kratostest.CutBody},
		"502 after the effect":  {Do: kratostest.CommitAndAnswer, Status: http.StatusBadGateway},
		"503 before the effect": {Do: kratostest.Answer, Status: http.StatusServiceUnavailable},
		"401":                   {Do: kratostest.Answer, Status: http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			fault.Method, fault.Route = http.MethodPatch, kratostest.RouteIdentities
			remove := w.Kratos.Inject(fault)
			i := startImport(t, w, bridge.ImportRequest{}, addresses(7)...)
			if _, err := w.Service.RunImports(t.Context()); err != nil {
				t.Fatal(err)
			}
			if i := importOf(t, w, i.ID); i.WaitingFor != bridge.DependencyKratos || i.Counts.Total() != 0 {
				t.Errorf("%+v", i)
			}
			remove()
			runToEnd(t, w, i.ID)
			wantOnce(t, w, 7)
		})
	}
}

// TestImport_kratosDown: the import waits, with growing pauses, and no row fails.
func TestImport_kratosDown(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	w.Kratos.Down()
	var last time.Duration
	for range 12 {
		next := runImports(t, w)
		pause := next.Sub(w.Clock.Now())
		if pause < last || pause <= 0 || pause > 5*time.Minute {
			t.Fatalf("pause of %s after %s", pause, last)
		}
		last = pause
		w.Clock.Advance(pause)
	}
	if i := importOf(t, w, i.ID); i.Counts.Total() != 0 || i.WaitingFor != bridge.DependencyKratos || last < time.Minute {
		t.Fatalf("%+v, last pause %s", i, last)
	}
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.CloseIdleConnections()
	runToEnd(t, w, i.ID)
	wantOnce(t, w, 3)
}

// TestImport_beside: several workers share an import, each row has one invitation.
func TestImport_beside(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{}, addresses(400)...)
	runBeside(t, []*bridgetest.Harness{w, w, w})
	if i = importOf(t, w, i.ID); i.State != bridge.ImportFinished {
		t.Errorf("%+v", i)
	}
	wantOnce(t, w, 400)
}

func runBeside(t *testing.T, workers []*bridgetest.Harness) {
	t.Helper()
	var running sync.WaitGroup
	for _, w := range workers {
		running.Go(func() {
			for range 1000 {
				next, err := w.Service.RunImports(context.WithoutCancel(t.Context()))
				if err != nil {
					t.Error(err)
				}
				if next.IsZero() || next.After(w.Clock.Now()) {
					return
				}
			}
		})
	}
	running.Wait()
}

// TestImport_overtaken: somebody invites an address of a group while Kratos creates its
// identity. One invitation is left, the other's.
func TestImport_overtaken(t *testing.T) {
	w := bridgetest.New(t)
	hold, arrived := make(chan struct{}), make(chan struct{})
	w.Kratos.Inject(kratostest.Fault{
		Method: http.MethodPatch, Route: kratostest.RouteIdentities, Times: 1, Arrived: func() { close(arrived) }, Hold: hold,
	})
	i := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	done := make(chan error, 1)
	go func() { _, err := w.Service.RunImports(t.Context()); done <- err }()
	<-arrived
	other := invite(t, w, bridge.InviteRequest{Email: "user1@example.com"})
	close(hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	runToEnd(t, w, i.ID)
	rows := wantResults(t, w, i.ID, bridge.ResultInvited, bridge.ResultAlreadyPending, bridge.ResultInvited)
	if rows[1].InvitationID != other.Invitation.ID {
		t.Errorf("%+v", rows[1])
	}
	wantOnce(t, w, 3)
}

// TestImport_uploadFails: nothing is kept of a file that does not arrive completely, also
// not after a restart in the middle.
func TestImport_uploadFails(t *testing.T) {
	w := bridgetest.New(t)
	broken := errors.New("connection reset")
	rows, n := file(addresses(1200)...), 0
	_, _, err := w.Service.Import(t.Context(), bridge.ImportRequest{}, func() (bridge.FileRow, error) {
		if n++; n > 1100 {
			return bridge.FileRow{}, broken
		}
		return rows()
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	wantNothing(t, w)

	// The process ends in the middle: no later commit takes effect.
	rows, n = file(addresses(1200)...), 0
	_, _, err = w.Service.Import(t.Context(), bridge.ImportRequest{}, func() (bridge.FileRow, error) {
		if n++; n == 700 {
			w.Store.FailUpdates(failFrom(1))
		}
		return rows()
	})
	refused(t, err, bridge.ErrStoreUnavailable)
	w.Restart(t)
	w.Clock.Advance(5 * time.Minute)
	wantNothing(t, w)
}

func wantNothing(t *testing.T, w *bridgetest.Harness) {
	t.Helper()
	runImports(t, w)
	if page, _, err := w.Service.Imports(t.Context(), uuid.Nil, 10); err != nil || len(page) != 0 {
		t.Fatalf("%+v, %v", page, err)
	}
	if w.Kratos.Len() != 0 {
		t.Fatal("an identity was created")
	}
}
