package main

import (
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 7: {7}, 2: {9, 1, 2}, 2.5: {4, 1, 3, 2}} {
		kept := slices.Clone(values)
		if got := median(values); got != want || !slices.Equal(values, kept) {
			t.Errorf("%v: %v; now %v", kept, got, values)
		}
	}
}

func TestPercentile(t *testing.T) {
	var hundred []float64
	for i := range 100 {
		hundred = append(hundred, float64(100-i))
	}
	for _, c := range []struct {
		values []float64
		p      int
		want   float64
	}{{hundred, 99, 99}, {hundred, 100, 100}, {hundred, 50, 50}, {hundred[:10], 99, 100}, {[]float64{7}, 0, 7}, {nil, 99, 0}} {
		if got := percentile(c.values, c.p); got != c.want {
			t.Errorf("p%d of %v: %v instead of %v", c.p, c.values, got, c.want)
		}
	}
}

func TestSpread(t *testing.T) {
	for want, values := range map[float64][]float64{0: {0, 0}, 0.5: {8, 10, 13}, 1: {5, 10, 15, 10}} {
		if got := spread(values); got != want {
			t.Errorf("%v: %v instead of %v", values, got, want)
		}
	}
}

func TestRatios(t *testing.T) {
	if got := ratios([]float64{1, 6, 5}, []float64{2, 3, 0, 9}); !slices.Equal(got, []float64{0.5, 2}) {
		t.Error(got)
	}
}
