package tracing

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"invitebridge/bridge"
)

// Request begins the span of an HTTP request, and gives the id of its trace. The
// trace goes on from remote, which are the request's headers if somebody vouches
// for them, else nil. end is told the method ("other": none of HTTP's), the
// pattern of the route (empty: none matched) and the status (0: no answer).
//
// The names are those of the semantic conventions for HTTP; see
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
func (t *Tracer) Request(ctx context.Context, remote http.Header) (_ context.Context, traceID string, end func(method, route string, status int)) {
	ctx = t.propagator.Extract(ctx, propagation.HeaderCarrier(remote))
	// Both the name and the route are known only when the router has seen it.
	ctx, span := t.tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer))
	return ctx, span.SpanContext().TraceID().String(), func(method, route string, status int) {
		name, known := "HTTP", method != "other"
		if known {
			name = method
		} else {
			method = "_OTHER"
		}
		span.SetAttributes(attribute.String("http.request.method", method))
		if route != "" {
			name += " " + route
			span.SetAttributes(attribute.String("http.route", route))
		}
		span.SetName(name)
		if status != 0 {
			span.SetAttributes(attribute.Int("http.response.status_code", status))
		}
		if status == 0 || status >= http.StatusInternalServerError {
			span.SetAttributes(attribute.String("error.type", strconv.Itoa(status)))
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// The outcomes of calls that went as they may: see bridge.WatchIdentities and
// its like. All others are errors.
var fine = []string{"ok", "not_found", "exists", "race", "invalid", "sent"}

// Kratos is a [bridge.Watch] for bridge.WatchIdentities.
func (t *Tracer) Kratos(ctx context.Context, method string) (context.Context, func(string)) {
	return t.call(ctx, "kratos", method, fine)
}

// Hook is a [bridge.Watch] for bridge.WatchHooks. That a hook refuses is its
// right, and no error.
func (t *Tracer) Hook(ctx context.Context, event string) (context.Context, func(string)) {
	return t.call(ctx, "hook", event, []string{"ok", "refused"})
}

// Attempt is a [bridge.Watch] for bridge.WatchSender.
func (t *Tracer) Attempt(ctx context.Context, endpoint string) (context.Context, func(string)) {
	return t.call(ctx, "outbox", endpoint, fine)
}

var (
	_ bridge.Watch = (*Tracer)(nil).Kratos
	_ bridge.Watch = (*Tracer)(nil).Hook
	_ bridge.Watch = (*Tracer)(nil).Attempt
)

func (t *Tracer) call(ctx context.Context, system, name string, fine []string) (context.Context, func(string)) {
	ctx, span := t.tracer.Start(ctx, system+" "+name, trace.WithSpanKind(trace.SpanKindClient))
	return ctx, func(outcome string) {
		span.SetAttributes(attribute.String("invitebridge.outcome", outcome))
		if !slices.Contains(fine, outcome) {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
