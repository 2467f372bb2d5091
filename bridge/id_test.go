package bridge

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestIDs: ids are UUIDs of version 7 in the order of the clock that processes share,
// and in the order of creation within one of them.
func TestIDs(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	var one, other ids
	first := one.at(uuid.Must(uuid.NewV7()), at)
	if first.Version() != 7 || first.Variant() != uuid.RFC4122 {
		t.Errorf("%s has version %d, variant %s", first, first.Version(), first.Variant())
	}
	if sec, nsec := first.Time().UnixTime(); sec != at.Unix() || nsec/1_000_000 != 678 {
		t.Errorf("%s has the time %d.%09d", first, sec, nsec)
	}
	latest := first
	for i := range 9000 { // more than fit into a millisecond
		next := one.at(uuid.Must(uuid.NewV7()), at.Add(-time.Duration(i%2)*time.Second))
		if bytes.Compare(next[:], latest[:]) <= 0 || next.Version() != 7 {
			t.Fatalf("%s after %s", next, latest)
		}
		latest = next
	}
	later := other.at(uuid.Must(uuid.NewV7()), at.Add(10*time.Millisecond))
	if bytes.Compare(later[:], first[:]) <= 0 || bytes.Compare(later[:], latest[:]) <= 0 {
		t.Errorf("another process made %s after %s", later, latest)
	}
}
