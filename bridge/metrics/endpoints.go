package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"invitebridge/bridge"
)

// CollectEndpoints makes each scrape report which endpoints are disabled. Call it
// once. list must not block.
func (m *Metrics) CollectEndpoints(list func() []bridge.Endpoint) {
	m.registry.MustRegister(endpoints{list, prometheus.NewDesc(namespace+"_outbox_endpoint_disabled",
		"1 if the endpoint is disabled because its receiver answered 410; else 0.", []string{"endpoint"}, nil)})
}

// endpoints is a collector. It calls list at each scrape, so that endpoints that
// are no longer configured disappear.
type endpoints struct {
	list     func() []bridge.Endpoint
	disabled *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (e endpoints) Describe(ch chan<- *prometheus.Desc) { ch <- e.disabled }

// Collect implements prometheus.Collector.
func (e endpoints) Collect(ch chan<- prometheus.Metric) {
	for _, endpoint := range e.list() {
		value := 0.0
		if endpoint.State == bridge.EndpointDisabled {
			value = 1
		}
		ch <- prometheus.MustNewConstMetric(e.disabled, prometheus.GaugeValue, value, endpoint.ID)
	}
}
