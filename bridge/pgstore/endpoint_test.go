package pgstore

import (
	"testing"
	"time"

	"invitebridge/bridge"

	"github.com/google/go-cmp/cmp"
)

// TestEndpoints: an endpoint is disabled with its settings, for all stores, by the
// first attempt that finds it so. It is enabled whatever its settings. After that, no
// attempt that began before disables it, but one that began later does.
func TestEndpoints(t *testing.T) {
	dsn := newDatabase(t)
	one, other := open(t, dsn), open(t, dsn)
	before := one.Now().Truncate(time.Microsecond).Add(-time.Minute)
	at := func(settings byte, minutes time.Duration) bridge.DisabledEndpoint {
		return bridge.DisabledEndpoint{ID: "crm", Settings: [32]byte{settings}, At: before.Add(minutes * time.Minute)}
	}
	disable := func(s *Store, list ...bridge.DisabledEndpoint) {
		t.Helper()
		for _, e := range list {
			if err := s.DisableEndpoint(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(what string, list ...bridge.DisabledEndpoint) {
		t.Helper()
		for _, s := range []*Store{one, other} {
			got, err := s.DisabledEndpoints(t.Context())
			if diff := cmp.Diff(list, got); diff != "" || err != nil {
				t.Errorf("%s (%v, -want +got):\n%s", what, err, diff)
			}
		}
	}
	enable := func() {
		t.Helper()
		if err := one.EnableEndpoint(t.Context(), "crm"); err != nil {
			t.Fatal(err)
		}
	}
	want("at first")
	chat := bridge.DisabledEndpoint{ID: "chat", Settings: [32]byte{1}, At: before}
	disable(one, at(1, 0), at(2, -1), at(1, -2), chat)
	want("disabled", chat, at(1, 0), at(2, -1))
	for range 2 {
		enable()
		want("enabled", chat)
		disable(other, at(1, -1), at(1, 0), at(3, 0))
		want("attempts that began before", chat)
		disable(other, at(1, 9), at(1, 10))
		want("attempts that began later", chat, at(1, 9))
		before = before.Add(time.Hour)
		disable(one, at(2, 0))
		one.clock.notBefore(before.Add(time.Minute))
	}
}
