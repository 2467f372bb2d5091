package bridge

import (
	"context"
	"time"
)

// Hooks are the blocking hooks. They are called before an operation and may
// refuse it.
type Hooks interface {
	// Call calls the hooks that subscribe to the event. It returns nil if none
	// refuses. All of them together take at most [HookBudget].
	//
	// Errors: ErrHookRefused with the receiver's messages; ErrHookUnavailable if
	// there was no valid response.
	Call(ctx context.Context, p Payload) error

	// Ask calls one of the hooks that subscribe to the event. It returns nil only if the
	// hook was called and agrees. It takes at most [HookBudget].
	//
	// Errors: ErrHookRefused if the receiver responds with 403, with another status of 4xx
	// and messages, or with a body that denies it; ErrHookUnavailable if there was no valid
	// response, or there is no such hook.
	Ask(ctx context.Context, hook string, p Payload) error
}

// HookBudget bounds the duration of all blocking hooks of one event together.
const HookBudget = 10 * time.Second

// callHooks calls the blocking hooks of an event; nil: none refuses.
func (s *Service) callHooks(ctx context.Context, event Event, inv Invitation) error {
	return s.callHooksWith(ctx, payload(event, inv, s.now()))
}

func (s *Service) callHooksWith(ctx context.Context, p Payload) error {
	if s.config.Hooks == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), HookBudget)
	defer cancel()
	return s.config.Hooks.Call(ctx, p)
}
