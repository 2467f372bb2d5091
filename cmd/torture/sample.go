package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// sample holds the resource use of the process at one time.
type sample struct{ memory, goroutines, files int } // memory is anonymous memory in KiB

// report prints how the process is.
func (s *soakTest) report(ctx context.Context) {
	if s.several() {
		return // there are several
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.trial.process.cmd.Process.Pid))
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.trial.process.cmd.Process.Pid))
	now := sample{memory: field(string(status), "RssAnon:"), goroutines: s.trial.goroutines(ctx), files: len(files)}
	var size int64
	if info, err := os.Stat(s.trial.process.store()); err == nil {
		size = info.Size()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.samples = append(s.samples, now)
	s.out("%s  memory %d KiB (%d anonymous), goroutines %d, file descriptors %d, store %d KiB, invitations %d, slowest response %v",
		time.Now().UTC().Format(time.TimeOnly), field(string(status), "VmRSS:"), now.memory, now.goroutines, now.files, size>>10, len(s.all), s.slowest.Round(time.Millisecond))
}

// checkGrowth compares the resource use after the first minute with that at the
// end. A few dozen of each, in use for a moment, are not growth.
func (s *soakTest) checkGrowth() (broken []string) {
	if len(s.samples) < 3 {
		return nil
	}
	first, last := s.samples[1], s.samples[len(s.samples)-1]
	for _, grown := range []struct {
		name               string
		first, last, spare int
	}{
		{"KiB of memory", first.memory, last.memory, 16 << 10},
		{"goroutines", first.goroutines, last.goroutines, 60},
		{"file descriptors", first.files, last.files, 40},
	} {
		if grown.first == 0 || grown.last > grown.first+grown.spare {
			broken = append(broken, fmt.Sprintf("%d %s after the first minute, %d at the end", grown.first, grown.name, grown.last))
		}
	}
	return broken
}

// goroutines returns the number of goroutines from the bridge's metrics, or 0 if
// they are unavailable.
func (t *trial) goroutines(ctx context.Context) int {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/metrics/prometheus", nil)
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+apiKey)
	res, err := client(t.admin).Do(r)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return field(string(text), "\ngo_goroutines ")
}

// field returns the number that follows a name in a text.
func field(text, name string) int {
	_, after, _ := strings.Cut(text, name)
	line, _, _ := strings.Cut(after, "\n")
	n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(line), " kB"))
	return n
}
