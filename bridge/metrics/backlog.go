package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"invitebridge/bridge"
)

// readTimeout bounds how long a scrape waits for the store.
const readTimeout = 2 * time.Second

// Collect makes each scrape read the backlog and the size of the store's file; nil
// if it has none. Call it once. A scrape waits at most two seconds for the store; a read that takes longer
// continues in the background, and no other begins before it ends.
func (m *Metrics) Collect(
	backlog func(context.Context) (b bridge.Backlog, age time.Duration, err error),
	size func() (bytes, free int64, err error),
) {
	m.registry.MustRegister(newStoreCollector(backlog, size, readTimeout))
}

func newStoreCollector(
	backlog func(context.Context) (bridge.Backlog, time.Duration, error), size func() (int64, int64, error), timeout time.Duration,
) *storeCollector {
	gauge := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, nil, nil)
	}
	return &storeCollector{
		backlog: backlog, size: size, timeout: timeout, reading: make(chan struct{}, 1),
		readable: gauge("store_readable", "1 if this scrape could read the store. If 0, the metrics from the store are missing."),
		pending:  gauge("invitations_pending", "Pending invitations, including expired ones that no sweep has closed yet."),
		queued:   gauge("outbox_messages", "Messages waiting for delivery, including those being attempted."),
		oldest:   gauge("outbox_oldest_age_seconds", "Time since the event of the oldest waiting message; 0 if there is none."),
		rows:     gauge("import_rows_waiting", "Rows without a result, in imports that are running or being canceled."),
		held:     gauge("imports_held", "Imports that wait for Kratos, a hook, the store or another request."),
		bytes:    gauge("store_size_bytes", "Size of the store file. It never shrinks; freed pages are reused."),
		free:     gauge("store_free_bytes", "Free space in the store file. Each commit writes the list of free pages: much of it makes commits slow."),
	}
}

// storeCollector is a collector that reads the store when it is scraped.
type storeCollector struct {
	backlog func(context.Context) (bridge.Backlog, time.Duration, error)
	size    func() (int64, int64, error) // nil: the store has no file
	timeout time.Duration
	reading chan struct{} // a lock: holds one value while a read is running

	readable, pending, queued, oldest, rows, held, bytes, free *prometheus.Desc
}

// snapshot is what a scrape has read.
type snapshot struct {
	backlog     bridge.Backlog
	age         time.Duration
	bytes, free int64
}

// Describe implements prometheus.Collector.
func (l *storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.readable, l.pending, l.queued, l.oldest, l.rows, l.held} {
		ch <- d
	}
	if l.size != nil {
		ch <- l.bytes
		ch <- l.free
	}
}

// Collect implements prometheus.Collector.
func (l *storeCollector) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	seen, ok := l.read()
	if !ok {
		send(l.readable, 0)
		return
	}
	send(l.readable, 1)
	send(l.pending, float64(seen.backlog.Pending))
	send(l.queued, float64(seen.backlog.Queued))
	send(l.oldest, seen.age.Seconds())
	send(l.rows, float64(seen.backlog.ImportRows))
	send(l.held, float64(seen.backlog.ImportsHeld))
	if l.size != nil {
		send(l.bytes, float64(seen.bytes))
		send(l.free, float64(seen.free))
	}
}

// read reads the store and waits no longer than timeout: a store whose disk hangs
// may not notice that a context is done. The goroutine ends with the call of the
// store, for which the store's Close waits.
func (l *storeCollector) read() (seen snapshot, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	select {
	case l.reading <- struct{}{}:
	case <-ctx.Done():
		return snapshot{}, false
	}
	done := make(chan *snapshot, 1)
	go func() {
		defer func() { <-l.reading }()
		var r *snapshot
		defer func() {
			_ = recover() // a damaged file may cause a panic, which must not end the process
			done <- r
		}()
		now := &snapshot{}
		var err error
		if now.backlog, now.age, err = l.backlog(ctx); err != nil {
			return
		}
		if l.size != nil {
			if now.bytes, now.free, err = l.size(); err != nil {
				return
			}
		}
		r = now
	}()
	select {
	case r := <-done:
		if r == nil {
			return snapshot{}, false
		}
		return *r, true
	case <-ctx.Done():
		return snapshot{}, false
	}
}
