package bridge_test

import (
	"errors"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// invited returns how many rows of an import have an invitation.
func invited(t *testing.T, w *bridgetest.Harness, i bridge.Import) int {
	t.Helper()
	return importOf(t, w, i.ID).Counts.Invited
}

// TestImport_waves: a wave begins when its time has come, and rows of later waves are
// not invited before. Each expiry counts from the row's own wave.
func TestImport_waves(t *testing.T) {
	w := bridgetest.New(t)
	start := w.Clock.Now().Add(time.Hour)
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 60, WaveEvery: 24 * time.Hour, StartAt: start}, addresses(150)...)
	for n, want := range []int{0, 60, 120, 150} {
		next := runImports(t, w)
		if got := invited(t, w, i); got != want {
			t.Fatalf("wave %d: %d invited, want %d", n, got, want)
		}
		if want == 150 {
			break
		}
		if begin := start.Add(time.Duration(n) * 24 * time.Hour); !next.Equal(begin) || !importOf(t, w, i.ID).View(w.Clock.Now()).NextWaveAt.Equal(begin) {
			t.Fatalf("wave %d: next at %s, want %s", n, next, begin)
		}
		w.Clock.Advance(next.Sub(w.Clock.Now()) - time.Second)
		if runImports(t, w); invited(t, w, i) != want {
			t.Fatalf("wave %d began early", n+1)
		}
		w.Clock.Advance(time.Second)
	}
	rows := rowsOf(t, w, i.ID)
	for n, wave := range map[int]int{0: 0, 60: 1, 149: 2} {
		inv, err := w.Service.Get(t.Context(), rows[n].InvitationID)
		if want := start.Add(time.Duration(wave)*24*time.Hour + 24*time.Hour); err != nil || !inv.ExpiresAt.Equal(want) {
			t.Errorf("row %d expires at %s, want %s: %v", n, inv.ExpiresAt, want, err)
		}
	}
}

// TestImport_betweenWaves: the view of an import shows that a wave is running. Between two
// waves it has no speed.
func TestImport_betweenWaves(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 60, WaveEvery: time.Hour}, append(addresses(150), `{"email":"wrong"}`)...)
	view := func() bridge.ImportView { return importOf(t, w, i.ID).View(w.Clock.Now()) }
	if v := view(); v.WaveRunning {
		t.Errorf("before the first wave: %+v", v)
	}
	if _, err := w.Service.RunImports(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Second)
	if v := view(); v.Counts.Invited == 0 || v.Counts.Invited == 60 || !v.WaveRunning || v.RowsPerSecond == 0 || v.NextWaveAt.IsZero() {
		t.Errorf("after a group of the first wave: %+v", v)
	}
	next := runImports(t, w)
	if v := view(); v.Counts.Invited != 60 || v.WaveRunning || v.RowsPerSecond != 0 || !v.NextWaveAt.Equal(next) {
		t.Errorf("after the first wave: %+v", v)
	}
	w.Clock.Advance(next.Sub(w.Clock.Now()))
	w.Kratos.Down()
	if _, err := w.Service.RunImports(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := view(); !v.WaveRunning || v.WaitingFor != bridge.DependencyKratos {
		t.Errorf("in a wave that waits for Kratos: %+v", v)
	}
}

// TestImport_pause: nothing is begun during a pause. Missed waves are not caught up: the
// next one begins at the resume.
func TestImport_pause(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 10, WaveEvery: 24 * time.Hour}, addresses(100)...)
	runImports(t, w)
	for range 2 { // it is idempotent
		if i, err := w.Service.PauseImport(t.Context(), i.ID); err != nil || i.State != bridge.ImportPaused {
			t.Fatalf("%+v, %v", i, err)
		}
	}
	w.Clock.Advance(100 * time.Hour)
	if next := runImports(t, w); !next.IsZero() || invited(t, w, i) != 10 {
		t.Fatalf("during the pause: next at %s, %d invited", next, invited(t, w, i))
	}
	for range 2 {
		if i, err := w.Service.ResumeImport(t.Context(), i.ID); err != nil || i.State != bridge.ImportRunning {
			t.Fatalf("%+v, %v", i, err)
		}
	}
	next := runImports(t, w)
	if want := w.Clock.Now().Add(24 * time.Hour); !next.Equal(want) || invited(t, w, i) != 20 {
		t.Fatalf("after the pause: next at %s, want %s; %d invited", next, want, invited(t, w, i))
	}
}

// TestImport_cancel: rows that are not begun get no result; what is pending stays.
func TestImport_cancel(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 10, WaveEvery: 24 * time.Hour}, addresses(30)...)
	runImports(t, w)
	for range 2 {
		if i, err := w.Service.CancelImport(t.Context(), i.ID); err != nil || i.State != bridge.ImportCanceled {
			t.Fatalf("%+v, %v", i, err)
		}
	}
	_, err := w.Service.ResumeImport(t.Context(), i.ID)
	refused(t, err, bridge.ErrImportEnded)
	_, err = w.Service.PauseImport(t.Context(), i.ID)
	refused(t, err, bridge.ErrImportEnded)
	w.Clock.Advance(48 * time.Hour)
	runImports(t, w)
	if view := importOf(t, w, i.ID).View(w.Clock.Now()); view.Waiting != 20 || view.Counts.Invited != 10 {
		t.Errorf("%+v", view)
	}
}

