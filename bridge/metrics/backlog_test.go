package metrics

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"invitebridge/bridge"
	"invitebridge/bridge/testenv"
)

func TestCollect(t *testing.T) {
	failed := errors.New("failed")
	three := func(context.Context) (bridge.Backlog, time.Duration, error) {
		return bridge.Backlog{Pending: 3, Queued: 2}, 90 * time.Second, nil
	}
	size := func() (int64, int64, error) { return 4096, 1024, nil }
	for name, c := range map[string]struct {
		backlog func(context.Context) (bridge.Backlog, time.Duration, error)
		size    func() (int64, int64, error)
		seen    bool
	}{
		"success":          {three, size, true},
		"the store fails":  {func(context.Context) (bridge.Backlog, time.Duration, error) { return bridge.Backlog{}, 0, failed }, size, false},
		"the file is gone": {three, func() (int64, int64, error) { return 0, 0, failed }, false},
		"the store panics": {func(context.Context) (bridge.Backlog, time.Duration, error) { panic("an invalid page") }, size, false},
		"the store hangs": {func(ctx context.Context) (bridge.Backlog, time.Duration, error) {
			<-ctx.Done()
			return bridge.Backlog{}, 0, ctx.Err()
		}, size, false},
		"no file": {three, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, limit := New("v1"), testenv.Limit
			if name == "the store hangs" {
				limit = 50 * time.Millisecond
			}
			m.registry.MustRegister(newStoreCollector(c.backlog, c.size, limit))
			m.Count(bridge.Counters{Created: 1})
			want := `
				# HELP invitebridge_invitations_created_total Invitations created. Inviting the same address again and resending are not counted.
				# TYPE invitebridge_invitations_created_total counter
				invitebridge_invitations_created_total 1
				# HELP invitebridge_store_readable 1 if this scrape could read the store. If 0, the metrics from the store are missing.
				# TYPE invitebridge_store_readable gauge
				invitebridge_store_readable 0
			`
			if c.seen {
				want = strings.Replace(want, "store_readable 0", "store_readable 1", 1) + `
				# HELP invitebridge_invitations_pending Pending invitations, including expired ones that no sweep has closed yet.
				# TYPE invitebridge_invitations_pending gauge
				invitebridge_invitations_pending 3
				# HELP invitebridge_outbox_messages Messages waiting for delivery, including those being attempted.
				# TYPE invitebridge_outbox_messages gauge
				invitebridge_outbox_messages 2
				# HELP invitebridge_outbox_oldest_age_seconds Time since the event of the oldest waiting message; 0 if there is none.
				# TYPE invitebridge_outbox_oldest_age_seconds gauge
				invitebridge_outbox_oldest_age_seconds 90
				`
			}
			if c.seen && c.size != nil {
				want += `
				# HELP invitebridge_store_size_bytes Size of the store file. It never shrinks; freed pages are reused.
				# TYPE invitebridge_store_size_bytes gauge
				invitebridge_store_size_bytes 4096
				# HELP invitebridge_store_free_bytes Free space in the store file. Each commit writes the list of free pages: much of it makes commits slow.
				# TYPE invitebridge_store_free_bytes gauge
				invitebridge_store_free_bytes 1024
				`
			}
			err := testutil.GatherAndCompare(m.registry, strings.NewReader(want),
				"invitebridge_invitations_created_total", "invitebridge_store_readable", "invitebridge_invitations_pending",
				"invitebridge_outbox_messages", "invitebridge_outbox_oldest_age_seconds", "invitebridge_store_size_bytes", "invitebridge_store_free_bytes")
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCollectStuck: a store that does not return costs each scrape its timeout,
// and one goroutine in total.
func TestCollectStuck(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{}, 10)
	l := newStoreCollector(func(context.Context) (bridge.Backlog, time.Duration, error) {
		begun <- struct{}{}
		<-release
		return bridge.Backlog{Pending: 7}, 0, nil
	}, func() (int64, int64, error) { return 1, 1, nil }, 20*time.Millisecond)
	registry := prometheus.NewRegistry()
	registry.MustRegister(l)
	for range 3 {
		if n, err := testutil.GatherAndCount(registry); n != 1 || err != nil {
			t.Errorf("%d series, %v", n, err)
		}
	}
	testenv.Receive(t, "the first read begins", begun)
	if len(begun) != 0 {
		t.Errorf("%d more reads began", len(begun))
	}
	close(release)
	l.reading <- struct{}{} // the first read has ended
	<-l.reading
	l.timeout = testenv.Limit
	if n, err := testutil.GatherAndCount(registry); n != 8 || err != nil {
		t.Errorf("later: %d series, %v", n, err)
	}
}
