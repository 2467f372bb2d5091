package bridgetest

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Receiver is a sender that keeps what it is given, and answers as it is told.
// It is safe for concurrent use.
type Receiver struct {
	mu     sync.Mutex
	answer func(bridge.Dispatch) bridge.Result
	got    map[uuid.UUID][]bridge.Dispatch
	taken  map[uuid.UUID]bridge.Dispatch
}

// NewReceiver gives a receiver that takes everything.
func NewReceiver() *Receiver {
	return &Receiver{got: make(map[uuid.UUID][]bridge.Dispatch), taken: make(map[uuid.UUID]bridge.Dispatch)}
}

// Answer has answer decide from now on; nil: everything is taken.
func (r *Receiver) Answer(answer func(bridge.Dispatch) bridge.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// Fail has every attempt fail with an outcome.
func (r *Receiver) Fail(outcome bridge.SendOutcome) {
	r.Answer(func(bridge.Dispatch) bridge.Result { return bridge.Result{Outcome: outcome, Status: 503} })
}

// Send implements bridge.Sender.
func (r *Receiver) Send(_ context.Context, d bridge.Dispatch) bridge.Result {
	r.mu.Lock()
	answer := r.answer
	r.got[d.MessageID] = append(r.got[d.MessageID], d)
	r.mu.Unlock()
	result := bridge.Result{Outcome: bridge.Sent, Status: 200}
	if answer != nil {
		result = answer(d)
	}
	if result.Outcome == bridge.Sent {
		r.mu.Lock()
		r.taken[d.MessageID] = d
		r.mu.Unlock()
	}
	return result
}

// Taken gives what was delivered, by message.
func (r *Receiver) Taken() map[uuid.UUID]bridge.Dispatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := make(map[uuid.UUID]bridge.Dispatch, len(r.taken))
	for id, d := range r.taken {
		taken[id] = d
	}
	return taken
}

// Attempts gives all attempts at each message.
func (r *Receiver) Attempts() map[uuid.UUID][]bridge.Dispatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := make(map[uuid.UUID][]bridge.Dispatch, len(r.got))
	for id, list := range r.got {
		got[id] = append([]bridge.Dispatch(nil), list...)
	}
	return got
}

// Delay gives the longest time from an event to its delivery.
func (r *Receiver) Delay() (longest time.Duration) {
	for _, d := range r.Taken() {
		longest = max(longest, d.At.Sub(d.Payload.Timestamp))
	}
	return longest
}
