package main

import (
	"context"
	"net/http"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/instrument"
	"invitebridge/bridge/metrics"
	"invitebridge/bridge/pgstore"
	"invitebridge/bridge/tracing"
)

// instrumentation decorates adapters with metrics and, if configured, traces. The
// two are independent.
type instrumentation struct {
	metrics *metrics.Metrics
	traces  *tracing.Tracer // nil: not configured
	fail    failpoints      // does nothing, except in builds with the tag failpoints
}

// setHeaders adds headers to a request to Kratos; nil adds none.
type setHeaders = func(context.Context, http.Header)

func (s *server) newInstrumentation() (*instrumentation, error) {
	o := &instrumentation{metrics: metrics.New(version()), fail: newFailpoints()}
	if !s.config.TracingEnabled() {
		return o, nil
	}
	var err error
	o.traces, err = tracing.New(tracingConfig(s.config, s.log))
	return o, err
}

// close sends the last traces. All instrumented calls must have ended.
func (o *instrumentation) close() {
	if o.traces != nil {
		o.traces.Close()
	}
}

func (o *instrumentation) identities(next bridge.Identities) bridge.Identities {
	if o.traces != nil {
		next = instrument.Identities(next, o.traces.Kratos)
	}
	return o.fail.identities(instrument.Identities(next, o.metrics.Kratos))
}

func (o *instrumentation) hooks(next bridge.Hooks) bridge.Hooks {
	if o.traces != nil {
		next = instrument.Hooks(next, o.traces.Hook)
	}
	return o.fail.hooks(instrument.Hooks(next, o.metrics.Hook))
}

func (o *instrumentation) sender(next bridge.Sender) bridge.Sender {
	if o.traces != nil {
		next = instrument.Sender(next, o.traces.Attempt)
	}
	return o.fail.sender(instrument.Sender(next, o.metrics.Attempt))
}

// headers returns a function that adds the trace context to requests to Kratos;
// nil if there is nothing to add.
func (o *instrumentation) headers() setHeaders {
	if o.traces == nil {
		return o.fail.headers(nil)
	}
	return o.fail.headers(o.traces.Inject)
}

// scrape makes metrics read the store and the endpoints on each scrape.
func (o *instrumentation) scrape(service *bridge.Service, store openedStore) {
	o.metrics.Collect(service.Backlog, store.size)
	if store.pool != nil {
		o.metrics.CollectDatabase(store.pool, pgstore.Causes())
	}
	o.metrics.CollectEndpoints(service.Endpoints)
}

// api adds request metrics, traces and the metrics endpoint to the handlers.
func (o *instrumentation) api(c httpapi.Config) httpapi.Config {
	c.Now, c.Metrics, c.KeyUsed = wallClock, o.metrics.Handler(), o.metrics.KeyUsed
	c.Observe = func(x httpapi.RequestRecord) { o.metrics.Request(x.Listener, x.Method, x.Route, x.Status, x.Took) }
	if o.traces != nil {
		c.Trace = func(ctx context.Context, remote http.Header) (context.Context, string, func(httpapi.RequestRecord)) {
			ctx, id, end := o.traces.Request(ctx, remote)
			return ctx, id, func(x httpapi.RequestRecord) { end(x.Method, x.Route, x.Status) }
		}
	}
	return c
}
