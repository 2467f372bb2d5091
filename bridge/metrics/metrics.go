package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"invitebridge/bridge"
)

const namespace = "invitebridge"

// Metrics holds all metrics of one bridge. It is safe for concurrent use, and its
// methods do not block.
type Metrics struct {
	registry    *prometheus.Registry
	requests    *callMetrics
	kratos      *callMetrics
	hooks       *callMetrics
	attempts    *callMetrics
	invitations invitations
	commits     prometheus.Histogram
	failures    prometheus.Counter
	retries     *prometheus.CounterVec // of a database
	reload      prometheus.Gauge
	keys        *prometheus.GaugeVec
}

// New returns metrics for a program of a version.
func New(version string) *Metrics {
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		invitations: newInvitations(),
		retries:     newRetries(),
		requests: newCallMetrics("http", "requests", "request_duration",
			"HTTP requests answered", fastBuckets, []string{"listener", "method", "route"}, "code"),
		kratos: newCallMetrics("kratos", "calls", "call_duration",
			"Calls to Kratos, with all HTTP requests of a call", fastBuckets, []string{"method"}, "outcome"),
		hooks: newCallMetrics("hook", "questions", "question_duration",
			"Calls to hooks that can refuse, all hooks of an event together", slowBuckets, []string{"event"}, "outcome"),
		attempts: newCallMetrics("outbox", "attempts", "attempt_duration",
			"Delivery attempts", slowBuckets, []string{"endpoint"}, "outcome"),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "store", Name: "commit_duration_seconds",
			Help: "Duration of a commit, including the wait for the disk. Updates that wait for one another share a commit.", Buckets: fastBuckets,
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "store", Name: "commit_failures_total",
			Help: "Failed commits of the store, as on a full disk. Those that are tried again count in store_retries_total instead.",
		}),
	}
	m.reload = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "config_last_reload_successful",
		Help: "1 if the last reload of the configuration succeeded; 0: the previous one stays in force.",
	})
	m.reload.Set(1)
	m.keys = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "api_key_last_used_timestamp_seconds", Help: "When an API key was last used since the bridge started.",
	}, []string{"api_key"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the version is in the label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.commits, m.failures, m.reload, m.keys, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, w := range []*callMetrics{m.requests, m.kratos, m.hooks, m.attempts} {
		m.registry.MustRegister(w.total, w.seconds)
	}
	m.registry.MustRegister(m.invitations.collectors()...)
	return m
}

// Handler serves scrapes. Metrics that cannot be collected are left out.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Reload records whether the last reload of the configuration succeeded.
func (m *Metrics) Reload(ok bool) {
	m.reload.Set(map[bool]float64{false: 0, true: 1}[ok])
}

// KeyUsed records that the API key with this name was used.
func (m *Metrics) KeyUsed(name string) { m.keys.WithLabelValues(name).SetToCurrentTime() }

// Request counts an HTTP request. Route is the pattern, empty if none matched;
// status 0 is a connection that was closed without a response.
func (m *Metrics) Request(listener, method, route string, status int, took time.Duration) {
	if route == "" {
		route = "unmatched"
	}
	m.requests.observe(took, 4, callLabels{strconv.Itoa(status), listener, method, route})
}

// Kratos observes calls to Kratos. It has the signature of an instrument.Observer.
func (m *Metrics) Kratos(ctx context.Context, method string) (context.Context, func(string)) {
	return m.kratos.start(ctx, method)
}

// Hook observes calls to blocking hooks, as an instrument.Observer does.
func (m *Metrics) Hook(ctx context.Context, event string) (context.Context, func(string)) {
	return m.hooks.start(ctx, event)
}

// Attempt observes delivery attempts, as an instrument.Observer does.
func (m *Metrics) Attempt(ctx context.Context, endpoint string) (context.Context, func(string)) {
	return m.attempts.start(ctx, endpoint)
}

// Commit counts a commit of the store.
func (m *Metrics) Commit(took time.Duration, err error) {
	m.commits.Observe(took.Seconds())
	if err != nil {
		m.failures.Inc()
	}
}

// Count adds counters of invitations and messages. It has the signature of
// [bridge.Config.OnCounted].
func (m *Metrics) Count(t bridge.Counters) { m.invitations.count(t) }
