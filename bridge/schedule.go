package bridge

import (
	"time"
)

// schedule lists the waits after each failed attempt. The first attempt is
// immediate; ten attempts span 75 h 35 min. Jitter applies around these planned
// times and does not accumulate, so the schedule always outlasts an outage of
// 74 h.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// scheduleRetry sets the time of the next attempt, or marks the message failed.
func (m *Message) scheduleRetry(r SendResult, now, deadline time.Time, random float64) {
	next, ok := m.nextAttempt(now, random)
	asked := now.Add(min(r.RetryAfter, maxRetryAfter))
	if deadline.IsZero() {
		if !ok {
			m.State = MessageFailed
			return
		}
		m.DueAt = later(next, asked)
		return
	}
	// A receiver that recovers an hour before the deadline must still be reached:
	// no wait is longer than half of the remaining time.
	left := deadline.Sub(now)
	if left <= minCourierWait {
		m.State = MessageFailed
		return
	}
	m.DueAt = earlier(later(next, asked), now.Add(max(left/2, minCourierWait)))
}

// nextAttempt returns the time of the next attempt; false: the last one was made.
// If the latest attempt was later than the jitter explains, because no worker was
// running, the rest of the schedule shifts by the same amount.
func (m *Message) nextAttempt(now time.Time, random float64) (next time.Time, ok bool) {
	n := min(m.Tries, len(schedule))
	var before, wait time.Duration
	for i, w := range schedule[:n] {
		if i < n-1 {
			before += w
		}
		wait = w
	}
	spread := time.Duration(jitter * float64(wait))
	if n == len(schedule) {
		spread = lastJitter
	}
	explained := time.Minute
	if n > 1 {
		explained += time.Duration(jitter * float64(schedule[n-2]))
	}
	if late := now.Sub(m.Since.Add(before)); late > explained {
		m.Since = m.Since.Add(late)
	}
	next = m.Since.Add(before + wait + time.Duration((2*random-1)*float64(spread)))
	return next.Truncate(time.Microsecond), m.Tries <= len(schedule)
}

const (
	jitter         = 0.2              // of each wait, either way
	lastJitter     = 20 * time.Minute // of the last wait, either way
	maxAttempts    = 50               // kept in Message.Attempts
	maxRetryAfter  = 24 * time.Hour
	minCourierWait = 10 * time.Second
)
