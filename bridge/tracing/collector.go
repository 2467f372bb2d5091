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

// warnEvery is how often a warning tells that spans are lost.
const warnEvery = time.Minute

// collector is the way to where spans go.
type collector struct {
	base          *http.Transport
	authorization string
	log           *slog.Logger

	mu     sync.Mutex
	cause  string // why the latest attempt failed; empty: it did not
	warned time.Time
	lost   int // spans, since the latest warning
}

func newCollector(config Config) *collector {
	return &collector{
		base:          &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: attemptTimeout, MaxIdleConns: 2, IdleConnTimeout: time.Minute},
		authorization: config.Authorization, log: config.Log,
	}
}

// client follows no redirect: it would carry the credentials to where the answer
// says.
func (c *collector) client() *http.Client {
	return &http.Client{Transport: c, Timeout: attemptTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// RoundTrip adds the credentials, and remembers what came of it.
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
		cause = strings.TrimSpace("it answered " + strconv.Itoa(res.StatusCode) + " " + http.StatusText(res.StatusCode))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cause = cause
	return res, err
}

// safe keeps back a text that repeats the credentials, or a part of them.
func (c *collector) safe(text string) string {
	for part := range strings.FieldsSeq(c.authorization) {
		if strings.Contains(text, part) {
			return "(text withheld: it repeats a secret)"
		}
	}
	return text
}

// warn tells of spans that were lost. Of the library's error nothing is told:
// the collector's answer is in it, which may repeat anything.
func (c *collector) warn(spans int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost += spans
	if time.Since(c.warned) < warnEvery {
		return
	}
	cause := c.cause
	if cause == "" {
		cause = "it did not take them all"
	}
	c.log.Warn("spans were lost: the collector of traces did not take them", "spans", c.lost, "cause", cause)
	c.warned, c.lost = time.Now(), 0
}

// reporter tells of failures itself. What an exporter returns goes to a handler
// that all of a process shares, and from there to the standard error.
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
