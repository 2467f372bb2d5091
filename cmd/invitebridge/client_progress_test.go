package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
)

// fakeProgress is a progress with its own clock.
type fakeProgress struct {
	*progress
	out   bytes.Buffer
	clock time.Time
	width int
}

func newFakeProgress(width int) *fakeProgress {
	f := &fakeProgress{clock: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), width: width}
	f.progress = &progress{out: &f.out, now: func() time.Time { return f.clock }, begun: f.clock, width: func() int { return f.width }}
	return f
}

// after shows an import some time later, and returns what was printed.
func (f *fakeProgress) after(d time.Duration, v bridge.ImportView) string {
	f.out.Reset()
	f.clock = f.clock.Add(d)
	f.show(v)
	return f.out.String()
}

func runningImport(done, failed int) bridge.ImportView {
	return bridge.ImportView{
		State: bridge.ImportRunning, Rows: 10_000, Waiting: 10_000 - done, Counts: bridge.ImportCounts{Invited: done - failed, Failed: failed},
	}
}

// TestProgressBar: the line on a terminal fits its width and loses the least important
// parts first; a shorter line erases the longer one before it.
func TestProgressBar(t *testing.T) {
	for width, want := range map[int]string{
		120: "[##------------------]  12%  1,200 of 10,000 rows  3 failed  1 min left  120 rows/s",
		80:  "[#---------------]  12%  1,200 of 10,000 rows  3 failed  1 min left  120 rows/s",
		60:  "12%  1,200 of 10,000 rows  3 failed  1 min left  120 rows/s",
		59:  "12%  1,200 of 10,000 rows  3 failed  1 min left",
		40:  "12%  1,200 of 10,000 rows  3 failed",
		20:  "[#-----------]  12%",
		3:   "12",
	} {
		f := newFakeProgress(width)
		f.after(0, runningImport(0, 0))
		got := strings.TrimRight(strings.TrimPrefix(f.after(10*time.Second, runningImport(1200, 3)), "\r"), " ")
		if got != want || len(got) >= width {
			t.Errorf("width %d:\n%q, want\n%q", width, got, want)
		}
	}

	f := newFakeProgress(200)
	f.after(0, runningImport(0, 0))
	long := f.after(10*time.Second, runningImport(1200, 3))
	f.width = 40
	if short := f.after(time.Second, runningImport(1200, 3)); len(short) < len(long) || !strings.HasPrefix(short, "\r12%  1,200 of 10,000 rows") {
		t.Errorf("%q does not erase %q", short, long)
	}
	f.out.Reset()
	f.note("A note.")
	if got := f.out.String(); !strings.HasPrefix(got, "\r ") || !strings.HasSuffix(got, " \rA note.\n") {
		t.Errorf("a note in the line that changes: %q", got)
	}
	f.after(time.Second, runningImport(2000, 3))
	f.out.Reset()
	f.end()
	f.end()
	f.show(runningImport(3000, 3))
	if got := f.out.String(); got != "\n" {
		t.Errorf("at the end: %q", got)
	}
}

