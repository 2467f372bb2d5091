package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"invitebridge/bridge"
)

// endpointWorker claims and sends the messages of one endpoint.
type endpointWorker struct {
	Endpoint
	log     *slog.Logger
	wakeups chan struct{}
	slots   *slots
	// disabled is the start of the attempt whose response was 410; nil: there was
	// none.
	disabled     atomic.Pointer[time.Time]
	stopClaiming func()
	wakeCurrent  func() // wakes the worker that the endpoint has at that time
	untilDue     func(next time.Time) time.Duration
	announce     func(ctx context.Context, ew *endpointWorker, at time.Time)
	announcing   atomic.Bool // to the other processes that it is disabled

	// Set by run and drain, before the first attempt.
	queue    Queue
	recorder *recorder
	sending  context.Context // of the attempts
}

// begin sets what attempts need.
func (e *endpointWorker) begin(sending context.Context, queue Queue, recorder *recorder) {
	e.sending, e.queue, e.recorder = sending, queue, recorder
}

// run claims and sends until the context claiming ends, and returns when its
// attempts have ended. If ctx ends, they are canceled after stopTimeout; if only
// claiming ends, they run to completion.
func (e *endpointWorker) run(ctx, claiming context.Context, queue Queue, recorder *recorder) {
	defer e.stopClaiming()
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, cut) })()
	e.begin(sending, queue, recorder)
	e.claim(claiming)
	e.slots.wait()
}

// claim claims messages until ctx ends or the endpoint is disabled.
func (e *endpointWorker) claim(ctx context.Context) {
	for ctx.Err() == nil && e.disabled.Load() == nil {
		// Wait for half of the slots: each claim costs a commit, even of one
		// message.
		if !e.slots.waitFor(ctx, (e.Concurrency+1)/2) || e.disabled.Load() != nil {
			return
		}
		claimed, next, err := e.queue.ClaimMessages(ctx, e.Name, e.slots.free(), lease)
		if err != nil {
			if ctx.Err() == nil {
				e.log.Error("messages could not be claimed; the bridge tries again in 5 seconds", "cause", err.Error())
			}
			claimed = nil
		}
		wait := e.untilDue(next)
		if err != nil {
			wait = storeRetryDelay
		}
		if ctx.Err() != nil {
			e.release(context.WithoutCancel(ctx), claimed)
			return
		}
		e.start(claimed)
		if len(claimed) == 0 || wait > 0 {
			e.sleep(ctx, wait)
		}
	}
}

// drain claims and sends until nothing is due.
func (e *endpointWorker) drain(ctx context.Context, queue Queue, recorder *recorder) error {
	e.begin(ctx, queue, recorder)
	for e.disabled.Load() == nil {
		claimed, _, err := queue.ClaimMessages(ctx, e.Name, e.Concurrency, lease)
		if len(claimed) == 0 || err != nil {
			return err
		}
		e.start(claimed)
		e.slots.wait()
	}
	return nil
}

// start starts the attempts of claimed messages. There must be a free slot for each.
func (e *endpointWorker) start(claimed []bridge.ClaimedMessage) {
	for _, c := range claimed {
		e.slots.take()
		go e.attempt(c)
	}
}

// slot is a reserved slot; see [bridge.Slot].
type slot struct{ worker *endpointWorker }

func (s slot) Start(m bridge.ClaimedMessage) { go s.worker.attempt(m) }

func (s slot) Release() { s.worker.slots.release() }

func (e *endpointWorker) wake() {
	select {
	case e.wakeups <- struct{}{}:
	default: // a wakeup is pending already
	}
}

// sleep waits for a time or until the worker is woken; negative: only for that.
// Meanwhile slots can be reserved.
func (e *endpointWorker) sleep(ctx context.Context, wait time.Duration) {
	var due <-chan time.Time
	if wait >= 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	e.slots.setOpen(true)
	defer e.slots.setOpen(false)
	select {
	case <-e.wakeups:
	case <-due:
	case <-ctx.Done():
	}
}

// attempt sends one message in a slot, which it gives back, and records the result.
func (e *endpointWorker) attempt(c bridge.ClaimedMessage) {
	defer e.slots.release()
	ctx := e.sending
	if e.disabled.Load() != nil {
		e.release(context.WithoutCancel(ctx), []bridge.ClaimedMessage{c})
		return
	}
	begun := time.Now()
	result := e.send(ctx, c.Dispatch)
	if ctx.Err() != nil && result.Outcome == bridge.AttemptRetry {
		// The attempt was canceled by the shutdown, not by the endpoint.
		e.release(context.WithoutCancel(ctx), []bridge.ClaimedMessage{c})
		return
	}
	if result.Outcome == bridge.AttemptDisabled {
		at := c.Dispatch.At
		e.announcing.Store(true)
		if e.disabled.CompareAndSwap(nil, &at) {
			e.announce(context.WithoutCancel(ctx), e, at)
		}
		e.announcing.Store(false)
	}
	e.logResult(c.Dispatch, result)
	e.recorder.results <- bridge.FinishedMessage{Claimed: c, Result: result, Took: time.Since(begun)}
}

func (e *endpointWorker) send(ctx context.Context, d bridge.Dispatch) (result bridge.SendResult) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			// The value may contain a secret: report only its type.
			result = bridge.SendResult{Outcome: bridge.AttemptRetry, Detail: fmt.Sprintf("the sender panicked with a %T", value)}
		}
	}()
	return e.Sender.Send(ctx, d)
}

func (e *endpointWorker) logResult(d bridge.Dispatch, r bridge.SendResult) {
	level, text := slog.LevelInfo, "message sent"
	switch r.Outcome {
	case bridge.AttemptSent:
	case bridge.AttemptRetry:
		level, text = slog.LevelWarn, "message not sent; it will be retried"
	case bridge.AttemptFailed:
		level, text = slog.LevelError, "message failed"
	case bridge.AttemptDisabled:
		level, text = slog.LevelError, "message failed, endpoint disabled: its receiver responded with status 410"
	}
	e.log.Log(context.Background(), level, text, "message_id", d.MessageID, "event", d.Payload.Type,
		"invitation_id", d.Payload.Data.Invitation.ID, "attempt", d.Attempt, "status", r.Status, "detail", r.Detail)
}

// release returns claimed messages to the queue without using up an attempt.
func (e *endpointWorker) release(ctx context.Context, claimed []bridge.ClaimedMessage) {
	if len(claimed) == 0 {
		return
	}
	if err := e.queue.Release(ctx, claimed); err != nil {
		e.log.Warn("claimed messages could not be released; they are due again when their lease expires", "cause", err.Error())
	}
	e.wakeCurrent() // released messages are due at once
}
