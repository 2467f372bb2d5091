package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"invitebridge/bridge/testenv"
)

var update = flag.Bool("update", false, "record the current allocations")

// hotPaths are the benchmarks whose allocations are recorded, by package.
var hotPaths = map[string]string{
	"bridge/boltstore": "^BenchmarkRows$",
	"bridge/httpapi":   ".",
	"bridge/mail":      ".",
	"bridge/metrics":   "^BenchmarkRecord$",
	"bridge/webhook":   ".",
	"kratos":           ".",
}

// allocationsFile has one line for each benchmark: its name and its allocations per
// operation.
const allocationsFile = "testdata/allocations.txt"

// TestAllocations compares the allocations of the hot paths with the recorded ones.
// They do not depend on the speed of the machine. More than a tenth above fails: an
// intended rise is recorded with -update, as is a fall, so that it lasts.
//
// The benchmarks run in programs of their own, because the race detector changes
// what allocates.
func TestAllocations(t *testing.T) {
	testenv.SkipIfShort(t, "the benchmarks of six packages")
	measured := make(map[string]int)
	for name, pattern := range hotPaths {
		maps.Copy(measured, allocations(t, name, pattern))
	}
	if *update {
		var text bytes.Buffer
		for _, name := range slices.Sorted(maps.Keys(measured)) {
			fmt.Fprintln(&text, name, measured[name])
		}
		if err := os.WriteFile(allocationsFile, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(allocationsFile)
	if err != nil {
		t.Fatal(err)
	}
	recorded := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		var name string
		var n int
		if _, err := fmt.Sscan(line, &name, &n); err != nil {
			t.Fatalf("%s: %q: %v", allocationsFile, line, err)
		}
		recorded[name] = n
	}
	if want, got := slices.Sorted(maps.Keys(recorded)), slices.Sorted(maps.Keys(measured)); !slices.Equal(got, want) {
		t.Errorf("the benchmarks are %q, recorded are %q; record them with -update", got, want)
	}
	for name, got := range measured {
		if got > recorded[name]+max(1, recorded[name]/10) {
			t.Errorf("%s: %d allocations per operation, recorded are %d", name, got, recorded[name])
		}
	}
}

var allocationsLine = regexp.MustCompile(`(?m)^(Benchmark\S+)-2\s.*\s(\d+) allocs/op$`)

// allocations returns the allocations per operation of a package's benchmarks. The
// number of operations is large and fixed: what is allocated once, such as
// connections, hardly counts, and always counts alike.
func allocations(t *testing.T, name, pattern string) map[string]int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "test", "-run", "^$", "-bench", pattern, "-benchtime", "2000x", "-benchmem", "-cpu", "2", "invitebridge/"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	found := make(map[string]int)
	for _, m := range allocationsLine.FindAllStringSubmatch(string(out), -1) {
		if found[name+"."+m[1]], err = strconv.Atoi(m[2]); err != nil {
			t.Fatal(err)
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s: no benchmark reports allocations:\n%s", name, out)
	}
	return found
}
