package telemetry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/telemetry"
)

func merge(t require.TestingT, a, b telemetry.Window) telemetry.Window {
	merged, err := telemetry.Merge(a, b)
	require.NoError(t, err)
	return merged
}

// The windows of a cohort are a chain, and Merge its join.
func TestMergeIsAssociativeCommutativeAndIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		windows := reduce(t, samples(t))
		pick := rapid.SampledFrom(windows)
		a, b, c := pick.Draw(t, "a"), pick.Draw(t, "b"), pick.Draw(t, "c")
		require.Equal(t, merge(t, a, a), a)
		require.Equal(t, merge(t, a, b), merge(t, b, a))
		require.Equal(t, merge(t, merge(t, a, b), c), merge(t, a, merge(t, b, c)))
		// In whatever order they come, and however often: the last one is what stays.
		kept := windows[0]
		for _, w := range rapid.Permutation(append(windows, windows...)).Draw(t, "order") {
			kept = merge(t, kept, w)
		}
		require.Equal(t, last(windows), kept)
	})
}

// The order in which samples are stored changes nothing that is counted, and every
// sample is in the window.
func TestEverySampleIsAccountedForInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawn := samples(t)
		window := last(reduce(t, drawn))
		require.EqualValues(t, len(drawn), window.Total())
		permuted := rapid.Permutation(drawn).Draw(t, "permuted")
		for i := range permuted {
			permuted[i].Position = int64(i + 1)
		}
		require.Equal(t, window, last(reduce(t, permuted)))
	})
}

func TestWindowsCountWhatIsReported(t *testing.T) {
	t.Parallel()
	failed := sampleJSON(telemetry.KindActivation)
	failed["outcome"] = map[string]any{"status": "FAILED", "reason_code": "DISK_FULL"}
	w := last(reduce(t, []telemetry.Stored{
		stored(t, 1, sampleJSON(telemetry.KindNodeState)),
		node(stored(t, 2, sampleJSON(telemetry.KindExecution)), "n0"),
		stored(t, 3, failed),
		stored(t, 3, failed), // the same position again
		{Position: 4, Code: telemetry.SampleInFuture, Sample: read(t, failed).Sample},
	}))
	require.NoError(t, w.Check())
	require.EqualValues(t, 4, w.Sequence)
	require.EqualValues(t, 3, w.Expected)
	require.EqualValues(t, 2, w.Reporting)
	require.EqualValues(t, 1, w.Active)
	require.EqualValues(t, 3, w.Counted)
	require.Equal(t, map[telemetry.Code]int64{telemetry.SampleInFuture: 1}, w.Refused)
	require.Equal(t, telemetry.PhaseFailed, w.WorstPhase)
	require.Equal(t, telemetry.Metric{Samples: 1, Sum: 1500, Sketch: telemetry.Sketch{{206, 1}}}, w.Metrics[telemetry.SignalMetric("latency")])
	require.Equal(t, telemetry.Metric{Samples: 1, Failures: 1, Sketch: telemetry.Sketch{}}, w.Metrics["activation"])
}

// A node that went back to another pack is not active any more, in whatever order
// its states come; nor is one that ran the pack before the activation.
func TestOnlyTheNewestStateProvesActivation(t *testing.T) {
	t.Parallel()
	back := sampleJSON(telemetry.KindNodeState)
	back["at"] = "2026-03-01T12:01:00Z"
	state := back["node_state"].(map[string]any)
	state["created_at"] = back["at"]
	state["active"].(map[string]any)["pack_id"] = "pack-1"
	there := sampleJSON(telemetry.KindNodeState)
	require.EqualValues(t, 0, last(reduce(t, []telemetry.Stored{stored(t, 1, there), stored(t, 2, back)})).Active)
	require.EqualValues(t, 0, last(reduce(t, []telemetry.Stored{stored(t, 1, back), stored(t, 2, there)})).Active)
	there["node_state"].(map[string]any)["active"].(map[string]any)["activated_at"] = "2026-03-01T11:59:59Z"
	require.EqualValues(t, 0, last(reduce(t, []telemetry.Stored{stored(t, 1, there)})).Active)
}

// Rows that got into the store past admission do not count.
func TestAReducerTrustsNoRow(t *testing.T) {
	t.Parallel()
	early := stored(t, 2, sampleJSON(telemetry.KindExecution))
	early.At = activated.Add(-time.Nanosecond)
	w := last(reduce(t, []telemetry.Stored{node(stored(t, 1, sampleJSON(telemetry.KindExecution)), "n3"), early}))
	require.Zero(t, w.Counted)
	require.Empty(t, w.Metrics)
	require.Equal(t, map[telemetry.Code]int64{telemetry.NodeNotInCohort: 1, telemetry.SampleBeforeActivation: 1}, w.Refused)
}

