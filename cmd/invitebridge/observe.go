package main

import (
	"context"
	"net/http"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
	"invitebridge/bridge/httpapi"
	"invitebridge/bridge/metrics"
	"invitebridge/bridge/tracing"
)

// observers is whoever watches the others at work: metrics always, traces if
// they are configured. The two know nothing of each other.
type observers struct {
	metrics *metrics.Metrics
	traces  *tracing.Tracer // nil: there are none
	fail    failpoints      // none, save in a build for tests
}

// setHeaders adds headers to a request to Kratos; nil: there are none to add.
type setHeaders = func(context.Context, http.Header)

func (s *server) newObservers() (*observers, error) {
	o := &observers{metrics: metrics.New(version()), fail: newFailpoints()}
	if !s.config.TracingEnabled() {
		return o, nil
	}
	var err error
	o.traces, err = tracing.New(s.tracingConfig())
	return o, err
}

func (s *server) tracingConfig() tracing.Config {
	t := s.config.Tracing
	otlp := t.Providers.OTLP
	return tracing.Config{
		Server: otlp.ServerURL, Insecure: otlp.Insecure, Authorization: otlp.AuthorizationHeader.Reveal(),
		Service: t.ServiceName, Version: version(), Environment: t.DeploymentEnvironment,
		Ratio: otlp.Sampling.SamplingRatio, Log: s.log,
	}
}

// close sends the last traces. What is watched must have ended.
func (o *observers) close() {
	if o.traces != nil {
		o.traces.Close()
	}
}

func (o *observers) identities(next bridge.Identities) bridge.Identities {
	if o.traces != nil {
		next = bridge.WatchIdentities(next, o.traces.Kratos)
	}
	return o.fail.identities(bridge.WatchIdentities(next, o.metrics.Kratos))
}

func (o *observers) hooks(next bridge.Hooks) bridge.Hooks {
	if o.traces != nil {
		next = bridge.WatchHooks(next, o.traces.Hook)
	}
	return o.fail.hooks(bridge.WatchHooks(next, o.metrics.Hook))
}

func (o *observers) sender(next bridge.Sender) bridge.Sender {
	if o.traces != nil {
		next = bridge.WatchSender(next, o.traces.Attempt)
	}
	return o.fail.sender(bridge.WatchSender(next, o.metrics.Attempt))
}

// headers has requests to Kratos carry the trace; nil: there is none.
func (o *observers) headers() setHeaders {
	if o.traces == nil {
		return o.fail.headers(nil)
	}
	return o.fail.headers(o.traces.Inject)
}

// scrape has metrics look at the store and the endpoints.
func (o *observers) scrape(service *bridge.Service, store *boltstore.Store) {
	o.metrics.Collect(service.Backlog, store.Size)
	o.metrics.CollectEndpoints(service.Endpoints)
}

// api has the handlers tell of requests, and serve the metrics.
func (o *observers) api(c httpapi.Config) httpapi.Config {
	c.Metrics = o.metrics.Handler()
	c.Observe = func(x httpapi.Exchange) { o.metrics.Request(x.Listener, x.Method, x.Route, x.Status, x.Took) }
	if o.traces != nil {
		c.Trace = func(ctx context.Context, remote http.Header) (context.Context, string, func(httpapi.Exchange)) {
			ctx, id, end := o.traces.Request(ctx, remote)
			return ctx, id, func(x httpapi.Exchange) { end(x.Method, x.Route, x.Status) }
		}
	}
	return c
}
