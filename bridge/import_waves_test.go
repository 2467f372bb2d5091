package bridge_test

import (
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
