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
		ID: uuid.New(), Endpoint: "crm", State: bridge.MessageQueued, CreatedAt: createdAt, UpdatedAt: createdAt, DueAt: createdAt, Since: createdAt,
	}
}

// fail makes one attempt fail a second after it was due.
func fail(m bridge.Message, r bridge.SendResult, deadline time.Time, random float64) bridge.Message {
	begun := m.DueAt
	return m.BeginAttempt(uuid.New(), begun, time.Minute).Finish(bridge.FinishedMessage{Claimed: bridge.ClaimedMessage{Dispatch: bridge.Dispatch{At: begun}}, Result: r, Took: time.Second}, begun.Add(time.Second), deadline, random)
}

// TestSchedule: for every random factor, ten attempts span between 74 and 76
// hours, and no wait is further off its nominal length than a fifth of it and
// of the one before.
func TestSchedule(t *testing.T) {
	waits := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	for _, random := range []func(int) float64{
		func(int) float64 { return 0 }, func(int) float64 { return 0.5 }, func(int) float64 { return 1 },
		func(i int) float64 { return float64(i % 2) },
	} {
		m := queued()
		for i, wait := range waits {
			before := m.DueAt
			m = fail(m, bridge.SendResult{Outcome: bridge.AttemptRetry}, time.Time{}, random(i))
			got, spread := m.DueAt.Sub(before), wait/5
			if i > 0 {
				spread += waits[i-1] / 5
			}
			if got < wait-spread-2*time.Second || got > wait+spread+2*time.Second {
				t.Errorf("wait %d is %s, nominally %s", i+1, got, wait)
			}
		}
		if span := m.DueAt.Sub(createdAt); span <= 74*time.Hour || span >= 76*time.Hour {
			t.Errorf("the last attempt comes after %s", span)
		}
		if m = fail(m, bridge.SendResult{Outcome: bridge.AttemptRetry}, time.Time{}, 0.5); m.State != bridge.MessageFailed || len(m.Attempts) != 10 {
			t.Errorf("after %d attempts it is %s", len(m.Attempts), m.State)
		}
	}
}

func TestScheduleWaitsForTheReceiver(t *testing.T) {
	for retryAfter, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Hour: time.Hour + time.Second, 1000 * time.Hour: 24*time.Hour + time.Second} {
		m := fail(queued(), bridge.SendResult{Outcome: bridge.AttemptRetry, RetryAfter: retryAfter}, time.Time{}, 0.5)
		if got := m.DueAt.Sub(createdAt); got != want {
			t.Errorf("Retry-After %s: waits %s", retryAfter, got)
		}
	}
}

// TestScheduleWithLateWorker: a process that was down for a day does not make
// the attempts of that day all at once.
func TestScheduleWithLateWorker(t *testing.T) {
	m := fail(queued(), bridge.SendResult{Outcome: bridge.AttemptRetry}, time.Time{}, 0.5)
	m.DueAt = createdAt.Add(24 * time.Hour) // when the process is back
	m = fail(m, bridge.SendResult{Outcome: bridge.AttemptRetry}, time.Time{}, 0.5)
	if got := m.DueAt.Sub(createdAt.Add(24 * time.Hour)); got < 5*time.Minute || got > 5*time.Minute+5*time.Second {
		t.Errorf("the next attempt comes %s later", got)
	}
}

// TestScheduleBeforeADeadline: a receiver that comes back shortly before the
// deadline still gets an attempt in time.
func TestScheduleBeforeADeadline(t *testing.T) {
	const lifespan = 24 * time.Hour
	deadline := createdAt.Add(lifespan)
	for _, outage := range []time.Duration{10 * time.Second, time.Hour, 12 * time.Hour, 23 * time.Hour, lifespan - 2*time.Minute, lifespan - 30*time.Second} {
		m := queued()
		for tries := 0; m.DueAt.Before(createdAt.Add(outage)); tries++ {
			if m = fail(m, bridge.SendResult{Outcome: bridge.AttemptRetry}, deadline, 1); m.State != bridge.MessageQueued || tries > 40 {
				t.Fatalf("outage of %s: %s after %d tries", outage, m.State, tries)
			}
		}
		if !m.DueAt.Before(deadline) {
			t.Errorf("outage of %s: the next attempt is at the deadline or after", outage)
		}
	}
	m := queued()
	for range 100 {
		if m = fail(m, bridge.SendResult{Outcome: bridge.AttemptRetry}, deadline, 0.5); m.State != bridge.MessageQueued {
			break
		}
	}
	if m.State != bridge.MessageFailed || len(m.Attempts) > 40 {
		t.Errorf("a receiver that never came back: %s after %d attempts", m.State, len(m.Attempts))
	}
}

func TestMessageRetry(t *testing.T) {
	sent := fail(queued(), bridge.SendResult{Outcome: bridge.AttemptSent}, time.Time{}, 0.5)
	failed := fail(queued(), bridge.SendResult{Outcome: bridge.AttemptFailed}, time.Time{}, 0.5)
	waiting := fail(queued(), bridge.SendResult{Outcome: bridge.AttemptRetry, RetryAfter: time.Hour}, time.Time{}, 0.5)
	now := createdAt.Add(time.Minute)
	if m, err := failed.Retry(now); err != nil || m.State != bridge.MessageQueued || m.DueAt != now || m.Tries != 0 || len(m.Attempts) != 1 {
		t.Errorf("failed: %+v, %v", m, err)
	}
	if m, err := waiting.Retry(now); err != nil || m.DueAt != now || m.Tries != 0 {
		t.Errorf("waiting: %+v, %v", m, err)
	}
	for _, m := range []bridge.Message{sent, queued().Drop(now)} {
		if _, err := m.Retry(now); !errors.Is(err, bridge.ErrMessageNotFailed) {
			t.Errorf("%s: %v", m.State, err)
		}
	}
}
