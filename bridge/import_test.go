package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// file returns the rows of a file with these bodies, from line 2 on.
func file(bodies ...string) func() (bridge.FileRow, error) {
	line := 1
	return func() (bridge.FileRow, error) {
		if line++; line-2 >= len(bodies) {
			return bridge.FileRow{}, io.EOF
		}
		return bridge.FileRow{Line: line, Body: json.RawMessage(bodies[line-2])}, nil
	}
}

// addresses returns n bodies with different addresses.
func addresses(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"email":"user%d@example.com"}`, i)
	}
	return list
}

func startImport(t *testing.T, w *bridgetest.Harness, r bridge.ImportRequest, bodies ...string) bridge.Import {
	t.Helper()
	i, created, err := w.Service.Import(t.Context(), r, file(bodies...))
	if err != nil || !created {
		t.Fatalf("import: created %v, %v", created, err)
	}
	return i
}

// runImports runs the imports until nothing is due, and returns when it next is.
func runImports(t *testing.T, w *bridgetest.Harness) time.Time {
	t.Helper()
	for range 10_000 {
		next, err := w.Service.RunImports(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if next.IsZero() || next.After(w.Clock.Now()) {
			return next
		}
	}
	t.Fatal("the imports never come to rest")
	return time.Time{}
}

func importOf(t *testing.T, w *bridgetest.Harness, id uuid.UUID) bridge.Import {
	t.Helper()
	i, err := w.Service.GetImport(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func rowsOf(t *testing.T, w *bridgetest.Harness, id uuid.UUID) []bridge.ImportRow {
	t.Helper()
	rows, err := w.Service.ImportRows(t.Context(), bridge.ImportRowQuery{ImportID: id, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// wantResults checks the results of all rows, in the order of the file.
func wantResults(t *testing.T, w *bridgetest.Harness, id uuid.UUID, want ...bridge.ImportResult) []bridge.ImportRow {
	t.Helper()
	rows := rowsOf(t, w, id)
	var got []bridge.ImportResult
	for _, r := range rows {
		got = append(got, r.Result)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("results %q, want %q; %+v", got, want, rows)
	}
	return rows
}

// TestImport: a row of every kind gets its result, and the counts agree.
func TestImport(t *testing.T) {
	w := bridgetest.New(t)
	w.Kratos.Add("active@example.com", true)
	w.Kratos.Add("waiting@example.com", false)
	invite(t, w, bridge.InviteRequest{Email: "pending@example.com"})
	revoked := invite(t, w, bridge.InviteRequest{Email: "revoked@example.com"})
	if _, err := w.Service.Revoke(t.Context(), revoked.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	invite(t, w, bridge.InviteRequest{Email: "expired@example.com", ExpiresIn: time.Second})
	w.Clock.Advance(time.Minute)
	i := startImport(t, w, bridge.ImportRequest{CreatedBy: "backend"},
		`{"email":"new@example.com","traits":{"name":{"first":"Ada"}}}`,
		`{"email":"active@example.com"}`,
		`{"email":"waiting@example.com"}`,
		`{"email":"pending@example.com"}`,
		`{"email":"revoked@example.com"}`,
		`{"email":"expired@example.com"}`,
		`{"email":"NEW@example.com"}`,
		`{"email":"not an address"}`,
		`{"email":"b@example.com","unknown":1}`,
	)
	if i.State != bridge.ImportRunning || i.Rows != 9 || i.Counts.Failed != 2 || i.Counts.Duplicate != 1 {
		t.Fatalf("%+v", i)
	}
	runImports(t, w)
	rows := wantResults(t, w, i.ID,
		bridge.ResultInvited, bridge.ResultAlreadyActive, bridge.ResultAdopted, bridge.ResultAlreadyPending,
		bridge.ResultSkippedRevoked, bridge.ResultSkippedExpired, bridge.ResultDuplicate, bridge.ResultFailed, bridge.ResultFailed)
	if rows[6].DuplicateOf != 2 || rows[7].ErrorID != "email_invalid" || rows[8].ErrorID != "bad_request" || rows[7].Line != 9 {
		t.Errorf("%+v", rows[6:])
	}
	i = importOf(t, w, i.ID)
	want := bridge.ImportCounts{Invited: 1, Adopted: 1, AlreadyPending: 1, AlreadyActive: 1, SkippedRevoked: 1, SkippedExpired: 1, Duplicate: 1, Failed: 2}
	if i.State != bridge.ImportFinished || i.Counts != want || i.FinishedAt.IsZero() {
		t.Errorf("%+v", i)
	}
	inv, err := w.Service.Get(t.Context(), rows[0].InvitationID)
	if err != nil || inv.ImportID != i.ID || inv.State != bridge.StatePending || inv.Delivery != bridge.DeliveryQueued || inv.Baseline == nil {
		t.Errorf("%+v, %v", inv, err)
	}
	events := w.EventsFor(t, bridgetest.Hook)
	if len(events) == 0 || events[0] != bridge.EventImportFinished {
		t.Errorf("events %v", events)
	}
	if page, _, err := w.Service.List(t.Context(), bridge.InvitationQuery{ImportID: i.ID, Limit: 10}); err != nil || len(page) != 2 {
		t.Errorf("the list by import has %d invitations: %v", len(page), err)
	}
}

// TestImport_accept: what an import has invited is accepted like any other.
func TestImport_accept(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{}, `{"email":"ada@example.com"}`)
	runImports(t, w)
	rows := wantResults(t, w, i.ID, bridge.ResultInvited)
	claimed, _, err := w.Service.ClaimMessages(t.Context(), bridge.EndpointCourier, 10, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d emails are due: %v", len(claimed), err)
	}
	inv, err := w.Service.Accept(t.Context(), claimed[0].Dispatch.Payload.Data.Token, password)
	if err != nil || inv.ID != rows[0].InvitationID || inv.State != bridge.StateAccepted {
		t.Fatalf("%+v, %v", inv, err)
	}
}

// TestImport_twice: a file that is sent again invites nobody again.
func TestImport_twice(t *testing.T) {
	w := bridgetest.New(t)
	for range 3 {
		startImport(t, w, bridge.ImportRequest{}, addresses(120)...)
		runImports(t, w)
	}
	emails := slices.DeleteFunc(w.EventsFor(t, bridge.EndpointCourier), func(e bridge.Event) bool { return e != bridge.EventTokenCreated })
	if len(emails) != 120 {
		t.Errorf("%d emails for 120 addresses", len(emails))
	}
	if b, _, err := w.Service.Backlog(t.Context()); err != nil || b.Pending != 120 {
		t.Errorf("%d invitations are pending: %v", b.Pending, err)
	}
}

// TestImport_reinvite: addresses of revoked and expired invitations, if the request asks
// for them.
func TestImport_reinvite(t *testing.T) {
	w := bridgetest.New(t)
	first := startImport(t, w, bridge.ImportRequest{}, addresses(2)...)
	runImports(t, w)
	rows := rowsOf(t, w, first.ID)
	if _, err := w.Service.Revoke(t.Context(), rows[0].InvitationID); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(25 * time.Hour)
	again := startImport(t, w, bridge.ImportRequest{Reinvite: []bridge.State{bridge.StateRevoked}}, addresses(2)...)
	runImports(t, w)
	wantResults(t, w, again.ID, bridge.ResultInvited, bridge.ResultSkippedExpired)
	last := startImport(t, w, bridge.ImportRequest{Reinvite: []bridge.State{bridge.StateExpired}}, addresses(2)...)
	runImports(t, w)
	wantResults(t, w, last.ID, bridge.ResultAlreadyPending, bridge.ResultInvited)
}

// TestImport_dryRun: the results are those that an import would have, and nothing else
// happens.
func TestImport_dryRun(t *testing.T) {
	called := 0
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(context.Context, bridge.Payload) error { called++; return nil })
	})
	w.Kratos.Add("active@example.com", true)
	inactive := w.Kratos.Add("waiting@example.com", false)
	before, err := w.Kratos.Read(t.Context(), inactive)
	if err != nil {
		t.Fatal(err)
	}
	i := startImport(t, w, bridge.ImportRequest{DryRun: true},
		`{"email":"new@example.com"}`, `{"email":"active@example.com"}`, `{"email":"waiting@example.com"}`, `{"email":"x"}`)
	runImports(t, w)
	wantResults(t, w, i.ID, bridge.ResultInvited, bridge.ResultAlreadyActive, bridge.ResultAdopted, bridge.ResultFailed)
	after, err := w.Kratos.Read(t.Context(), inactive)
	if err != nil || string(before) != string(after) {
		t.Errorf("the identity changed: %s, %s, %v", before, after, err)
	}
	if b, _, err := w.Service.Backlog(t.Context()); err != nil || b != (bridge.Backlog{}) || called != 0 {
		t.Errorf("%+v, %d hooks called: %v", b, called, err)
	}
	w.Clock.Advance(24 * time.Hour)
	runImports(t, w)
	if _, err := w.Service.GetImport(t.Context(), i.ID); !errors.Is(err, bridge.ErrImportNotFound) {
		t.Errorf("after 24 h: %v", err)
	}
}

// TestImport_hooks: a refusal fails the row; a hook that is unavailable makes it wait.
func TestImport_hooks(t *testing.T) {
	available := false
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hookFunc(func(_ context.Context, p bridge.Payload) error {
			switch {
			case strings.HasPrefix(p.Data.Invitation.Email, "no"):
				return bridge.ErrHookRefused
			case strings.HasPrefix(p.Data.Invitation.Email, "later") && !available:
				return bridge.ErrHookUnavailable
			}
			return nil
		})
	})
	i := startImport(t, w, bridge.ImportRequest{},
		`{"email":"no@example.com"}`, `{"email":"later@example.com"}`, `{"email":"yes@example.com"}`)
	next := runImports(t, w)
	wantResults(t, w, i.ID, bridge.ResultFailed, "", bridge.ResultInvited)
	w.Clock.Advance(next.Sub(w.Clock.Now()))
	next = runImports(t, w)
	if i = importOf(t, w, i.ID); i.WaitingFor != bridge.DependencyHook || i.State != bridge.ImportRunning {
		t.Errorf("%+v", i)
	}
	available = true
	w.Clock.Advance(next.Sub(w.Clock.Now()))
	runImports(t, w)
	rows := wantResults(t, w, i.ID, bridge.ResultFailed, bridge.ResultInvited, bridge.ResultInvited)
	if i = importOf(t, w, i.ID); i.WaitingFor != "" || i.State != bridge.ImportFinished || rows[0].ErrorID != "hook_refused" {
		t.Errorf("%+v", i)
	}
}

func refusedWith(err error, want *bridge.Error) bool {
	var e *bridge.Error
	return errors.As(err, &e) && e.ID == want.ID
}
