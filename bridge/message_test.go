package bridge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

func queued() bridge.Message {
	return bridge.Message{
		ID: uuid.New(), Endpoint: "crm", State: bridge.MessageQueued, CreatedAt: born, UpdatedAt: born, DueAt: born, Since: born,
	}
}

// fail has one attempt fail at the time it is due, and a second later.
func fail(m bridge.Message, r bridge.Result, deadline time.Time, luck float64) bridge.Message {
	begun := m.DueAt
	return m.Begin(uuid.New(), begun, time.Minute).Finish(r, begun, begun.Add(time.Second), deadline, luck)
}

// TestSchedule: whatever the luck, ten attempts bridge 74 hours and end within
// 76, and no wait is further off its nominal length than a fifth of it and of
// the one before.
func TestSchedule(t *testing.T) {
	waits := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	for _, luck := range []func(int) float64{
		func(int) float64 { return 0 }, func(int) float64 { return 0.5 }, func(int) float64 { return 1 },
		func(i int) float64 { return float64(i % 2) },
	} {
		m := queued()
		for i, wait := range waits {
			before := m.DueAt
			m = fail(m, bridge.Result{Outcome: bridge.Retry}, time.Time{}, luck(i))
			got, spread := m.DueAt.Sub(before), wait/5
			if i > 0 {
				spread += waits[i-1] / 5
			}
			if got < wait-spread-2*time.Second || got > wait+spread+2*time.Second {
				t.Errorf("wait %d is %s, nominally %s", i+1, got, wait)
			}
		}
		if span := m.DueAt.Sub(born); span <= 74*time.Hour || span >= 76*time.Hour {
			t.Errorf("the last attempt comes after %s", span)
		}
		if m = fail(m, bridge.Result{Outcome: bridge.Retry}, time.Time{}, 0.5); m.State != bridge.MessageFailed || len(m.Attempts) != 10 {
			t.Errorf("after %d attempts it is %s", len(m.Attempts), m.State)
		}
	}
}

func TestScheduleWaitsForTheReceiver(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Hour: time.Hour + time.Second, 1000 * time.Hour: 24*time.Hour + time.Second} {
		m := fail(queued(), bridge.Result{Outcome: bridge.Retry, RetryAfter: asked}, time.Time{}, 0.5)
		if got := m.DueAt.Sub(born); got != want {
			t.Errorf("asked for %s, it waits %s", asked, got)
		}
	}
}

// TestScheduleMovesWithALateWorker: a process that was down for a day does not
// burn the attempts of that day all at once.
func TestScheduleMovesWithALateWorker(t *testing.T) {
	m := fail(queued(), bridge.Result{Outcome: bridge.Retry}, time.Time{}, 0.5)
	m.DueAt = born.Add(24 * time.Hour) // when somebody is there again
	m = fail(m, bridge.Result{Outcome: bridge.Retry}, time.Time{}, 0.5)
	if got := m.DueAt.Sub(born.Add(24 * time.Hour)); got < 5*time.Minute || got > 5*time.Minute+5*time.Second {
		t.Errorf("the next attempt comes %s later", got)
	}
}

// TestScheduleBeforeADeadline: a receiver that is back for the last stretch
// before the deadline, however short, is found in it.
func TestScheduleBeforeADeadline(t *testing.T) {
	const life = 24 * time.Hour
	deadline := born.Add(life)
	for _, outage := range []time.Duration{10 * time.Second, time.Hour, 12 * time.Hour, 23 * time.Hour, life - 2*time.Minute, life - 30*time.Second} {
		m := queued()
		for tries := 0; m.DueAt.Before(born.Add(outage)); tries++ {
			if m = fail(m, bridge.Result{Outcome: bridge.Retry}, deadline, 1); m.State != bridge.MessageQueued || tries > 40 {
				t.Fatalf("outage of %s: %s after %d tries", outage, m.State, tries)
			}
		}
		if !m.DueAt.Before(deadline) {
			t.Errorf("outage of %s: the next attempt is at the deadline or after", outage)
		}
	}
	m := queued()
	for range 100 {
		if m = fail(m, bridge.Result{Outcome: bridge.Retry}, deadline, 0.5); m.State != bridge.MessageQueued {
			break
		}
	}
	if m.State != bridge.MessageFailed || len(m.Attempts) > 40 {
		t.Errorf("a receiver that never came back: %s after %d attempts", m.State, len(m.Attempts))
	}
}

func TestMessageRetry(t *testing.T) {
	sent := fail(queued(), bridge.Result{Outcome: bridge.Sent}, time.Time{}, 0.5)
	failed := fail(queued(), bridge.Result{Outcome: bridge.Failed}, time.Time{}, 0.5)
	waiting := fail(queued(), bridge.Result{Outcome: bridge.Retry, RetryAfter: time.Hour}, time.Time{}, 0.5)
	now := born.Add(time.Minute)
	if m, err := failed.Retry(now); err != nil || m.State != bridge.MessageQueued || m.DueAt != now || m.Tries != 0 || len(m.Attempts) != 1 {
		t.Errorf("failed: %+v, %v", m, err)
	}
	if m, err := waiting.Retry(now); err != nil || m.DueAt != now || m.Tries != 0 {
		t.Errorf("waiting: %+v, %v", m, err)
	}
	for _, m := range []bridge.Message{sent, queued().Drop(now)} {
		if _, err := m.Retry(now); !errors.Is(err, bridge.ErrMessageEnded) {
			t.Errorf("%s: %v", m.State, err)
		}
	}
}
