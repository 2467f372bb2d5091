package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Bounds of the histograms in seconds: for what waits for a disk or for Kratos,
// which hashes passwords in a good part of a second, and for what waits for the
// systems of others.
var (
	quick = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	slow  = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
)

// watched is a counter by outcome, and a histogram that leaves the outcome out:
// it has a dozen series for each combination of labels.
type watched struct {
	total   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newWatched(subsystem, total, seconds, help string, buckets []float64, labels []string, outcome string) watched {
	return watched{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: total + "_total", Help: help + ".",
		}, append([]string{outcome}, labels...)),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: seconds + "_seconds", Help: "Time taken: " + help + ".", Buckets: buckets,
		}, labels),
	}
}

func (w watched) note(took time.Duration, outcome string, labels ...string) {
	w.seconds.WithLabelValues(labels...).Observe(took.Seconds())
	w.total.WithLabelValues(append([]string{outcome}, labels...)...).Inc()
}

func (w watched) begin(ctx context.Context, call string) (context.Context, func(string)) {
	start := time.Now()
	return ctx, func(outcome string) { w.note(time.Since(start), outcome, call) }
}
