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

// Config is the destination of traces and their sampling.
type Config struct {
	Server        string // host:port of the collector
	Insecure      bool   // plain HTTP
	Authorization string // the value of the header; a secret; empty: none
	Service       string // service.name
	Version       string // service.version
	Environment   string // deployment.environment.name; empty: none
	// Ratio is the share of traces that are sent, from 0 to 1, unless the caller
	// has decided.
	Ratio float64
	Log   *slog.Logger
}

const (
	attemptTimeout = 5 * time.Second  // for one request to the collector
	exportTimeout  = 15 * time.Second // for one batch, with all attempts
	// closeTimeout bounds how long Close waits for the last spans to be sent.
	closeTimeout = 5 * time.Second
)

// Tracer makes spans. It is safe for concurrent use, and only Close blocks.
type Tracer struct {
	provider   *sdktrace.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TraceContext
	collector  *collector
}

// New returns a Tracer, which sends spans in the background until Close.
func New(config Config) (*Tracer, error) {
	c := newCollector(config)
	scheme := "https://"
	if config.Insecure {
		scheme = "http://"
	}
	// A complete URL keeps the library from using OTEL_ environment variables.
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
	attributes := []attribute.KeyValue{
		attribute.String("service.name", config.Service), attribute.String("service.version", config.Version),
	}
	if config.Environment != "" {
		attributes = append(attributes, attribute.String("deployment.environment.name", config.Environment))
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(config.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(attributes...)),
		sdktrace.WithBatcher(reporter{exporter, c}, sdktrace.WithExportTimeout(exportTimeout)),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("invitebridge"), collector: c}, nil
}

// Inject adds the trace context of ctx, if any, to the headers of a request.
func (t *Tracer) Inject(ctx context.Context, h http.Header) {
	t.propagator.Inject(ctx, propagation.HeaderCarrier(h))
}

// Close sends the remaining spans, for at most five seconds, and stops.
func (t *Tracer) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.collector.log.Warn("the last spans were not sent in time")
	}
	t.collector.base.CloseIdleConnections()
}
