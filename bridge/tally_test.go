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

// ledger adds up what was counted.
type ledger struct {
	mu    sync.Mutex
	total bridge.Tally
}

func (l *ledger) count(t bridge.Tally) {
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

func (l *ledger) expect(t *testing.T, want bridge.Tally) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if diff := cmp.Diff(want, l.total, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
}

// TestTally walks every way to a change. Each is counted once; no change, and no
// change that was not kept, is counted.
func TestTally(t *testing.T) {
	day := bridge.InviteRequest{Email: email, ExpiresIn: 24 * time.Hour}
	for name, c := range map[string]struct {
		walk func(t *testing.T, w *bridgetest.World)
		want bridge.Tally
	}{
		"invited twice, looked at and accepted": {func(t *testing.T, w *bridgetest.World) {
			first := invite(t, w, day)
			invite(t, w, day)
			for range 2 {
				if _, err := w.Service.Look(t.Context(), first.Token.Reveal()); err != nil {
					t.Fatal(err)
				}
			}
			_, err := w.Service.Look(t.Context(), "no-token")
			refused(t, err, bridge.ErrNotFound)
			w.Clock.Advance(3 * time.Hour)
			accept(t, w, first, password)
			_, err = w.Service.Look(t.Context(), first.Token.Reveal())
			refused(t, err, bridge.ErrAccepted)
		}, bridge.Tally{Created: 1, Opened: 2, Accepted: []time.Duration{3 * time.Hour}}},
		"revoked twice": {func(t *testing.T, w *bridgetest.World) {
			offer := invite(t, w, day)
			for range 2 {
				if _, err := w.Service.Revoke(t.Context(), offer.Invitation.ID); err != nil {
					t.Fatal(err)
				}
			}
		}, bridge.Tally{Created: 1, Revoked: 1}},
		"expired by the sweep, then purged": {func(t *testing.T, w *bridgetest.World) {
			for i := range 150 { // more than one step of a sweep
				invite(t, w, bridge.InviteRequest{Email: string(rune('a'+i%26)) + string(rune('a'+i/26)) + email})
			}
			w.Clock.Advance(24 * time.Hour)
			sweep(t, w)
			sweep(t, w)
			w.Clock.Advance(2000 * time.Hour)
			sweep(t, w)
		}, bridge.Tally{Created: 150, Expired: 150}},
		"expired unswept: invited anew": {func(t *testing.T, w *bridgetest.World) {
			invite(t, w, day)
			w.Clock.Advance(24 * time.Hour)
			invite(t, w, day)
		}, bridge.Tally{Created: 2, Expired: 1}},
		"expired unswept: revived": {func(t *testing.T, w *bridgetest.World) {
			offer := invite(t, w, day)
			w.Clock.Advance(24 * time.Hour)
			if _, err := w.Service.Resend(t.Context(), offer.Invitation.ID); err != nil {
				t.Fatal(err)
			}
		}, bridge.Tally{Created: 1, Expired: 1}},
		"closed, for the identity is gone": {func(t *testing.T, w *bridgetest.World) {
			offer := invite(t, w, day)
			w.Kratos.Remove(offer.Invitation.IdentityID)
			_, err := w.Service.Resend(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrRevoked)
		}, bridge.Tally{Created: 1, Revoked: 1}},
		"accepted, as the sweep finds out": {func(t *testing.T, w *bridgetest.World) {
			offer := invite(t, w, day)
			w.Clock.Advance(time.Hour)
			mend := w.Kratos.OnPut(bridgetest.CutAfter)
			_, err := w.Service.Accept(t.Context(), offer.Token.Reveal(), password)
			refused(t, err, bridge.ErrKratosAway)
			mend()
			w.Clock.Advance(time.Hour)
			sweep(t, w)
			sweep(t, w)
		}, bridge.Tally{Created: 1, Accepted: []time.Duration{time.Hour}}},
		"commits that fail": {func(t *testing.T, w *bridgetest.World) {
			offer := invite(t, w, day)
			w.Store.FailCommits(errors.New("no space left"))
			_, err := w.Service.Invite(t.Context(), bridge.InviteRequest{Email: "bob@example.com"})
			refused(t, err, bridge.ErrStoreAway)
			_, err = w.Service.Revoke(t.Context(), offer.Invitation.ID)
			refused(t, err, bridge.ErrStoreAway)
		}, bridge.Tally{Created: 1}},
		"letters: one sent, one given up, and again": {func(t *testing.T, w *bridgetest.World) {
			for i, outcome := range []bridge.SendOutcome{bridge.Sent, bridge.Failed, bridge.Retry} {
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
			attempt(t, w, bridge.EndpointCourier, bridge.Failed)
		}, bridge.Tally{Created: 3, Sent: 1, GivenUp: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			var l ledger
			w := bridgetest.New(t, func(c *bridge.Config) { c.Count = l.count })
			c.walk(t, w)
			l.expect(t, c.want)
		})
	}
}

func sweep(t *testing.T, w *bridgetest.World) {
	t.Helper()
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// attempt ends what is due at an endpoint with an outcome.
func attempt(t *testing.T, w *bridgetest.World, endpoint string, outcome bridge.SendOutcome) {
	t.Helper()
	claimed, _, err := w.Service.ClaimMessages(t.Context(), endpoint, 10, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%d claimed, %v", len(claimed), err)
	}
	for _, c := range claimed {
		if err := w.Service.FinishMessage(t.Context(), c, bridge.Result{Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTallyOfARace: functions run more than once where many commit together, and
// some of them fail; the winners are counted once.
func TestTallyOfARace(t *testing.T) {
	var l ledger
	w := bridgetest.New(t, func(c *bridge.Config) { c.Count = l.count })
	w.Store.Store = twice{w.Store.Store}
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = w.Service.Accept(t.Context(), offer.Token.Reveal(), password) })
	}
	wg.Wait()
	l.expect(t, bridge.Tally{Created: 1, Accepted: []time.Duration{0}})
}

// twice runs each function once in vain.
type twice struct{ bridge.Store }

var errInVain = errors.New("in vain")

func (s twice) Update(ctx context.Context, fn func(bridge.Tx) error) error {
	_ = s.Store.Update(ctx, func(tx bridge.Tx) error { return errors.Join(fn(tx), errInVain) })
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
	attempt(t, w, bridge.EndpointCourier, bridge.Sent)
	attempt(t, w, bridgetest.Hook, bridge.Sent)
	expect(bridge.Backlog{Pending: 1}, 0)
	accept(t, w, offer, password)
	expect(bridge.Backlog{Queued: 1, Oldest: w.Clock.Now()}, 0)
}
