package main

import (
	"slices"
)

// median returns the middle of the values, or the mean of the two in the middle; 0
// if there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// percentile returns the smallest value that at least p percent of the values do
// not exceed; 0 if there are none.
func percentile(values []float64, p int) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// spread returns the distance between the lowest and the highest value, relative
// to the median.
func spread(values []float64) float64 {
	if m := median(values); m != 0 {
		return (slices.Max(values) - slices.Min(values)) / m
	}
	return 0
}

// ratios divides pairwise, for as many pairs as there are.
func ratios(of, by []float64) []float64 {
	var all []float64
	for i := range min(len(of), len(by)) {
		if by[i] != 0 {
			all = append(all, of[i]/by[i])
		}
	}
	return all
}