// Each change is one that somebody could make to a window on its way. Those that
// know no digest are found by it; of the others, what cannot be is found, and what
// contradicts a window that is known.
func TestForgedWindowsAreRefused(t *testing.T) {
	t.Parallel()
	windows := reduce(t, []telemetry.Stored{
		stored(t, 1, sampleJSON(telemetry.KindNodeState)), stored(t, 2, sampleJSON(telemetry.KindExecution)),
		{Position: 3, Code: telemetry.SampleStale, Sample: read(t, sampleJSON(telemetry.KindExecution)).Sample},
		stored(t, 4, sampleJSON(telemetry.KindExecution)),
	})
	earlier, later := windows[2], windows[3]
	for name, forge := range map[string]func(*telemetry.Window){
		"no cohort":               func(w *telemetry.Window) { w.Cohort = "" },
		"another cohort":          func(w *telemetry.Window) { w.Cohort = "wide" },
		"another organization":    func(w *telemetry.Window) { w.Organization = "other" },
		"another release":         func(w *telemetry.Window) { w.ReleaseID = "rel-2" },
		"no sequence":             func(w *telemetry.Window) { w.Sequence = 0 },
		"the earlier's sequence":  func(w *telemetry.Window) { w.Sequence = 3 },
		"more members":            func(w *telemetry.Window) { w.Expected = 4 },
		"more reporting":          func(w *telemetry.Window) { w.Reporting = 4 },
		"nobody reporting":        func(w *telemetry.Window) { w.Reporting, w.Active = 0, 0 },
		"more active":             func(w *telemetry.Window) { w.Active = 3 },
		"more counted":            func(w *telemetry.Window) { w.Counted = 9 },
		"fewer counted":           func(w *telemetry.Window) { w.Counted = 2 },
		"no phase that there is":  func(w *telemetry.Window) { w.WorstPhase = "FINE" },
		"a better phase":          func(w *telemetry.Window) { w.WorstPhase = "" },
		"no metrics":              func(w *telemetry.Window) { w.Metrics = nil },
		"nothing refused":         func(w *telemetry.Window) { w.Refused = nil },
		"a code that is none":     func(w *telemetry.Window) { w.Refused = map[telemetry.Code]int64{"FINE": 1} },
		"later activated":         func(w *telemetry.Window) { w.ActivatedAt = w.ActivatedAt.Add(time.Second) },
		"from before activation":  func(w *telemetry.Window) { w.From = activated.Add(-time.Second) },
		"not activated":           func(w *telemetry.Window) { w.ActivatedAt = time.Time{} },
		"to before from":          func(w *telemetry.Window) { w.To = w.From.Add(-time.Second) },
		"negative failures":       metric(func(m *telemetry.Metric) { m.Failures = -1 }),
		"more failures":           metric(func(m *telemetry.Metric) { m.Failures = 100 }),
		"a smaller sum":           metric(func(m *telemetry.Metric) { m.Sum = 1 }),
		"a bucket twice":          metric(func(m *telemetry.Metric) { m.Sketch = append(m.Sketch, m.Sketch...) }),
		"an empty bucket":         metric(func(m *telemetry.Metric) { m.Sketch = telemetry.Sketch{{1, 0}} }),
		"a bucket that is none":   metric(func(m *telemetry.Metric) { m.Sketch = telemetry.Sketch{{telemetry.MaxBuckets, 1}} }),
		"values in other buckets": metric(func(m *telemetry.Metric) { m.Sketch = telemetry.Sketch{{1, 2}} }),
		"more values":             metric(func(m *telemetry.Metric) { m.Sketch = telemetry.Sketch{{95, 3}} }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forged := later
			forged.Metrics = map[string]telemetry.Metric{}
			for name, m := range later.Metrics {
				m.Sketch = append(telemetry.Sketch{}, m.Sketch...)
				forged.Metrics[name] = m
			}
			forge(&forged)
			requireRefused(t, earlier, forged, telemetry.WindowInvalid)
			forged.Digest = records.Digest{}
			digest, err := records.CanonicalDigest(forged)
			require.NoError(t, err)
			forged.Digest = digest
			requireRefused(t, earlier, forged, telemetry.WindowInvalid, telemetry.WindowConflict)
		})
	}
}

func metric(change func(*telemetry.Metric)) func(*telemetry.Window) {
	return func(w *telemetry.Window) {
		m := w.Metrics["execution"]
		change(&m)
		w.Metrics["execution"] = m
	}
}

func requireRefused(t *testing.T, known, offered telemetry.Window, codes ...telemetry.Code) {
	t.Helper()
	_, err := telemetry.Merge(known, offered)
	var refusal *telemetry.Refusal
	require.True(t, errors.As(err, &refusal), "taken: %v", err)
	require.Contains(t, codes, refusal.Code)
}
