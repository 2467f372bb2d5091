// Package tracingtest is a trace collector for tests: it accepts OTLP over HTTP and
// keeps what it receives. Only tests import it.
package tracingtest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector keeps spans. It is safe for concurrent use.
type Collector struct {
	Server string // host:port

	mu       sync.Mutex
	spans    []Span
	resource map[string]string
	raw      bytes.Buffer
	headers  []http.Header
}

// Span is the part of a span that tests check. Ids are in hexadecimal.
type Span struct {
	Name                  string
	Kind                  string // "server", "client", …
	TraceID, ID, ParentID string
	Error                 bool
	Attributes            map[string]string
}

// New starts a collector that stops with the test. If answer is not nil, it may
// answer a request instead, and then returns true.
func New(t testing.TB, answer func(http.ResponseWriter, *http.Request) bool) *Collector {
	t.Helper()
	c := &Collector{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer == nil || !answer(w, r) {
			c.receive(t, w, r)
		}
	}))
	t.Cleanup(s.Close)
	c.Server = strings.TrimPrefix(s.URL, "http://")
	return c
}

func (c *Collector) receive(t testing.TB, w http.ResponseWriter, r *http.Request) {
	var body []byte
	unzipped, err := gzip.NewReader(r.Body)
	if err == nil {
		body, err = io.ReadAll(unzipped)
	}
	var sent collectorpb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	c.headers = append(c.headers, r.Header)
	for _, of := range sent.GetResourceSpans() {
		c.resource = attributes(of.GetResource().GetAttributes())
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, span(s))
			}
		}
	}
}

func span(s *tracepb.Span) Span {
	return Span{
		Name: s.GetName(), Kind: strings.ToLower(strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_")),
		TraceID: hexadecimal(s.GetTraceId()), ID: hexadecimal(s.GetSpanId()), ParentID: hexadecimal(s.GetParentSpanId()),
		Error: s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR, Attributes: attributes(s.GetAttributes()),
	}
}

func attributes(list []*commonpb.KeyValue) map[string]string {
	all := make(map[string]string)
	for _, kv := range list {
		all[kv.GetKey()] = text(kv.GetValue())
	}
	return all
}

// Spans returns the spans received so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Named returns the spans received so far with that name.
func (c *Collector) Named(name string) (named []Span) {
	for _, s := range c.Spans() {
		if s.Name == name {
			named = append(named, s)
		}
	}
	return named
}

// Resource returns the attributes of the resource that sent the spans.
func (c *Collector) Resource() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resource
}

// Raw returns all request bodies, decompressed.
func (c *Collector) Raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.String()
}

// Headers returns the headers of each request.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header(nil), c.headers...)
}
