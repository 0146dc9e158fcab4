package main

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEstimate(t *testing.T) {
	t.Parallel()
	values := []float64{5, 1, 4, 2, 3, 6, 8, 7, 10, 9}
	e := estimateOf(values)
	require.Equal(t, 5.5, e.median)
	// Tables of the sign test: for ten values the second smallest and largest, 97.9 %.
	require.Equal(t, []float64{2, 9}, []float64{e.low, e.high})
	require.InDelta(t, 0.9785, e.coverage, 0.0001)
	require.Equal(t, 5.0, values[0], "the values stay as they were")

	e = estimateOf([]float64{3, 1, 2})
	require.Equal(t, []float64{2, 1, 3}, []float64{e.median, e.low, e.high})
	require.InDelta(t, 0.75, e.coverage, 0.0001)
	e = estimateOf([]float64{7})
	require.Equal(t, []float64{7, 7, 7}, []float64{e.median, e.low, e.high})
}

// TestIntervalsHoldTheTruth draws from values whose median is known, most of them
// far off on one side.
func TestIntervalsHoldTheTruth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	const draws = 5000
	held := 0
	for range draws {
		values := make([]float64, 24)
		for i := range values {
			values[i] = random.ExpFloat64()
		}
		if e := estimateOf(values); e.low <= ln2 && ln2 <= e.high {
			held++
		}
	}
	require.Greater(t, float64(held)/draws, confidence)
	require.Less(t, float64(held)/draws, 0.98, "wider than it must be")
}

// ln2 is the median of what ExpFloat64 returns.
const ln2 = 0.6931471805599453
