package main

import (
	"math"
	"slices"
)

// estimate is the median of ratios, and where the true one lies.
type estimate struct {
	median, low, high float64
	coverage          float64 // how sure it is that the true median is from low to high
}

// confidence is how sure an interval must be, at least, if there are enough values.
const confidence = 0.95

// estimateOf returns the median of values and its interval by the sign test: the
// k-th smallest and the k-th largest value, with the largest k that is sure enough.
// It assumes nothing of how values are spread, save that they are independent: a
// round that another program disturbed is one vote. With fewer than six values no
// interval is sure enough; then it is that of all of them. There must be a value.
func estimateOf(values []float64) estimate {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	e := estimate{median: (sorted[(n-1)/2] + sorted[n/2]) / 2}
	rank := 1
	for outside(n, rank+1) <= 1-confidence {
		rank++
	}
	e.low, e.high, e.coverage = sorted[rank-1], sorted[n-rank], 1-outside(n, rank)
	return e
}

// outside returns how likely it is that the true median is not between the k-th
// smallest and the k-th largest of n values: that fewer than k of n tosses of a coin
// are heads, or fewer than k tails.
func outside(n, k int) float64 {
	sum, ways := 0.0, 1.0
	for heads := range k {
		sum += ways
		ways = ways * float64(n-heads) / float64(heads+1)
	}
	return min(1, 2*sum*math.Pow(0.5, float64(n)))
}
