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
)

func TestCollect(t *testing.T) {
	away := errors.New("away")
	three := func(context.Context) (bridge.Backlog, time.Duration, error) {
		return bridge.Backlog{Pending: 3, Queued: 2}, 90 * time.Second, nil
	}
	size := func() (int64, error) { return 4096, nil }
	for name, c := range map[string]struct {
		backlog func(context.Context) (bridge.Backlog, time.Duration, error)
		size    func() (int64, error)
		seen    bool
	}{
		"all well":         {three, size, true},
		"the store fails":  {func(context.Context) (bridge.Backlog, time.Duration, error) { return bridge.Backlog{}, 0, away }, size, false},
		"the file is gone": {three, func() (int64, error) { return 0, away }, false},
		"the store panics": {func(context.Context) (bridge.Backlog, time.Duration, error) { panic("a page that makes no sense") }, size, false},
		"the store waits": {func(ctx context.Context) (bridge.Backlog, time.Duration, error) {
			<-ctx.Done()
			return bridge.Backlog{}, 0, ctx.Err()
		}, size, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := New("v1")
			m.registry.MustRegister(newLooker(c.backlog, c.size, 50*time.Millisecond))
			m.Count(bridge.Tally{Created: 1})
			want := `
				# HELP invitebridge_invitations_created_total Invitations that were created. Inviting somebody again, or a resend, is not counted.
				# TYPE invitebridge_invitations_created_total counter
				invitebridge_invitations_created_total 1
				# HELP invitebridge_store_readable 1 if this scrape could read the store, else 0: then what it knows is missing.
				# TYPE invitebridge_store_readable gauge
				invitebridge_store_readable 0
			`
			if c.seen {
				want = strings.Replace(want, "store_readable 0", "store_readable 1", 1) + `
				# HELP invitebridge_invitations_pending Invitations that can be accepted, and those that have run out but were not swept yet.
				# TYPE invitebridge_invitations_pending gauge
				invitebridge_invitations_pending 3
				# HELP invitebridge_outbox_messages Messages that wait to be delivered, those being attempted included.
				# TYPE invitebridge_outbox_messages gauge
				invitebridge_outbox_messages 2
				# HELP invitebridge_outbox_oldest_age_seconds Time since the event of the oldest message that waits; 0 if none does.
				# TYPE invitebridge_outbox_oldest_age_seconds gauge
				invitebridge_outbox_oldest_age_seconds 90
				# HELP invitebridge_store_size_bytes Size of the store's file. It does not shrink: what is freed in it is used again.
				# TYPE invitebridge_store_size_bytes gauge
				invitebridge_store_size_bytes 4096
				`
			}
			err := testutil.GatherAndCompare(m.registry, strings.NewReader(want),
				"invitebridge_invitations_created_total", "invitebridge_store_readable", "invitebridge_invitations_pending",
				"invitebridge_outbox_messages", "invitebridge_outbox_oldest_age_seconds", "invitebridge_store_size_bytes")
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCollectStuck: a store that does not come back costs each scrape its
// time-out, and one goroutine in all.
func TestCollectStuck(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{}, 10)
	l := newLooker(func(context.Context) (bridge.Backlog, time.Duration, error) {
		begun <- struct{}{}
		<-release
		return bridge.Backlog{Pending: 7}, 0, nil
	}, func() (int64, error) { return 1, nil }, 20*time.Millisecond)
	registry := prometheus.NewRegistry()
	registry.MustRegister(l)
	for range 3 {
		if n, err := testutil.GatherAndCount(registry); n != 1 || err != nil {
			t.Errorf("%d series, %v", n, err)
		}
	}
	if len(begun) != 1 {
		t.Errorf("%d looks were begun", len(begun))
	}
	close(release)
	l.looking <- struct{}{} // the first has ended
	<-l.looking
	l.timeout = time.Minute
	if n, err := testutil.GatherAndCount(registry); n != 5 || err != nil {
		t.Errorf("later: %d series, %v", n, err)
	}
}
