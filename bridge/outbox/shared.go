package outbox

import (
	"context"
	"time"

	"invitebridge/bridge"
)

// follow disables and enables endpoints as other processes do, until ctx ends.
func (w *Worker) follow(ctx context.Context, shared Shared) {
	ticker := time.NewTicker(w.poll)
	defer ticker.Stop()
	failing := false
	for {
		disabled, err := shared.DisabledEndpoints(ctx)
		if err == nil {
			w.apply(disabled)
		} else if !failing && ctx.Err() == nil {
			w.log.Warn("the endpoints that other replicas have disabled are unknown; the bridge tries again every second", "cause", err.Error())
		}
		failing = err != nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// apply makes exactly these endpoints disabled.
func (w *Worker) apply(disabled []bridge.DisabledEndpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, ew := range w.workers {
		var at *time.Time
		for _, e := range disabled {
			if e.ID == name && e.Settings == ew.Digest {
				at = &e.At
			}
		}
		switch since := ew.disabled.Load(); {
		case at != nil && since == nil:
			ew.disabled.Store(at)
			ew.log.Error("endpoint disabled: another replica got status 410 from its receiver")
		case at == nil && since != nil && !ew.announcing.Load():
			w.enable(name)
		}
	}
}

// disableForAll announces to the other processes that an endpoint is disabled.
func (w *Worker) disableForAll(ctx context.Context, ew *endpointWorker, at time.Time) {
	w.mu.RLock()
	shared := w.shared
	w.mu.RUnlock()
	if shared == nil {
		return
	}
	err := shared.DisableEndpoint(ctx, bridge.DisabledEndpoint{ID: ew.Name, Settings: ew.Digest, At: at})
	if err != nil {
		ew.log.Warn("other replicas do not know that the endpoint is disabled; its receiver will be asked again", "cause", err.Error())
	}
}