// TestImport_quietHours: no row is begun in quiet hours, and the import says so.
func TestImport_quietHours(t *testing.T) {
	quiet, err := bridge.ParseQuietHours("22:00-07:00 Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w := bridgetest.New(t, func(c *bridge.Config) { c.QuietHours = quiet }) // it is 04:04 there
	i := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	end := time.Date(2030, 1, 2, 6, 0, 0, 0, time.UTC)
	if next := runImports(t, w); !next.Equal(end) || invited(t, w, i) != 0 {
		t.Fatalf("next at %s, want %s; %d invited", next, end, invited(t, w, i))
	}
	if got := waitingFor(t, w, i); got != bridge.DependencyQuietHours {
		t.Errorf("in the quiet hours, it waits for %q", got)
	}
	w.Clock.Advance(end.Sub(w.Clock.Now()))
	if got := waitingFor(t, w, i); got != "" {
		t.Errorf("after the quiet hours, it waits for %q", got)
	}
	if runImports(t, w); invited(t, w, i) != 3 {
		t.Errorf("%d invited after the quiet hours", invited(t, w, i))
	}
}

func waitingFor(t *testing.T, w *bridgetest.Harness, i bridge.Import) bridge.Dependency {
	t.Helper()
	return w.Service.ViewImport(importOf(t, w, i.ID)).WaitingFor
}

// TestImport_waitsForQuietHours: an import waits for the quiet hours only if it could
// begin or repeat rows before they end.
func TestImport_waitsForQuietHours(t *testing.T) {
	w := bridgetest.New(t, func(c *bridge.Config) { c.QuietHours = quietHours(t, "04:30-07:00 Europe/Berlin") }) // it is 04:04 there
	dry := startImport(t, w, bridge.ImportRequest{DryRun: true, StartAt: w.Clock.Now().Add(time.Hour)}, addresses(3)...)
	tomorrow := startImport(t, w, bridge.ImportRequest{StartAt: w.Clock.Now().Add(24 * time.Hour)}, addresses(3)...)
	soon := startImport(t, w, bridge.ImportRequest{StartAt: w.Clock.Now().Add(time.Hour)}, addresses(3)...)
	paused := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	if _, err := w.Service.PauseImport(t.Context(), paused.ID); err != nil {
		t.Fatal(err)
	}
	w.Kratos.Down()
	broken := startImport(t, w, bridge.ImportRequest{}, addresses(3)...)
	runImports(t, w)
	want := func(when string, want map[string]bridge.Dependency) {
		t.Helper()
		for name, i := range map[string]bridge.Import{"dry": dry, "tomorrow": tomorrow, "soon": soon, "paused": paused, "broken": broken} {
			if got := waitingFor(t, w, i); got != want[name] {
				t.Errorf("%s: %s waits for %q, want %q", when, name, got, want[name])
			}
		}
	}
	want("before", map[string]bridge.Dependency{"broken": bridge.DependencyKratos})
	w.Clock.Advance(30 * time.Minute)
	want("in the quiet hours", map[string]bridge.Dependency{"soon": bridge.DependencyQuietHours, "broken": bridge.DependencyQuietHours})
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	runToEnd(t, w, dry.ID)
	if i := importOf(t, w, dry.ID); i.State != bridge.ImportFinished || i.Counts.Invited != 3 || invited(t, w, soon) != 0 {
		t.Errorf("in the quiet hours, the dry run is %s with %+v, and %d were invited", i.State, i.Counts, invited(t, w, soon))
	}
}

// TestImport_settings: settings that make no sense are refused, and nothing is kept.
func TestImport_settings(t *testing.T) {
	w := bridgetest.New(t)
	for name, c := range map[string]struct {
		request bridge.ImportRequest
		want    *bridge.Error
	}{
		"a size without a period": {bridge.ImportRequest{WaveSize: 5}, bridge.ErrBadRequest},
		"a period without a size": {bridge.ImportRequest{WaveEvery: time.Hour}, bridge.ErrBadRequest},
		"too short a period":      {bridge.ImportRequest{WaveSize: 5, WaveEvery: time.Second}, bridge.ErrBadRequest},
		"a negative size":         {bridge.ImportRequest{WaveSize: -1, WaveEvery: time.Hour}, bridge.ErrBadRequest},
		"reinvite of accepted":    {bridge.ImportRequest{Reinvite: []bridge.State{bridge.StateAccepted}}, bridge.ErrBadRequest},
		"an unknown default":      {bridge.ImportRequest{Defaults: []byte(`{"nobody":1}`)}, bridge.ErrBadRequest},
		"a default that is wrong": {bridge.ImportRequest{Defaults: []byte(`{"expires_in":"10000h"}`)}, bridge.ErrExpiresInInvalid},
	} {
		_, _, err := w.Service.Import(t.Context(), c.request, file(addresses(1)...))
		if !refusedWith(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := w.Service.Import(t.Context(), bridge.ImportRequest{}, file())
	refused(t, err, bridge.ErrImportInvalid)
	runImports(t, w)
	if page, _, err := w.Service.Imports(t.Context(), [16]byte{}, 10); err != nil || len(page) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestImport_unknownSchema: an unknown schema for all rows is refused with the names of
// those that exist, unless Kratos does not respond. In a row, it fails the row.
func TestImport_unknownSchema(t *testing.T) {
	const reason = "Kratos has no identity schema nope; it has customer, default, member."
	w := bridgetest.New(t)
	request := bridge.ImportRequest{Defaults: []byte(`{"schema_id":"nope"}`)}
	_, _, err := w.Service.Import(t.Context(), request, file(addresses(1)...))
	var e *bridge.Error
	if !refusedWith(err, bridge.ErrBadRequest) || !errors.As(err, &e) || e.Reason != "schema_id: "+reason {
		t.Errorf("for all rows: %v", err)
	}
	i := startImport(t, w, bridge.ImportRequest{Defaults: []byte(`{"schema_id":"member"}`)},
		`{"email":"a@example.com","schema_id":"nope"}`, `{"email":"b@example.com","schema_id":"default"}`)
	runImports(t, w)
	rows := wantResults(t, w, i.ID, bridge.ResultFailed, bridge.ResultInvited)
	if rows[0].ErrorID != bridge.ErrTraitsInvalid.ID || rows[0].Reason != reason {
		t.Errorf("in a row: %+v", rows[0])
	}
	w.Kratos.Down()
	request.Defaults = []byte(`{"schema_id":"other"}`)
	if i = startImport(t, w, request, addresses(1)...); i.State != bridge.ImportRunning {
		t.Errorf("while Kratos is down: %+v", i)
	}
}

// TestImport_defaults: a default applies to rows without a value of their own.
func TestImport_defaults(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{Defaults: []byte(`{"inviter_id":"school","expires_in":"2h","notify":false}`)},
		`{"email":"a@example.com"}`, `{"email":"b@example.com","inviter_id":"teacher","notify":true}`)
	runImports(t, w)
	rows := wantResults(t, w, i.ID, bridge.ResultInvited, bridge.ResultInvited)
	a, errA := w.Service.Get(t.Context(), rows[0].InvitationID)
	b, errB := w.Service.Get(t.Context(), rows[1].InvitationID)
	if errA != nil || errB != nil || a.InviterID != "school" || b.InviterID != "teacher" || a.Delivery != bridge.DeliveryOff || b.Delivery != bridge.DeliveryQueued {
		t.Errorf("%+v, %+v", a, b)
	}
	if want := w.Clock.Now().Add(2 * time.Hour); !a.ExpiresAt.Equal(want) {
		t.Errorf("expires at %s, want %s", a.ExpiresAt, want)
	}
}

// TestImport_waveInterruptedByPause: what a pause has left of a wave is part of the next
// one, which is no larger than others.
func TestImport_waveInterruptedByPause(t *testing.T) {
	w := bridgetest.New(t)
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 100, WaveEvery: 24 * time.Hour}, addresses(300)...)
	if _, err := w.Service.RunImports(t.Context()); err != nil { // the first 50
		t.Fatal(err)
	}
	before := invited(t, w, i)
	if _, err := w.Service.PauseImport(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(100 * time.Hour)
	if _, err := w.Service.ResumeImport(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	next := runImports(t, w)
	if n := invited(t, w, i) - before; n != 100 || !next.Equal(w.Clock.Now().Add(24*time.Hour)) {
		t.Errorf("%d rows at one moment; next at %s", n, next)
	}
}

// TestImport_waveInterruptedByQuietHours: so is what quiet hours have left of it.
func TestImport_waveInterruptedByQuietHours(t *testing.T) {
	quiet, err := bridge.ParseQuietHours("22:00-07:00 UTC")
	if err != nil {
		t.Fatal(err)
	}
	w := bridgetest.New(t, func(c *bridge.Config) { c.QuietHours = quiet }) // it is 03:04
	w.Clock.Advance(time.Date(2030, 1, 2, 21, 59, 59, 0, time.UTC).Sub(w.Clock.Now()))
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 100, WaveEvery: time.Hour}, addresses(300)...)
	if _, err := w.Service.RunImports(t.Context()); err != nil { // the first 50
		t.Fatal(err)
	}
	before := invited(t, w, i)
	w.Clock.Advance(time.Second)
	next := runImports(t, w)
	w.Clock.Advance(next.Sub(w.Clock.Now()))
	runImports(t, w)
	if n := invited(t, w, i) - before; n != 100 {
		t.Errorf("%d rows at 07:00", n)
	}
}