// TestProgressLines: elsewhere than on a terminal, a new line is printed only if
// something has changed, and not before some seconds have passed or the state is another.
func TestProgressLines(t *testing.T) {
	f := newFakeProgress(0)
	paused := runningImport(2500, 0)
	paused.State = bridge.ImportPaused
	for _, step := range []struct {
		after time.Duration
		view  bridge.ImportView
		want  string
	}{
		{0, runningImport(0, 0), "running: 0%, 0 of 10,000 rows\n"},
		{time.Second, runningImport(100, 0), ""},
		{4 * time.Second, runningImport(500, 0), "running: 5%, 500 of 10,000 rows, 2 min left, 100 rows/s\n"},
		{5 * time.Second, runningImport(2500, 0), "running: 25%, 2,500 of 10,000 rows, 30 s left, 250 rows/s\n"},
		{time.Second, paused, "paused: 25%, 2,500 of 10,000 rows, 240 rows/s\n"},
		{time.Hour, paused, "paused: 25%, 2,500 of 10,000 rows\n"},
		{time.Hour, paused, ""},
	} {
		if got := f.after(step.after, step.view); got != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
	f.out.Reset()
	f.unavailable(paused)
	if want := "the bridge is unavailable, trying again, 2,500 of 10,000 rows\n"; f.out.String() != want {
		t.Errorf("got %q, want %q", f.out.String(), want)
	}
}

// TestProgressWaves: as soon as a wave has ended, the line shows when the next one
// begins, and no speed. The speed of the next wave counts from its beginning.
func TestProgressWaves(t *testing.T) {
	f := newFakeProgress(0)
	begin := f.clock.Add(time.Minute)
	wave := func(done int, running bool, next time.Time) bridge.ImportView {
		v := runningImport(done, 0)
		v.WaveSize, v.WaveEvery, v.WaveRunning, v.NextWaveAt = 5000, "1m0s", running, next
		return v
	}
	for _, step := range []struct {
		after time.Duration
		view  bridge.ImportView
		want  string
	}{
		{0, wave(0, true, begin), "running: 0%, 0 of 10,000 rows\n"},
		{5 * time.Second, wave(2500, true, begin), "running: 25%, 2,500 of 10,000 rows, 500 rows/s\n"},
		{5 * time.Second, wave(5000, false, begin), "running: 50%, 5,000 of 10,000 rows, next wave in 50 s\n"},
		{49 * time.Second, wave(5000, false, begin), "running: 50%, 5,000 of 10,000 rows, next wave in 1 s\n"},
		{6 * time.Second, wave(5600, true, time.Time{}), "running: 56%, 5,600 of 10,000 rows, 44 s left, 100 rows/s\n"},
	} {
		if got := f.after(step.after, step.view); got != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
}

// TestProgressUpload: a short upload is not shown.
func TestProgressUpload(t *testing.T) {
	f := newFakeProgress(60)
	f.showUpload("people.csv", 1<<20, 10<<20)
	if f.out.Len() > 0 {
		t.Errorf("got %q", &f.out)
	}
	f.clock = f.clock.Add(time.Second)
	f.showUpload("people.csv", 5<<20, 10<<20)
	if want := "\r[#######-------]  uploading people.csv: 5.0 MiB of 10.0 MiB"; f.out.String() != want {
		t.Errorf("got %q, want %q", &f.out, want)
	}
	f.out.Reset()
	f.clock = f.clock.Add(time.Second)
	f.showUpload("a\x1b[2J", 6<<20, -1)
	if want := "\r" + `uploading a\u001b[2J: 6.0 MiB`; strings.TrimRight(f.out.String(), " ") != want {
		t.Errorf("got %q, want %q", &f.out, want)
	}
}

// TestProgressWaits: the line says what an import waits for, and how long it still takes.
func TestProgressWaits(t *testing.T) {
	now := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(*bridge.ImportView)
		rate   float64
		want   string
	}{
		"Kratos":            {func(v *bridge.ImportView) { v.WaitingFor = bridge.DependencyKratos }, 0, "10%, 1,000 of 10,000 rows, waiting for Kratos"},
		"a hook":            {func(v *bridge.ImportView) { v.WaitingFor = bridge.DependencyHook }, 0, "10%, 1,000 of 10,000 rows, waiting for a hook"},
		"quiet hours":       {func(v *bridge.ImportView) { v.WaitingFor = bridge.DependencyQuietHours }, 0, "10%, 1,000 of 10,000 rows, waiting for the end of the quiet hours"},
		"a new dependency":  {func(v *bridge.ImportView) { v.WaitingFor = "moon\n" }, 0, `10%, 1,000 of 10,000 rows, waiting for moon\u000a`},
		"its start":         {func(v *bridge.ImportView) { v.StartAt = now.Add(90 * time.Minute) }, 0, "10%, 1,000 of 10,000 rows, starts in 1 h 30 min"},
		"a row in progress": {func(*bridge.ImportView) {}, 0, "10%, 1,000 of 10,000 rows"},
		"the next wave": {func(v *bridge.ImportView) {
			v.WaveSize, v.WaveEvery, v.NextWaveAt = 1000, "24h0m0s", now.Add(12*time.Hour)
		}, 0, "10%, 1,000 of 10,000 rows, next wave in 12 h 0 min"},
		"a wave in progress": {func(v *bridge.ImportView) {
			v.WaveSize, v.WaveEvery, v.NextWaveAt, v.WaveRunning = 1000, "24h0m0s", now.Add(12*time.Hour), true
		}, 50, "10%, 1,000 of 10,000 rows, 8 d left, 50 rows/s"}, // seven days after the next one
		"a wave that has just begun": {func(v *bridge.ImportView) {
			v.WaveSize, v.WaveEvery, v.NextWaveAt, v.WaveRunning = 5000, "24h0m0s", now.Add(12*time.Hour), true
		}, 0, "10%, 1,000 of 10,000 rows"},
		"the last wave": {func(v *bridge.ImportView) {
			v.WaveSize, v.WaveEvery, v.WaveRunning = 9000, "24h0m0s", true
		}, 50, "10%, 1,000 of 10,000 rows, 3 min left, 50 rows/s"},
		"the end":    {func(v *bridge.ImportView) { v.State, v.Waiting = bridge.ImportFinished, 0 }, 50, "100%, 10,000 of 10,000 rows, 50 rows/s"},
		"its upload": {func(v *bridge.ImportView) { v.State = bridge.ImportLoading }, 0, "the file is still being uploaded"},
		"no rows":    {func(v *bridge.ImportView) { v.Rows, v.Waiting = 0, 0 }, 0, "100%, 0 of 0 rows"},
	} {
		v := runningImport(1000, 0)
		c.change(&v)
		if got := strings.Join(importStatus(v, c.rate, now), ", "); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
