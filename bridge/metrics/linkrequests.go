package metrics

import "github.com/prometheus/client_golang/prometheus"

// CollectLinkRequests makes each scrape report how many requests for a new link wait,
// and how many were dropped. Call it once. read must not block.
func (m *Metrics) CollectLinkRequests(read func() (waiting int, dropped int64)) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Name: "link_requests_waiting", Help: "Requests for a new link that were answered and wait to be handled.",
		}, func() float64 { waiting, _ := read(); return float64(waiting) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: namespace, Name: "link_requests_dropped_total", Help: "Requests for a new link that were dropped, because too many were waiting.",
		}, func() float64 { _, dropped := read(); return float64(dropped) }),
	)
}
