package telemetry_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/records/telemetry"
)

// sketchOf returns the sketch of values, through samples, as there is no other way.
func sketchOf(t require.TestingT, values []int64) telemetry.Sketch {
	r := telemetry.NewReducer(acme, release(), canary)
	item := read(t, sampleJSON(telemetry.KindExecution))
	for i, value := range values {
		item.Outcome = &telemetry.Outcome{Status: telemetry.Succeeded, DurationMS: &value}
		r.Add(telemetry.Stored{Position: int64(i + 1), Sample: item.Sample})
	}
	w, err := r.Window()
	require.NoError(t, err)
	return w.Metrics[string(telemetry.KindExecution)].Sketch
}

func TestQuantilesAreWithinTheStatedError(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Exponents are drawn, so that values of every size come.
		value := rapid.Custom(func(t *rapid.T) int64 {
			return rapid.Int64Range(0, int64(1)<<rapid.IntRange(0, 40).Draw(t, "bits")).Draw(t, "value")
		})
		values := rapid.SliceOfN(value, 1, 60).Draw(t, "values")
		permille := rapid.Int64Range(0, 1000).Draw(t, "permille")
		got, some := sketchOf(t, values).Quantile(permille)
		require.True(t, some)
		slices.Sort(values)
		want := values[max(1, (int64(len(values))*permille+999)/1000)-1]
		require.LessOrEqual(t, abs(got-want)*telemetry.RelativeError, want, "%d for %d", got, want)
	})
}

func abs(n int64) int64 { return max(n, -n) }

// However values are ordered and split up, the sketch is the same one, exactly.
func TestSketchesMergeExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, telemetry.MaxValue), 1, 60).Draw(t, "values")
		i := rapid.IntRange(0, len(values)).Draw(t, "i")
		j := rapid.IntRange(i, len(values)).Draw(t, "j")
		whole := sketchOf(t, values)
		a, b, c := sketchOf(t, values[:i]), sketchOf(t, values[i:j]), sketchOf(t, values[j:])
		require.Equal(t, whole, a.Merge(b).Merge(c))
		require.Equal(t, whole, a.Merge(b.Merge(c)))
		require.Equal(t, whole, c.Merge(a).Merge(b))
		require.Equal(t, whole, sketchOf(t, rapid.Permutation(values).Draw(t, "permuted")))
	})
}

func TestSketchesAreBounded(t *testing.T) {
	t.Parallel()
	buckets := map[int64]bool{}
	for bits := range 41 {
		for part := range int64(64) {
			low := int64(1) << bits
			for _, bucket := range sketchOf(t, []int64{min(low+part*max(1, low/64), telemetry.MaxValue)}) {
				buckets[bucket[0]] = true
				require.Less(t, bucket[0], int64(telemetry.MaxBuckets))
			}
		}
	}
	require.Len(t, buckets, telemetry.MaxBuckets-1, "all are reached but that of 0")
	_, some := telemetry.Sketch(nil).Quantile(500)
	require.False(t, some, "nothing has no quantile")
}
