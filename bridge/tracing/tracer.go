package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says where traces go, and how many.
type Config struct {
	Server        string // host:port of the collector
	Insecure      bool   // plain HTTP
	Authorization string // the whole header; a secret; empty: none is sent
	Service       string // service.name
	Version       string // service.version
	Environment   string // deployment.environment.name; empty: none
	// Ratio is the share of traces that are kept, from 0 to 1, where the caller
	// has not decided.
	Ratio float64
	Log   *slog.Logger
}

const (
	attemptTimeout = 5 * time.Second  // for the collector to answer once
	exportTimeout  = 15 * time.Second // for one batch, with all attempts
	// closeTimeout bounds how long a stop waits for the last spans to be taken.
	closeTimeout = 5 * time.Second
)

// Tracer makes spans. It is safe for concurrent use, and none of its methods
// but Close blocks.
type Tracer struct {
	provider   *sdktrace.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TraceContext
	collector  *collector
}

// New makes a Tracer, which sends in the background until Close.
func New(config Config) (*Tracer, error) {
	c := newCollector(config)
	scheme := "https://"
	if config.Insecure {
		scheme = "http://"
	}
	// With the whole address given, none of it is taken from OTEL_ variables.
	exporter, err := otlptracehttp.New(context.Background(),
		otlptracehttp.WithEndpointURL(scheme+config.Server+"/v1/traces"),
		otlptracehttp.WithHTTPClient(c.client()),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: time.Second, MaxInterval: attemptTimeout, MaxElapsedTime: exportTimeout,
		}))
	if err != nil {
		return nil, err
	}
	about := []attribute.KeyValue{
		attribute.String("service.name", config.Service), attribute.String("service.version", config.Version),
	}
	if config.Environment != "" {
		about = append(about, attribute.String("deployment.environment.name", config.Environment))
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(config.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(about...)),
		sdktrace.WithBatcher(reporter{exporter, c}, sdktrace.WithExportTimeout(exportTimeout)),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("invitebridge"), collector: c}, nil
}

// Inject adds the trace context of ctx to the headers of a request; where there
// is none, nothing.
func (t *Tracer) Inject(ctx context.Context, h http.Header) {
	t.propagator.Inject(ctx, propagation.HeaderCarrier(h))
}

// Close sends what has not been sent, for at most five seconds, and stops.
func (t *Tracer) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.collector.log.Warn("the last spans were not sent in time")
	}
	t.collector.base.CloseIdleConnections()
}
