package bridge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestImport_log: each step of an import is one line with its id, and none has an address.
func TestImport_log(t *testing.T) {
	var lines []string
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.QuietHours = quietHours(t, "05:00-07:00 UTC") // it is 03:04
		c.Info = func(message string, args ...any) {
			lines = append(lines, strings.TrimSpace(fmt.Sprintln(append([]any{message}, args...)...)))
		}
	})
	want := func(when string, want ...string) {
		t.Helper()
		if !slices.Equal(lines, want) {
			t.Errorf("%s: got %q, want %q", when, lines, want)
		}
		lines = nil
	}
	change := func(_ bridge.Import, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	i := startImport(t, w, bridge.ImportRequest{WaveSize: 2, WaveEvery: 2 * time.Hour}, append(addresses(5), `{"email":"user0@example.com"}`, `{"email":"x"}`)...)
	id := " import_id " + i.ID.String()
	want("start", "import started"+id+" dry_run false rows 7")
	for range 2 {
		change(w.Service.PauseImport(t.Context(), i.ID))
	}
	want("pause", "import paused"+id)
	for range 2 {
		change(w.Service.ResumeImport(t.Context(), i.ID))
	}
	want("resume", "import resumed"+id)

	w.Kratos.Down()
	runImports(t, w)
	w.Clock.Advance(time.Minute)
	runImports(t, w)
	want("outage", "import waits and tries again"+id+" waiting_for kratos")
	if err := w.Kratos.Up(); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(5 * time.Minute)
	runImports(t, w)
	w.Clock.Advance(2 * time.Hour)
	for range 2 {
		runImports(t, w)
	}
	want("quiet hours", "import waits"+id+" waiting_for quiet_hours until 2030-01-02 07:00:00 +0000 UTC")
	runToEnd(t, w, i.ID)
	want("end", "import finished"+id+" rows 7 invited 5 duplicate 1 failed 1")

	i = startImport(t, w, bridge.ImportRequest{DryRun: true}, `{"email":"x"}`)
	id = " import_id " + i.ID.String()
	runToEnd(t, w, i.ID)
	want("no valid row", "import started"+id+" dry_run true rows 1", "import finished"+id+" rows 1 failed 1")
	i = startImport(t, w, bridge.ImportRequest{WaveSize: 1, WaveEvery: time.Hour}, addresses(3)...)
	id = " import_id " + i.ID.String()
	for range 2 {
		change(w.Service.CancelImport(t.Context(), i.ID))
	}
	want("cancel", "import started"+id+" dry_run false rows 3", "import canceled"+id+" rows 3")
}
