package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Pool is the state of a pool of connections to a database.
type Pool struct {
	Acquired, Idle, Max int           // connections
	Waits               int64         // how often one was not available at once
	Waited              time.Duration // how long these took in total
}

// CollectDatabase exposes the metrics of a store in a database: each scrape reads the
// state of its pool, which must not block, and shows the retries of all causes. Call
// it once.
func (m *Metrics) CollectDatabase(pool func() Pool, causes []string) {
	for _, cause := range causes {
		m.retries.WithLabelValues(cause)
	}
	m.registry.MustRegister(m.retries, newDatabaseCollector(pool))
}

// Retry counts a transaction that is tried again.
func (m *Metrics) Retry(cause string) { m.retries.WithLabelValues(cause).Inc() }

func newRetries() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Subsystem: "store", Name: "retries_total",
		Help: "Transactions that were tried again, by cause. Each deadlock_detected is a defect of the bridge.",
	}, []string{"cause"})
}

// databaseCollector is a collector that reads the pool when it is scraped.
type databaseCollector struct {
	pool                           func() Pool
	connections, most, waits, wait *prometheus.Desc
}

func newDatabaseCollector(pool func() Pool) databaseCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_store_"+name, help, labels, nil)
	}
	return databaseCollector{
		pool:        pool,
		connections: describe("connections", "Connections to the database: acquired by a transaction, or idle.", "state"),
		most:        describe("connections_max", "The most connections that this replica opens: max_conns in dsn."),
		waits:       describe("connection_waits_total", "How often no connection was idle, so that a transaction had to wait for one."),
		wait:        describe("connection_wait_seconds_total", "How long transactions waited for a connection."),
	}
}

// Describe implements prometheus.Collector.
func (c databaseCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.connections, c.most, c.waits, c.wait} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c databaseCollector) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	now := c.pool()
	send(c.connections, prometheus.GaugeValue, float64(now.Acquired), "acquired")
	send(c.connections, prometheus.GaugeValue, float64(now.Idle), "idle")
	send(c.most, prometheus.GaugeValue, float64(now.Max))
	send(c.waits, prometheus.CounterValue, float64(now.Waits))
	send(c.wait, prometheus.CounterValue, now.Waited.Seconds())
}
