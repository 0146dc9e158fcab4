package gates_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/sequential"
	"github.com/initkoa/orgo/records"
)

const comparedRule = `rollout_health {"metrics":[{"name":"errors","max":0.5,"min_samples":10,"max_consecutive_failures":5,"compare":{"alpha":"0.01","min_effect":"0.005","min_samples":50}}],"min_reporting_percent":80,"max_age":"5m","silence_budget":"3m","window":"20m"}`

// compared decides over a sound window that was changed, under a rule that looks
// at all there is.
func compared(t *testing.T, change func(*gates.Window)) (gates.Window, gates.Decision) {
	t.Helper()
	c, w := context(records.Activate), soundWindow()
	c.Rules = parsed(t, comparedRule)
	value, m := 0.02, wellMetric("errors")
	m.Value = &value
	w.Metrics, w.HeardSince = []gates.Metric{m}, at.Add(-2*time.Minute)
	require.True(t, gates.Health(c, w).Permits())
	change(&w)
	return w, gates.Health(c, w)
}

func TestComparison(t *testing.T) {
	t.Parallel()
	of := func(canary, failed, control, controlFailed int64) func(*gates.Window) {
		return func(w *gates.Window) {
			w.Metrics[0].Comparison.Canary = gates.Counts{Samples: canary, Failures: &failed}
			w.Metrics[0].Comparison.Control = gates.Counts{Samples: control, Failures: &controlFailed}
		}
	}
	for name, x := range map[string]struct {
		change  func(*gates.Window)
		verdict gates.Verdict
		code    gates.Code
	}{
		"twice the errors":         {of(2_000, 80, 198_000, 3_960), gates.Fail, gates.MetricWorse},
		"worse, and few":           {of(20, 20, 9_900, 198), gates.Fail, gates.MetricWorse},
		"few":                      {of(49, 1, 9_900, 198), gates.Insufficient, gates.MetricTooFewSamples},
		"few to compare with":      {of(100, 2, 49, 1), gates.Insufficient, gates.MetricTooFewSamples},
		"worse by very little":     {of(1e9, 21e6, 1e11, 2e9), gates.Pass, ""},
		"no control":               {of(100, 2, 0, 0), gates.NoData, gates.MetricNoData},
		"no canary":                {of(0, 0, 100, 2), gates.NoData, gates.MetricNoData},
		"more failures than there": {of(100, 101, 100, 2), gates.NoData, gates.MetricNoData},
		"failures unknown":         {func(w *gates.Window) { w.Metrics[0].Comparison.Canary.Failures = nil }, gates.NoData, gates.MetricNoData},
		"not begun":                {func(w *gates.Window) { w.Metrics[0].Comparison.Before = sequential.State{} }, gates.NoData, gates.MetricNoData},
		"none":                     {func(w *gates.Window) { w.Metrics[0].Comparison = nil }, gates.NoData, gates.MetricNoData},
		"from before activation":   {func(w *gates.Window) { w.Metrics[0].Comparison.Since = w.ActivatedAt.Add(-1) }, gates.NoData, gates.MetricNoData},
		"found before": {func(w *gates.Window) {
			w.Metrics[0].Comparison.Before, w.Metrics[0].Comparison.Canary.Failures = worseState(), counted(3)
		}, gates.Fail, gates.MetricWorse},
		"of an earlier release": {func(w *gates.Window) { w.Metrics[0].Comparison.Since = w.ActivatedAt.Add(1) }, gates.NoData, gates.MetricNoData},
		"the control fell silent": {func(w *gates.Window) {
			state, err := sequential.Start().Look(sequential.Counts{Samples: 60, Failures: 1}, sequential.Counts{Samples: 9_900, Failures: 198})
			require.NoError(t, err)
			w.Metrics[0].Comparison.Before = state
		}, gates.NoData, gates.MetricNoData},
		"short":           {func(w *gates.Window) { w.From = w.To.Add(-19 * time.Minute) }, gates.Pending, gates.AnalysisIncomplete},
		"one silent":      {func(w *gates.Window) { w.HeardSince = at.Add(-3 * time.Minute) }, gates.Stale, gates.SilenceBudgetExceeded},
		"silence unknown": {func(w *gates.Window) { w.HeardSince = time.Time{} }, gates.NoData, gates.EvidenceMissing},
	} {
		_, d := compared(t, x.change)
		require.Equal(t, x.verdict, d.Verdict, name)
		if x.code != "" {
			require.Equal(t, []gates.Code{x.code}, d.Codes, name)
		}
	}
}

