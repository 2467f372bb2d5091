package main

import (
	"os"
	"testing"
	"time"
)

func TestParseProcess(t *testing.T) {
	const stat = "4242 (a (very) odd name) S 17 4242 4242 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 9 0 12345 1 2 3"
	want := process{pid: 4242, parent: 17, name: "a (very) odd name", own: 2 * time.Second, children: 500 * time.Millisecond}
	if got, err := parseProcess(stat); got != want || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, malformed := range []string{"", "4242 name S 17", "4242 (name) S 17", "4242 (name) S x 1 1 0 -1 4 1 2 3 4 150 50 30 20 20"} {
		if got, err := parseProcess(malformed); err == nil {
			t.Errorf("%q: %+v", malformed, got)
		}
	}
}

func TestParseBusy(t *testing.T) {
	const stat = "cpu  100 10 50 9000 700 5 15 20 3 4\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
	if got, err := parseBusy(stat); got != 2*time.Second || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, malformed := range []string{"", "cpu 1 2 3", "cpu 1 2 3 4 5 6 7 x 9 10", "intr 1 2 3 4 5 6 7 8 9 10"} {
		if got, err := parseBusy(malformed); err == nil {
			t.Errorf("%q: %v", malformed, got)
		}
	}
}

func TestParseField(t *testing.T) {
	const status = "Name:\tbridge\nVmRSS:\t   20480 kB\nRssAnon:\t    7100 kB\nThreads:\t9\n"
	for name, want := range map[string]int{"RssAnon:": 7100, "Threads:": 9, "Name:": 0, "Anon:": 0} {
		if got := parseField(status, name); got != want {
			t.Errorf("%s: %d instead of %d", name, got, want)
		}
	}
}

// TestTree: the CPU time of a process includes all descendants, those that exited as
// well, and no other process.
func TestTree(t *testing.T) {
	all := map[int]process{
		1: {pid: 1, own: time.Hour},
		2: {pid: 2, parent: 1, own: 1 * time.Second, children: 2 * time.Second},
		3: {pid: 3, parent: 2, own: 4 * time.Second},
		4: {pid: 4, parent: 3, own: 8 * time.Second},
		5: {pid: 5, parent: 1, own: time.Minute},
	}
	if got := tree(all, 2); got != 15*time.Second {
		t.Error(got)
	}
	if got := tree(all, 6); got != 0 {
		t.Errorf("of no process: %v", got)
	}
}

// TestNamed: a server counts once, with the sessions that are its children, and those
// that have ended.
func TestNamed(t *testing.T) {
	all := map[int]process{
		1: {pid: 1, name: "init", own: time.Hour},
		2: {pid: 2, parent: 1, name: "postgres", own: 1 * time.Second, children: 2 * time.Second},
		3: {pid: 3, parent: 2, name: "postgres", own: 4 * time.Second},
		4: {pid: 4, parent: 1, name: "postgres", own: 8 * time.Second},
		5: {pid: 5, parent: 1, name: "psql", own: time.Minute},
	}
	if got := named(all, "postgres"); got != 15*time.Second {
		t.Error(got)
	}
}

// TestProcesses: the kernel that runs this test writes what is parsed.
func TestProcesses(t *testing.T) {
	all, err := processes()
	if err != nil {
		t.Fatal(err)
	}
	if got := all[os.Getpid()]; got.parent != os.Getppid() {
		t.Errorf("%+v, child of %d", got, os.Getppid())
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	if busy, err := parseBusy(string(text)); busy <= 0 || err != nil {
		t.Errorf("%v, %v", busy, err)
	}
}
