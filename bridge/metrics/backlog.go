package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"invitebridge/bridge"
)

// lookTimeout bounds what a scrape waits for the store.
const lookTimeout = 2 * time.Second

// Collect has each scrape look at what waits, and at the size of the store. Call
// it once. A look takes at most two seconds of a scrape; one that takes longer
// goes on, and no other begins before it ends.
func (m *Metrics) Collect(
	backlog func(context.Context) (b bridge.Backlog, age time.Duration, err error),
	size func() (bytes int64, err error),
) {
	m.registry.MustRegister(newLooker(backlog, size, lookTimeout))
}

func newLooker(
	backlog func(context.Context) (bridge.Backlog, time.Duration, error), size func() (int64, error), timeout time.Duration,
) *looker {
	gauge := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, nil, nil)
	}
	return &looker{
		backlog: backlog, size: size, timeout: timeout, looking: make(chan struct{}, 1),
		readable: gauge("store_readable", "1 if this scrape could read the store, else 0: then what it knows is missing."),
		pending:  gauge("invitations_pending", "Invitations that can be accepted, and those that have run out but were not swept yet."),
		queued:   gauge("outbox_messages", "Messages that wait to be delivered, those being attempted included."),
		oldest:   gauge("outbox_oldest_age_seconds", "Time since the event of the oldest message that waits; 0 if none does."),
		bytes:    gauge("store_size_bytes", "Size of the store's file. It does not shrink: what is freed in it is used again."),
	}
}

// looker is a collector that asks when it is scraped.
type looker struct {
	backlog func(context.Context) (bridge.Backlog, time.Duration, error)
	size    func() (int64, error)
	timeout time.Duration
	looking chan struct{} // holds one value while a look is under way

	readable, pending, queued, oldest, bytes *prometheus.Desc
}

// look is what a scrape has seen.
type look struct {
	backlog bridge.Backlog
	age     time.Duration
	bytes   int64
}

// Describe implements prometheus.Collector.
func (l *looker) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{l.readable, l.pending, l.queued, l.oldest, l.bytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (l *looker) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	seen, ok := l.look()
	if !ok {
		send(l.readable, 0)
		return
	}
	send(l.readable, 1)
	send(l.pending, float64(seen.backlog.Pending))
	send(l.queued, float64(seen.backlog.Queued))
	send(l.oldest, seen.age.Seconds())
	send(l.bytes, float64(seen.bytes))
}

// look asks the store, and does not wait for it longer than its time: a store
// whose disk hangs may not notice that a context has ended. The goroutine ends
// with the store's call, which the store's Close waits for.
func (l *looker) look() (seen look, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	select {
	case l.looking <- struct{}{}:
	case <-ctx.Done():
		return look{}, false
	}
	done := make(chan *look, 1)
	go func() {
		defer func() { <-l.looking }()
		var r *look
		defer func() {
			_ = recover() // a damaged file may panic, and must not end the process here
			done <- r
		}()
		backlog, age, err := l.backlog(ctx)
		if err != nil {
			return
		}
		if bytes, err := l.size(); err == nil {
			r = &look{backlog, age, bytes}
		}
	}()
	select {
	case r := <-done:
		if r == nil {
			return look{}, false
		}
		return *r, true
	case <-ctx.Done():
		return look{}, false
	}
}