// A limit of failures is counted in every phase: while it fails, when it has
// recovered, and before anything ended. Within the limit is no pass either.
func TestFailOpen09LimitIsCountedInEveryPhase(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		before  int64
		value   float64
		ended   bool
		verdict gates.Verdict
	}{
		{0, 0.9, true, gates.Pending}, {4, 0.9, true, gates.Pending}, {4, 0.9, false, gates.Pending},
		{5, 0.9, true, gates.Fail}, {17, 0.9, true, gates.Fail}, {17, 0.9, false, gates.Fail},
		{17, 0.01, true, gates.Fail}, {17, 0.01, false, gates.Fail}, {5, 0.01, true, gates.Pass},
	} {
		_, d := compared(t, func(w *gates.Window) {
			w.Metrics[0].FailedBefore, w.Metrics[0].Value, w.Ended = &x.before, &x.value, x.ended
		})
		require.Equal(t, x.verdict, d.Verdict, "%+v", x)
	}
}

// What windows amount to is carried from one to the next: a row of failures, which
// a window without data does not end, and the comparison.
func TestCarried(t *testing.T) {
	t.Parallel()
	bad := 0.9
	carried := func(change func(*gates.Window)) gates.Carry {
		w, d := compared(t, change)
		all, err := gates.Carried(w, d)
		require.NoError(t, err)
		return all["errors"]
	}
	well := carried(func(*gates.Window) {})
	require.Zero(t, well.FailedBefore)
	canary, _ := well.Before.Counts()
	require.Equal(t, sequential.Counts{Samples: 100, Failures: 2}, canary)
	require.EqualValues(t, 4, carried(func(w *gates.Window) { w.Metrics[0].FailedBefore, w.Metrics[0].Value = counted(3), &bad }).FailedBefore)
	require.EqualValues(t, 3, carried(func(w *gates.Window) { w.Metrics[0].FailedBefore, w.Metrics[0].Value = counted(3), nil }).FailedBefore)
	require.Zero(t, carried(func(w *gates.Window) { w.Metrics[0].FailedBefore = counted(3) }).FailedBefore)
	require.Nil(t, carried(func(w *gates.Window) { w.Metrics[0].Comparison = nil }).Before)

	w, d := compared(t, func(*gates.Window) {})
	w.Reporting--
	_, err := gates.Carried(w, d)
	require.Error(t, err, "a decision on another window")
}

// Twice the error rate of a canary of 1 % of 10,000 nodes ends in a rollback, by
// windows that carry what those before them found, and each decision is made again
// from its inputs alone.
func TestACanaryTwiceAsBadIsRolledBack(t *testing.T) {
	t.Parallel()
	c := context(records.Activate)
	c.Rules, c.Subject = parsed(t, comparedRule), cohort()
	j, carry, step := judgement(gates.DeadlinePage), gates.Carry{Before: new(sequential.State)}, gates.Hold
	*carry.Before = sequential.Start()
	for i := int64(1); step == gates.Hold && i <= 60; i++ {
		w, _ := compared(t, func(w *gates.Window) {
			w.Ended = i == 60
			w.Metrics[0].FailedBefore, w.Metrics[0].Comparison.Before = &carry.FailedBefore, *carry.Before
			w.Metrics[0].Comparison.Canary = gates.Counts{Samples: 100 * i, Failures: counted(4 * i)}
			w.Metrics[0].Comparison.Control = gates.Counts{Samples: 9_900 * i, Failures: counted(198 * i)}
		})
		d := gates.Health(c, w)
		again, err := gates.Replay(d, c.Rules)
		require.NoError(t, err)
		require.Equal(t, canonical(t, d), canonical(t, again))
		all, err := gates.Carried(w, d)
		require.NoError(t, err)
		carry = all["errors"]
		j, step = j.Next(d)
	}
	require.Equal(t, gates.RollBack, step)
}
