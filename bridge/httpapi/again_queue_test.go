package httpapi_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/testenv"
)

// TestAgain_repeated: one address that is requested often is handled once: each time
// may cost a call of the blocking hooks and of Kratos, and others wait for it.
func TestAgain_repeated(t *testing.T) {
	var calls atomic.Int32
	a := startWith(t, bridgetest.New(t, func(c *bridge.Config) {
		c.Hooks = hooksFunc(func(context.Context, bridge.Payload) error {
			if calls.Add(1) > 1 {
				return bridge.ErrHookRefused
			}
			return nil
		})
	}))
	a.invite(object{"email": email, "expires_in": "1h"})
	a.Clock.Advance(2 * time.Hour)
	calls.Store(1)
	for range 30 {
		a.askAPI(object{"email": email})
	}
	a.sendLinks()
	testenv.Eventually(t, "the queue is empty", func() bool { n, _ := a.handlers.LinkRequests(); return n == 0 })
	testenv.Eventually(t, "a call", func() bool { return calls.Load() > 1 })
	if n := calls.Load() - 1; n > 2 {
		t.Errorf("30 requests by anyone called the blocking hooks %d times", n)
	}
}

type hooksFunc func(context.Context, bridge.Payload) error

func (f hooksFunc) Ask(ctx context.Context, _ string, p bridge.Payload) error { return f.Call(ctx, p) }

func (f hooksFunc) Call(ctx context.Context, p bridge.Payload) error { return f(ctx, p) }
