package bridge_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// counterSum adds up the counters of all commits.
type counterSum struct {
	mu    sync.Mutex
	total bridge.Counters
}

func (l *counterSum) add(t bridge.Counters) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total.Created += t.Created
	l.total.Sent += t.Sent
	l.total.Opened += t.Opened
	l.total.Accepted = append(l.total.Accepted, t.Accepted...)
	l.total.Expired += t.Expired
	l.total.Revoked += t.Revoked
	l.total.GivenUp += t.GivenUp
}

func (l *counterSum) expect(t *testing.T, want bridge.Counters) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if diff := cmp.Diff(want, l.total, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// TestCounters covers each way to change an invitation. Every change is counted
// once. Calls that change nothing, and changes that were not committed, are not
// counted.
func TestCounters(t *testing.T) {
	day := bridge.InviteRequest{Email: email, ExpiresIn: 24 * time.Hour}
	for name, c := range map[string]struct {
		calls func(t *testing.T, w *bridgetest.Harness)
		want  bridge.Counters
	}{
		"invited twice, previewed and accepted": {func(t *testing.T, w *bridgetest.Harness) {
			first := invite(t, w, day)
			invite(t, w, day)
			for range 2 {
				if _, err := w.Service.Preview(t.Context(), first.Token.Reveal()); err != nil {
					t.Fatal(err)
				}
			}
			_, err := w.Service.Preview(t.Context(), "no-token")
			refused(t, err, bridge.ErrNotFound)
			w.Clock.Advance(3 * time.Hour)
			accept(t, w, first, password)
			_, err = w.Service.Preview(t.Context(), first.Token.Reveal())
			refused(t, err, bridge.ErrAccepted)
		}, bridge.Counters{Created: 1, Opened: 2, Accepted: []time.Duration{3 * time.Hour}}},
		"revoked twice": {func(t *testing.T, w *bridgetest.Harness) {
			offer := invite(t, w, day)
			for range 2 {
				if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
					t.Fatal(err)
				}
			}
		}, bridge.Counters{Created: 1, Revoked: 1}},
		"expired by the sweep, then purged": {func(t *testing.T, w *bridgetest.Harness) {
			for i := range 150 { // more than one batch of a sweep
				invite(t, w, bridge.InviteRequest{Email: string(rune('a'+i%26)) + string(rune('a'+i/26)) + email})
			}
			w.Clock.Advance(24 * time.Hour)
			sweep(t, w)
			sweep(t, w)
			w.Clock.Advance(2000 * time.Hour)
			sweep(t, w)
		}, bridge.Counters{Created: 150, Expired: 150}},
		"expired before the sweep: invited again": {func(t *testing.T, w *bridgetest.Harness) {
			invite(t, w, day)
			w.Clock.Advance(24 * time.Hour)
			invite(t, w, day)
		}, bridge.Counters{Created: 2, Expired: 1}},
		"expired before the sweep: revived": {func(t *testing.T, w *bridgetest.Harness) {
			offer := invite(t, w, day)
			w.Clock.Advance(24 * time.Hour)
			if _, err := w.Service.Resend(t.Context(), offer.Invitation.ID); err != nil {
				t.Fatal(err)
			}
		}, bridge.Counters{Created: 1, Expired: 1}},
		"closed because the identity is gone": {func(t *testing.T, w *bridgetest.Harness) {
			offer := invite(t, w, day)
			w.Kratos.Remove(offer.Invitation.IdentityID)
			_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrRevoked)
		}, bridge.Counters{Created: 1, Revoked: 1}},
		"accepted, found by the sweep": {func(t *testing.T, w *bridgetest.Harness) {
			offer := invite(t, w, day)
			w.Clock.Advance(time.Hour)
			restore := w.Kratos.OnPut(bridgetest.CutAfter)
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			refused(t, err, bridge.ErrKratosUnavailable)
			restore()
			w.Clock.Advance(time.Hour)
			sweep(t, w)
			sweep(t, w)
		}, bridge.Counters{Created: 1, Accepted: []time.Duration{time.Hour}}},
		"commits that fail": {func(t *testing.T, w *bridgetest.Harness) {
			offer := invite(t, w, day)
			w.Store.FailCommits(errors.New("no space left"))
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "bob@example.com"})
			refused(t, err, bridge.ErrStoreUnavailable)
			_, err = w.Service.Revoke(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrStoreUnavailable)
		}, bridge.Counters{Created: 1}},
		"emails: one sent, one given up, and again": {func(t *testing.T, w *bridgetest.Harness) {
			for i, outcome := range []bridge.AttemptOutcome{bridge.AttemptSent, bridge.AttemptFailed, bridge.AttemptRetry} {
				invite(t, w, bridge.InviteRequest{Email: string(rune('a'+i)) + email})
				attempt(t, w, bridge.EndpointCourier, outcome)
			}
			failed, _, err := w.Service.Messages(t.Context(), bridge.MessageQuery{State: bridge.MessageFailed, Limit: 10})
			if err != nil || len(failed) != 1 {
				t.Fatalf("%d failed, %v", len(failed), err)
			}
			if _, err := w.Service.RetryMessage(t.Context(), failed[0].ID); err != nil {
				t.Fatal(err)
			}
			attempt(t, w, bridge.EndpointCourier, bridge.AttemptFailed)
		}, bridge.Counters{Created: 3, Sent: 1, GivenUp: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			var l counterSum
			w := bridgetest.New(t, func(c *bridge.Config) { c.OnCounted = l.add })
			c.calls(t, w)
			l.expect(t, c.want)
		})
	}
}

