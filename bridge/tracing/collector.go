package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// warnInterval is the least time between two warnings about lost spans.
const warnInterval = time.Minute

// collector is the HTTP transport to the trace collector. It keeps the cause of the
// latest failure for the warning about lost spans.
type collector struct {
	base          *http.Transport
	authorization string
	log           *slog.Logger

	mu     sync.Mutex
	cause  string // why the latest request failed; empty: it succeeded
	warned time.Time
	lost   int // spans lost since the latest warning
}

func newCollector(config Config) *collector {
	return &collector{
		base:          &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: attemptTimeout, MaxIdleConns: 2, IdleConnTimeout: time.Minute},
		authorization: config.Authorization, log: config.Log,
	}
}

// client follows no redirects: they would carry the credentials to any server that
// the response names.
func (c *collector) client() *http.Client {
	return &http.Client{Transport: c, Timeout: attemptTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// RoundTrip implements http.RoundTripper. It adds the credentials and records
// whether the request failed.
func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.authorization != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", c.authorization)
	}
	res, err := c.base.RoundTrip(r)
	cause := ""
	switch {
	case err != nil:
		cause = c.safe(err.Error())
	case res.StatusCode < 200 || res.StatusCode > 299:
		cause = strings.TrimSpace("it responded with " + strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cause = cause
	return res, err
}

// safe returns text, or a placeholder if it contains a part of the credentials.
func (c *collector) safe(text string) string {
	for part := range strings.FieldsSeq(c.authorization) {
		if strings.Contains(text, part) {
			return "(text withheld: it contains a secret)"
		}
	}
	return text
}

// warn logs that spans were lost. It leaves out the library's error: that contains
// the collector's response, which may repeat anything.
func (c *collector) warn(spans int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost += spans
	if time.Since(c.warned) < warnInterval {
		return
	}
	cause := c.cause
	if cause == "" {
		cause = "it accepted only a part of them"
	}
	c.log.Warn("spans were lost: the trace collector did not accept them", "spans", c.lost, "cause", cause)
	c.warned, c.lost = time.Now(), 0
}

// reporter logs failed exports. The library would pass the error of an exporter to
// a handler shared by the whole process, which writes to standard error.
type reporter struct {
	sdktrace.SpanExporter
	collector *collector
}

// ExportSpans implements sdktrace.SpanExporter.
func (r reporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := r.SpanExporter.ExportSpans(ctx, spans); err != nil {
		r.collector.warn(len(spans))
	}
	return nil
}
