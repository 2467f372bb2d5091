package boltstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReservation checks that a file can double before a writer has to wait for
// readers.
func TestReservation(t *testing.T) {
	for size, want := range map[int64]int64{0: mapSize, mapSize + pageSize: 2 * (mapSize + pageSize)} {
		path, err := filepath.EvalSymlinks(storeFile(t))
		if err != nil {
			t.Fatal(err)
		}
		if size > 0 {
			if err := os.Truncate(path, size); err != nil { // sparse
				t.Fatal(err)
			}
		}
		s := open(t, path)
		if got := mapped(t, path); got < want {
			t.Errorf("a file of %d bytes has %d bytes of address space, want %d", size, got, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// mapped returns how much address space of this process is mapped to a file.
func mapped(t *testing.T, path string) (size int64) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		if strings.HasSuffix(strings.TrimSpace(line), path) {
			if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
				t.Fatal(err)
			}
			size += to - from
		}
	}
	return size
}
