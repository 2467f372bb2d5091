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
)

// Request begins the span of an HTTP request and returns the id of its trace. It
// continues the trace in remote: the request's headers if they are trusted, else
// nil. end receives the method ("other": not an HTTP method), the pattern of the
// route (empty: none matched) and the status (0: no response).
//
// The names are those of the semantic conventions for HTTP; see
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
func (t *Tracer) Request(ctx context.Context, remote http.Header) (_ context.Context, traceID string, end func(method, route string, status int)) {
	ctx = t.propagator.Extract(ctx, propagation.HeaderCarrier(remote))
	// The router sets the route, so the name is known only at the end.
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

// expectedOutcomes are the outcomes that are no errors; see instrument.Identities
// and instrument.Sender.
var expectedOutcomes = []string{"ok", "not_found", "exists", "race", "invalid", "sent"}

// Kratos observes calls to Kratos. It has the signature of an instrument.Observer.
func (t *Tracer) Kratos(ctx context.Context, method string) (context.Context, func(string)) {
	return t.call(ctx, "kratos", method, expectedOutcomes)
}

// Hook observes calls to blocking hooks, as an instrument.Observer does. A refusal
// by a hook is not an error.
func (t *Tracer) Hook(ctx context.Context, event string) (context.Context, func(string)) {
	return t.call(ctx, "hook", event, []string{"ok", "refused"})
}

// Attempt observes delivery attempts, as an instrument.Observer does.
func (t *Tracer) Attempt(ctx context.Context, endpoint string) (context.Context, func(string)) {
	return t.call(ctx, "outbox", endpoint, expectedOutcomes)
}

func (t *Tracer) call(ctx context.Context, system, name string, expected []string) (context.Context, func(string)) {
	ctx, span := t.tracer.Start(ctx, system+" "+name, trace.WithSpanKind(trace.SpanKindClient))
	return ctx, func(outcome string) {
		span.SetAttributes(attribute.String("invitebridge.outcome", outcome))
		if !slices.Contains(expected, outcome) {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