// attempt claims the one message due at an endpoint and finishes it with an
// outcome.
func attempt(t *testing.T, w *bridgetest.Harness, endpoint string, outcome bridge.AttemptOutcome) {
	t.Helper()
	claimed, _, err := w.Service.ClaimMessages(t.Context(), endpoint, 10, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d claimed, %v", len(claimed), err)
	}
	for _, c := range claimed {
		if err := w.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: outcome}}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCountersUnderRace: functions run more than once when many commit
// together, and some of them fail. Each winner is counted once.
func TestCountersUnderRace(t *testing.T) {
	var l counterSum
	w := bridgetest.New(t, func(c *bridge.Config) { c.OnCounted = l.add })
	w.Store.Store = runsTwice{w.Store.Store}
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = w.Service.Accept(t.Context(), offer.Token.Reveal(), password) })
	}
	wg.Wait()
	l.expect(t, bridge.Counters{Created: 1, Accepted: []time.Duration{0}})
}

// runsTwice runs each function an additional time in an update that fails.
type runsTwice struct{ bridge.Store }

var errFirstRun = errors.New("the first run fails")

func (s runsTwice) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	_ = s.Store.Update(ctx, func(tx bridge.Tx) error { return errors.Join(fn(tx), errFirstRun) })
	return s.Store.Update(ctx, fn)
}

func TestBacklog(t *testing.T) {
	w := bridgetest.New(t)
	expect := func(want bridge.Backlog, wantAge time.Duration) {
		t.Helper()
		got, age, err := w.Service.Backlog(t.Context())
		if got != want || age != wantAge || err != nil {
			t.Errorf("got %+v, %s, %v; want %+v, %s", got, age, err, want, wantAge)
		}
	}
	expect(bridge.Backlog{}, 0)
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	w.Clock.Advance(time.Hour)
	expect(bridge.Backlog{Pending: 1, Queued: 2, Oldest: offer.Invitation.CreatedAt}, time.Hour)
	attempt(t, w, bridge.EndpointCourier, bridge.AttemptSent)
	attempt(t, w, bridgetest.Hook, bridge.AttemptSent)
	expect(bridge.Backlog{Pending: 1}, 0)
	accept(t, w, offer, password)
	expect(bridge.Backlog{Queued: 1, Oldest: w.Clock.Now()}, 0)
}
