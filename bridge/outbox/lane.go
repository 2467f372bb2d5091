package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"invitebridge/bridge"
)

// lane is the way to one endpoint.
type lane struct {
	Endpoint
	log   *slog.Logger
	woken chan struct{}
	// disabled is when the attempt began whose answer was 410; nil: there was none.
	disabled atomic.Pointer[time.Time]
	retire   func() // has it claim no more

	// What it shares with the lanes that were there before it and may be there
	// after it.
	total *atomic.Int32 // attempts under way
	again func()        // has whichever lane it is by then look once more
}

// run claims and sends until claiming ends, and returns when the attempts have
// ended as well. They get stopTimeout from the end of ctx on; from that of
// claiming alone, all the time they need.
func (l *lane) run(ctx, claiming context.Context, queue Queue) {
	defer l.retire()
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, cut) })()
	f := newFlight(l.Concurrency, l.total)
	l.claim(claiming, sending, queue, f)
	f.land()
}

// claim claims until ctx ends or the endpoint wants no more. Attempts run in
// sending.
func (l *lane) claim(ctx, sending context.Context, queue Queue, f *flight) {
	for ctx.Err() == nil && l.disabled.Load() == nil {
		// Half of the slots at once: claims of one message each would cost a
		// commit each.
		if !f.await(ctx, (l.Concurrency+1)/2) || l.disabled.Load() != nil {
			return
		}
		claimed, next, err := queue.ClaimMessages(ctx, l.Name, f.free(), lease)
		if err != nil {
			if ctx.Err() == nil {
				l.log.Error("messages cannot be claimed", "cause", err.Error())
			}
			claimed, next = nil, time.Now().Add(storePause)
		}
		if ctx.Err() != nil {
			l.handBack(context.WithoutCancel(ctx), queue, claimed)
			return
		}
		for _, c := range claimed {
			f.start(func() { l.attempt(sending, queue, c) })
		}
		if len(claimed) == 0 || !next.IsZero() && next.After(time.Now()) {
			l.sleep(ctx, next)
		}
	}
}

// drain claims and sends until nothing is due.
func (l *lane) drain(ctx context.Context, queue Queue) error {
	f := newFlight(l.Concurrency, l.total)
	for l.disabled.Load() == nil {
		claimed, _, err := queue.ClaimMessages(ctx, l.Name, l.Concurrency, lease)
		if len(claimed) == 0 || err != nil {
			return err
		}
		for _, c := range claimed {
			f.start(func() { l.attempt(ctx, queue, c) })
		}
		f.land()
	}
	return nil
}

func (l *lane) wake() {
	select {
	case l.woken <- struct{}{}:
	default: // it is going to look anyway
	}
}

// sleep waits until next, or until the lane is woken. A zero next is never.
func (l *lane) sleep(ctx context.Context, next time.Time) {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-l.woken:
	case <-due:
	case <-ctx.Done():
	}
}

// attempt sends one message, and notes what came of it.
func (l *lane) attempt(ctx context.Context, queue Queue, c bridge.Claimed) {
	if l.disabled.Load() != nil {
		l.handBack(context.WithoutCancel(ctx), queue, []bridge.Claimed{c})
		return
	}
	result := l.send(ctx, c.Dispatch)
	if ctx.Err() != nil && result.Outcome == bridge.Retry {
		// It was cut by the stop, which is no fault of the endpoint.
		l.handBack(context.WithoutCancel(ctx), queue, []bridge.Claimed{c})
		return
	}
	if result.Outcome == bridge.Disabled {
		at := c.Dispatch.At
		l.disabled.CompareAndSwap(nil, &at)
	}
	l.report(c.Dispatch, result)
	// What was sent is to be noted even if the process is to stop: else it is
	// sent twice.
	err := queue.FinishMessage(context.WithoutCancel(ctx), c, result)
	if err != nil {
		l.log.Error("an attempt cannot be noted, and will be repeated", "message_id", c.Dispatch.MessageID, "cause", err.Error())
	}
	if err != nil || result.Outcome == bridge.Retry {
		l.again() // there is a new time to wait for
	}
}

func (l *lane) send(ctx context.Context, d bridge.Dispatch) (result bridge.Result) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			// The value may hold anything: only its type is told.
			result = bridge.Result{Outcome: bridge.Retry, Detail: fmt.Sprintf("the sender panicked with a %T", value)}
		}
	}()
	return l.Sender.Send(ctx, d)
}

func (l *lane) report(d bridge.Dispatch, r bridge.Result) {
	level, text := slog.LevelInfo, "message sent"
	switch r.Outcome {
	case bridge.Sent:
	case bridge.Retry:
		level, text = slog.LevelWarn, "message not sent yet"
	case bridge.Failed:
		level, text = slog.LevelError, "message failed"
	case bridge.Disabled:
		level, text = slog.LevelError, "message failed, and endpoint disabled: its receiver answered 410"
	}
	l.log.Log(context.Background(), level, text, "message_id", d.MessageID, "event", d.Payload.Type,
		"invitation_id", d.Payload.Data.Invitation.ID, "attempt", d.Attempt, "status", r.Status, "detail", r.Detail)
}

func (l *lane) handBack(ctx context.Context, queue Queue, claimed []bridge.Claimed) {
	if len(claimed) == 0 {
		return
	}
	if err := queue.HandBack(ctx, claimed); err != nil {
		l.log.Warn("claims cannot be handed back, and lapse by themselves", "cause", err.Error())
	}
	l.again() // they are due at once
}
