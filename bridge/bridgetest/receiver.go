package bridgetest

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Receiver is a sender that records its dispatches and returns configurable
// results. It is safe for concurrent use.
type Receiver struct {
	mu        sync.Mutex
	answer    func(bridge.Dispatch) bridge.SendResult
	got       map[uuid.UUID][]bridge.Dispatch
	delivered map[uuid.UUID]bridge.Dispatch
}

// NewReceiver returns a receiver that accepts everything.
func NewReceiver() *Receiver {
	return &Receiver{got: make(map[uuid.UUID][]bridge.Dispatch), delivered: make(map[uuid.UUID]bridge.Dispatch)}
}

// Answer makes answer decide the results from now on; nil: everything is accepted.
func (r *Receiver) Answer(answer func(bridge.Dispatch) bridge.SendResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// Fail makes every attempt end with outcome and status 503.
func (r *Receiver) Fail(outcome bridge.AttemptOutcome) {
	r.Answer(func(bridge.Dispatch) bridge.SendResult { return bridge.SendResult{Outcome: outcome, Status: 503} })
}

// Send implements [bridge.Sender].
func (r *Receiver) Send(_ context.Context, d bridge.Dispatch) bridge.SendResult {
	r.mu.Lock()
	answer := r.answer
	r.got[d.MessageID] = append(r.got[d.MessageID], d)
	r.mu.Unlock()
	result := bridge.SendResult{Outcome: bridge.AttemptSent, Status: 200}
	if answer != nil {
		result = answer(d)
	}
	if result.Outcome == bridge.AttemptSent {
		r.mu.Lock()
		r.delivered[d.MessageID] = d
		r.mu.Unlock()
	}
	return result
}

// Received returns the delivered dispatches, by message.
func (r *Receiver) Received() map[uuid.UUID]bridge.Dispatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	delivered := make(map[uuid.UUID]bridge.Dispatch, len(r.delivered))
	for id, d := range r.delivered {
		delivered[id] = d
	}
	return delivered
}

// Attempts returns all attempts, by message.
func (r *Receiver) Attempts() map[uuid.UUID][]bridge.Dispatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := make(map[uuid.UUID][]bridge.Dispatch, len(r.got))
	for id, list := range r.got {
		got[id] = append([]bridge.Dispatch(nil), list...)
	}
	return got
}

// Delay returns the longest time from an event to its delivery.
func (r *Receiver) Delay() (longest time.Duration) {
	for _, d := range r.Received() {
		longest = max(longest, d.At.Sub(d.Payload.Timestamp))
	}
	return longest
}
