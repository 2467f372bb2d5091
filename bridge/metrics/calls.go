package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Buckets of the histograms, in seconds: fast for calls that wait for the disk or
// for Kratos, whose password hashing takes a good part of a second; slow for calls
// to hooks and receivers.
var (
	fastBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	slowBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
)

// callMetrics is a counter by outcome and a histogram without the outcome, because
// the histogram has a dozen series for each combination of labels.
type callMetrics struct {
	total   *prometheus.CounterVec
	seconds *prometheus.HistogramVec

	mu     sync.RWMutex
	series map[callLabels]callSeries // found before: the vectors find them by hashing all labels
}

// callLabels are the values of the labels, the outcome first. Unused ones are empty.
type callLabels [4]string

type callSeries struct {
	total   prometheus.Counter
	seconds prometheus.Observer
}

func newCallMetrics(subsystem, total, seconds, help string, buckets []float64, labels []string, outcome string) *callMetrics {
	return &callMetrics{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: total + "_total", Help: help + ".",
		}, append([]string{outcome}, labels...)),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: seconds + "_seconds", Help: "Duration: " + help + ".", Buckets: buckets,
		}, labels),
		series: make(map[callLabels]callSeries),
	}
}

// observe counts a call. labels has a value for each of the n labels.
func (w *callMetrics) observe(took time.Duration, n int, labels callLabels) {
	w.mu.RLock()
	s, ok := w.series[labels]
	w.mu.RUnlock()
	if !ok {
		s = callSeries{w.total.WithLabelValues(labels[:n]...), w.seconds.WithLabelValues(labels[1:n]...)}
		w.mu.Lock()
		w.series[labels] = s
		w.mu.Unlock()
	}
	s.seconds.Observe(took.Seconds())
	s.total.Inc()
}

func (w *callMetrics) start(ctx context.Context, call string) (context.Context, func(string)) {
	start := time.Now()
	return ctx, func(outcome string) { w.observe(time.Since(start), 2, callLabels{outcome, call}) }
}
