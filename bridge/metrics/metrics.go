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

// Metrics holds all metrics of one bridge. It is safe for concurrent use, and
// none of its methods blocks.
type Metrics struct {
	registry    *prometheus.Registry
	requests    watched
	kratos      watched
	hooks       watched
	attempts    watched
	invitations invitations
	commits     prometheus.Histogram
	failures    prometheus.Counter
	reload      prometheus.Gauge
}

// New makes metrics. Version is that of the program.
func New(version string) *Metrics {
	m := &Metrics{
		registry:    prometheus.NewRegistry(),
		invitations: newInvitations(),
		requests: newWatched("http", "requests", "request_duration",
			"HTTP requests that were answered", quick, []string{"listener", "method", "route"}, "code"),
		kratos: newWatched("kratos", "calls", "call_duration",
			"Calls to Kratos, which may be several HTTP requests each", quick, []string{"method"}, "outcome"),
		hooks: newWatched("hook", "questions", "question_duration",
			"Questions to the hooks that can refuse, all hooks of an event together", slow, []string{"event"}, "outcome"),
		attempts: newWatched("outbox", "attempts", "attempt_duration",
			"Attempts to deliver a message", slow, []string{"endpoint"}, "outcome"),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "store", Name: "commit_duration_seconds",
			Help: "Time that a commit of the store took, waiting for the disk included. Updates that wait for one another share one.", Buckets: quick,
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "store", Name: "commit_failures_total",
			Help: "Commits of the store that failed, as on a full disk.",
		}),
	}
	m.reload = prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "config_last_reload_successful",
		Help: "1 if the configuration could be read when that was tried last; 0: the one before goes on.",
	})
	m.reload.Set(1)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the version is in the label.",
		ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.commits, m.failures, m.reload, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, w := range []watched{m.requests, m.kratos, m.hooks, m.attempts} {
		m.registry.MustRegister(w.total, w.seconds)
	}
	m.registry.MustRegister(m.invitations.collectors()...)
	return m
}

// Handler answers a scrape. What cannot be collected is left out.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Reload notes whether the configuration could be taken over.
func (m *Metrics) Reload(ok bool) {
	m.reload.Set(map[bool]float64{false: 0, true: 1}[ok])
}

// Request counts an HTTP request. Route is the pattern, and empty if none
// matched; status 0 is a connection that was cut without an answer.
func (m *Metrics) Request(listener, method, route string, status int, took time.Duration) {
	if route == "" {
		route = "unmatched"
	}
	m.requests.note(took, strconv.Itoa(status), listener, method, route)
}

// Kratos is a [bridge.Watch] for bridge.WatchIdentities.
func (m *Metrics) Kratos(ctx context.Context, method string) (context.Context, func(string)) {
	return m.kratos.begin(ctx, method)
}

// Hook is a [bridge.Watch] for bridge.WatchHooks.
func (m *Metrics) Hook(ctx context.Context, event string) (context.Context, func(string)) {
	return m.hooks.begin(ctx, event)
}

// Attempt is a [bridge.Watch] for bridge.WatchSender.
func (m *Metrics) Attempt(ctx context.Context, endpoint string) (context.Context, func(string)) {
	return m.attempts.begin(ctx, endpoint)
}

var (
	_ bridge.Watch = (*Metrics)(nil).Kratos
	_ bridge.Watch = (*Metrics)(nil).Hook
	_ bridge.Watch = (*Metrics)(nil).Attempt
)

// Commit counts a commit of the store.
func (m *Metrics) Commit(took time.Duration, err error) {
	m.commits.Observe(took.Seconds())
	if err != nil {
		m.failures.Inc()
	}
}

// Count counts what has happened to invitations and messages; it fits
// bridge.Config.
func (m *Metrics) Count(t bridge.Tally) { m.invitations.count(t) }
