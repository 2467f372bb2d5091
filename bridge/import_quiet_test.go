package bridge_test

import (
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

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
