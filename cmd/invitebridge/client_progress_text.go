package main

import (
	"fmt"
	"strconv"
	"time"

	"invitebridge/bridge"
)

// dependencyNames are what an import can wait for, in words.
var dependencyNames = map[bridge.Dependency]string{
	bridge.DependencyKratos:     "Kratos",
	bridge.DependencyHook:       "a hook",
	bridge.DependencyStore:      "the store",
	bridge.DependencyRequest:    "another request for the same address",
	bridge.DependencyRepair:     "a repair that the bridge's log describes",
	bridge.DependencyQuietHours: "the end of the quiet hours",
}

// importStatus describes an import in parts, the most important first. rate is in rows
// per second.
func importStatus(v bridge.ImportView, rate float64, now time.Time) []string {
	if v.State == bridge.ImportLoading {
		return []string{"the file is still being uploaded"}
	}
	done, percent := v.Rows-v.Waiting, 100
	if v.Rows > 0 {
		percent = done * 100 / v.Rows
	}
	parts := []string{fmt.Sprintf("%d%%", percent), fmt.Sprintf("%s of %s rows", grouped(done), grouped(v.Rows))}
	if wait := waitText(v, now); wait != "" {
		parts = append(parts, wait)
	}
	if v.Counts.Failed > 0 {
		parts = append(parts, grouped(v.Counts.Failed)+" failed")
	}
	if left, known := timeLeft(v, rate, now); known {
		parts = append(parts, roughly(left)+" left")
	}
	if rate > 0 {
		parts = append(parts, grouped(int(rate+0.5))+" rows/s")
	}
	return parts
}

// waitText says what a running import waits for; empty: for nothing.
func waitText(v bridge.ImportView, now time.Time) string {
	switch {
	case v.State != bridge.ImportRunning:
		return ""
	case v.WaitingFor != "":
		name, ok := dependencyNames[v.WaitingFor]
		if !ok {
			name = printable(string(v.WaitingFor))
		}
		return "waiting for " + name
	case v.StartAt.After(now):
		return "starts in " + roughly(v.StartAt.Sub(now))
	case betweenWaves(v, now):
		return "next wave in " + roughly(v.NextWaveAt.Sub(now))
	}
	return ""
}

// betweenWaves reports whether all rows of the waves that have begun have a result, and
// the next wave is still to come.
func betweenWaves(v bridge.ImportView, now time.Time) bool {
	return v.State == bridge.ImportRunning && !v.WaveRunning && v.NextWaveAt.After(now)
}

// timeLeft estimates how long a running import takes. It is unknown between waves.
func timeLeft(v bridge.ImportView, rate float64, now time.Time) (left time.Duration, known bool) {
	every, err := time.ParseDuration(v.WaveEvery)
	switch {
	case v.State != bridge.ImportRunning || v.Waiting == 0 || betweenWaves(v, now):
		return 0, false
	case v.NextWaveAt.After(now) && err == nil && v.WaveSize > 0:
		waves := (v.Waiting+v.WaveSize-1)/v.WaveSize - 1 // to come after the present one
		return v.NextWaveAt.Sub(now) + time.Duration(max(0, waves-1))*every, waves > 1
	case rate > 0:
		return time.Duration(float64(v.Waiting) / rate * float64(time.Second)), true
	}
	return 0, false
}

// speed is the mean speed over the last seconds.
type speed struct{ samples []speedSample }

type speedSample struct {
	at   time.Time
	done int
}

const (
	speedPeriod  = 10 * time.Second
	minSpeedTime = time.Second // before that, the speed says little
)

func (s *speed) add(at time.Time, done int) {
	s.samples = append(s.samples, speedSample{at, done})
	for len(s.samples) > 2 && at.Sub(s.samples[1].at) >= speedPeriod {
		s.samples = s.samples[1:]
	}
}

// rate returns rows per second; zero if it is unknown.
func (s *speed) rate() float64 {
	if len(s.samples) < 2 {
		return 0
	}
	first, last := s.samples[0], s.samples[len(s.samples)-1]
	took := last.at.Sub(first.at)
	if took < minSpeedTime || last.done <= first.done {
		return 0
	}
	return float64(last.done-first.done) / took.Seconds()
}

// grouped formats a number with commas.
func grouped(n int) string {
	if n < 0 {
		return "-" + grouped(-n)
	}
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return grouped(n/1000) + fmt.Sprintf(",%03d", n%1000)
}

// roughly formats a duration in one or two units.
func roughly(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	switch {
	case seconds < 60:
		return fmt.Sprintf("%d s", max(0, seconds))
	case seconds < 3600:
		return fmt.Sprintf("%d min", (seconds+30)/60)
	case seconds < 48*3600:
		return fmt.Sprintf("%d h %d min", seconds/3600, seconds%3600/60)
	}
	return fmt.Sprintf("%d d", (seconds+12*3600)/(24*3600))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
