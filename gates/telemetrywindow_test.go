package gates_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/sequential"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/telemetry"
)

const packID = "pack-2"

// switchedOn is when the cohort of relayed windows was activated.
var switchedOn = at.Add(-10 * time.Minute)

// relayed returns the window that a cohort of four nodes makes of samples: n0 to n3.
func relayed(t require.TestingT, samples ...telemetry.Sample) telemetry.Window {
	r := telemetry.NewReducer("org", telemetry.Release{
		ID: "rel_1", PackID: packID, Signals: []string{"load"},
		Cohorts: map[string]telemetry.Cohort{"canary": {ActivatedAt: switchedOn, Members: map[string]struct{}{"n0": {}, "n1": {}, "n2": {}, "n3": {}}}},
	}, "canary")
	for i, sample := range samples {
		r.Add(telemetry.Stored{Position: int64(i + 1), Sample: sample})
	}
	w, err := r.Window()
	require.NoError(t, err)
	require.NoError(t, w.Check())
	return w
}

func execution(node string, second int, status telemetry.Status, ms int64) telemetry.Sample {
	return telemetry.Sample{NodeID: node, Kind: telemetry.KindExecution, At: switchedOn.Add(time.Duration(second) * time.Second),
		Outcome: &telemetry.Outcome{Status: status, DurationMS: &ms}}
}

func nodeState(node string, second int, pack string, load ...float64) telemetry.Sample {
	state := &telemetry.NodeState{StateID: fmt.Sprint(second), Active: telemetry.ActivePack{PackID: pack, ActivatedAt: switchedOn.Add(time.Second)},
		Health: telemetry.Health{Status: telemetry.Healthy}}
	for _, value := range load {
		state.Health.Signals = append(state.Health.Signals, telemetry.Signal{Name: "load", Value: value})
	}
	return telemetry.Sample{NodeID: node, Kind: telemetry.KindNodeState, At: switchedOn.Add(time.Duration(second) * time.Second), NodeState: state}
}

func valuesOf(w gates.Window) map[string]any {
	values := map[string]any{}
	for _, m := range w.Metrics {
		values[m.Name] = nil
		if m.Value != nil {
			values[m.Name] = *m.Value
		}
	}
	return values
}

func TestAWindowIsEvidence(t *testing.T) {
	t.Parallel()
	sent := relayed(t,
		nodeState("n0", 10, packID, 0.25), nodeState("n1", 20, "pack-1", 0.75),
		execution("n0", 30, telemetry.Succeeded, 10), execution("n0", 31, telemetry.Failed, 30), execution("n2", 40, telemetry.Succeeded, 50),
		telemetry.Sample{NodeID: "n2", Kind: telemetry.KindActivation, At: switchedOn.Add(time.Minute), Outcome: &telemetry.Outcome{Status: telemetry.Succeeded}})
	w := gates.WindowOf(sent, at, at)
	require.Equal(t, map[string]any{
		"activation.proven": 0.25, "activation.failure_rate": 0.0, "node_state.failure_rate": 0.0,
		"execution.failure_rate": 1.0 / 3, "execution.mean": 30.0, "execution.p50": 30.0, "execution.p90": 50.0, "execution.p99": 50.0,
		"signal.load.mean": 0.5, "signal.load.p50": 0.249, "signal.load.p90": 0.743, "signal.load.p99": 0.743, // within 1/64
	}, valuesOf(w))
	require.True(t, slices.IsSortedFunc(w.Metrics, func(a, b gates.Metric) int { return cmpNames(a, b) }))
	for _, m := range w.Metrics {
		want := map[string]int64{"activation.proven": 4, "activation.failure_rate": 1, "node_state.failure_rate": 2}[m.Name]
		if want == 0 {
			want = map[byte]int64{'e': 3, 's': 2}[m.Name[0]]
		}
		require.Equal(t, want, m.Samples, m.Name)
	}
	metrics := w.Metrics
	w.Metrics = nil
	require.Equal(t, gates.Window{
		Digest: sent.Digest, ActivatedAt: switchedOn, From: switchedOn.Add(10 * time.Second), To: switchedOn.Add(time.Minute), HeardSince: switchedOn.Add(10 * time.Second),
		Ended: true, Expected: 4, Reporting: 3, Measured: len(metrics),
	}, w)
}

func cmpNames(a, b gates.Metric) int {
	if a.Name < b.Name {
		return -1
	}
	return 1
}

// An analysis has ended when it had its time, and one without an end never has.
func TestAnAnalysisEndsAtItsTime(t *testing.T) {
	t.Parallel()
	sent := relayed(t, execution("n0", 30, telemetry.Succeeded, 10))
	for name, x := range map[string]struct {
		ends time.Time
		want bool
	}{
		"at its end":          {at, true},
		"after it":            {at.Add(-time.Nanosecond), true},
		"before it":           {at.Add(time.Nanosecond), false},
		"no end":              {time.Time{}, false},
		"an end at its start": {switchedOn, false},
	} {
		require.Equal(t, x.want, gates.WindowOf(sent, x.ends, at).Ended, name)
	}
}

// What is not known has no value, and so no rule passes on it.
func TestWhatIsNotMeasuredHasNoValue(t *testing.T) {
	t.Parallel()
	unmeasured := relayed(t, telemetry.Sample{NodeID: "n0", Kind: telemetry.KindExecution, At: switchedOn.Add(time.Second), Outcome: &telemetry.Outcome{Status: telemetry.Succeeded}})
	require.Equal(t, map[string]any{"activation.proven": 0.0, "execution.failure_rate": 0.0}, valuesOf(gates.WindowOf(unmeasured, at, at)))

	outOfRange := gates.WindowOf(relayed(t, nodeState("n0", 1, packID, 0.1), nodeState("n1", 2, packID, -7)), at, at)
	require.Contains(t, valuesOf(outOfRange), "signal.load.p99")
	require.Nil(t, valuesOf(outOfRange)["signal.load.p99"], "the highest may be the one that is not measured")
	require.Nil(t, valuesOf(outOfRange)["signal.load.mean"])
	require.NotContains(t, valuesOf(outOfRange), "signal.load.failure_rate", "a signal does not fail: a bound on how often could never refuse")

	saturated := make([]telemetry.Sample, 8193)
	for i := range saturated {
		saturated[i] = execution("n0", i%500, telemetry.Succeeded, telemetry.MaxValue)
	}
	values := valuesOf(gates.WindowOf(relayed(t, saturated...), at, at))
	require.Nil(t, values["execution.mean"], "a sum at its bound says less than there was")
	require.NotNil(t, values["execution.p50"])
}

// A window that was made up, or changed on its way, is no evidence, and no decision on
// it permits.
func TestAWindowThatSamplesCannotHaveMadeIsNoEvidence(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(*telemetry.Window){
		"another count of nodes":    func(w *telemetry.Window) { w.Reporting = 4 },
		"a failure less":            func(w *telemetry.Window) { w.Metrics["execution"] = telemetry.Metric{Samples: 1} },
		"proven by nobody":          func(w *telemetry.Window) { w.Active = 1 },
		"activated at another time": func(w *telemetry.Window) { w.ActivatedAt = w.ActivatedAt.Add(-time.Hour) },
		"nothing at all":            func(w *telemetry.Window) { *w = telemetry.Window{} },
	} {
		sent := relayed(t, execution("n0", 30, telemetry.Failed, 10))
		plant(&sent)
		w := gates.WindowOf(sent, at, at)
		require.Zero(t, w, name)
		c := context(records.Activate)
		require.False(t, gates.Health(c, w).Permits(), name)
	}
}

// Neither the order of a map nor of samples shows, and a decision is made again from
// what it keeps.
func TestWindowsAreTheSameWhoeverMakesThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var samples []telemetry.Sample
		for i := range rapid.IntRange(1, 20).Draw(t, "samples") {
			node := fmt.Sprintf("n%d", rapid.IntRange(0, 3).Draw(t, "node"))
			if rapid.Bool().Draw(t, "state") {
				samples = append(samples, nodeState(node, 100+i, rapid.SampledFrom([]string{packID, "pack-1"}).Draw(t, "pack"), rapid.Float64Range(0, 9).Draw(t, "load")))
			} else {
				samples = append(samples, execution(node, i, rapid.SampledFrom([]telemetry.Status{telemetry.Succeeded, telemetry.Failed}).Draw(t, "status"), rapid.Int64Range(0, 1e6).Draw(t, "ms")))
			}
		}
		w := gates.WindowOf(relayed(t, samples...), at, at)
		require.Equal(t, w, gates.WindowOf(relayed(t, rapid.Permutation(samples).Draw(t, "order")...), at, at))
		d := gates.Health(context(records.Activate), w)
		again, err := gates.Replay(d, context(records.Activate).Rules)
		require.NoError(t, err)
		require.Equal(t, d.InputsDigest, again.InputsDigest)
	})
}

const failuresRule = `rollout_health {"metrics":[{"name":"execution.failure_rate","max":0.05,"min_samples":1,"max_consecutive_failures":2}],"min_reporting_percent":1,"max_age":"1h"}`

// decided returns the decision on the window of so many samples, the newest of which
// failed, and the window.
func decided(t *testing.T, samples int, before *gates.Decision) gates.Decision {
	t.Helper()
	sent := make([]telemetry.Sample, samples)
	for i := range sent {
		sent[i] = execution("n0", i, telemetry.Failed, 10)
	}
	c := context(records.Activate)
	c.Rules = parsed(t, failuresRule)
	w, err := gates.WindowOf(relayed(t, sent...), at, at).After(before)
	require.NoError(t, err)
	return gates.Health(c, w)
}

// A row of failed windows grows from decision to decision, and looking at one again
// makes no other of it.
func TestAWindowCarriesWhatWasBefore(t *testing.T) {
	t.Parallel()
	first := decided(t, 2, nil)
	require.Equal(t, gates.Pending, first.Verdict)
	again := decided(t, 2, &first)
	require.Equal(t, first.InputsDigest, again.InputsDigest, "the same window is no further failure")
	second := decided(t, 3, &again)
	require.Equal(t, gates.Pending, second.Verdict)
	require.Equal(t, gates.Fail, decided(t, 4, &second).Verdict)

	c := context(records.Activate)
	c.Rules = parsed(t, failuresRule)
	alone := gates.Health(c, gates.WindowOf(relayed(t, execution("n0", 1, telemetry.Failed, 1), execution("n0", 2, telemetry.Failed, 1)), at, at))
	require.Contains(t, alone.Codes, gates.MetricNoData, "one that carries nothing is not the first")
}

// What did not grow from the window before carries nothing.
func TestAWindowCarriesNothingOfAnother(t *testing.T) {
	t.Parallel()
	first := decided(t, 3, nil)
	next := gates.WindowOf(relayed(t, execution("n0", 0, telemetry.Failed, 10), execution("n0", 9, telemetry.Failed, 10)), at, at)
	_, err := next.After(&first)
	require.NoError(t, err)
	for name, x := range map[string]struct {
		window   func(*gates.Window)
		decision func(*gates.Decision)
	}{
		"of another activation": {window: func(w *gates.Window) { w.ActivatedAt = w.ActivatedAt.Add(time.Second) }},
		"of another cohort":     {window: func(w *gates.Window) { w.Expected++ }},
		"older":                 {window: func(w *gates.Window) { w.To = w.From }},
		"without a metric":      {window: func(w *gates.Window) { w.Metrics = w.Metrics[:1] }},
		"of another gate":       {decision: func(d *gates.Decision) { d.Gate = gates.GateFreeze }},
		"inputs that are lost":  {decision: func(d *gates.Decision) { d.Inputs = nil }},
		"inputs of another":     {decision: func(d *gates.Decision) { d.Inputs = marshalled(next) }},
		"inputs that are none":  {decision: func(d *gates.Decision) { d.Inputs = []byte(`{"windows":1}`) }},
	} {
		w, d := next, first
		if x.window != nil {
			x.window(&w)
		}
		if x.decision != nil {
			x.decision(&d)
		}
		carried, err := w.After(&d)
		require.Error(t, err, name)
		require.Zero(t, carried, name)
	}
}

// The comparison goes on where the look before ended; what one look missed the next
// one takes in.
func TestAComparisonIsCarried(t *testing.T) {
	t.Parallel()
	c := context(records.Activate)
	c.Rules = parsed(t, comparedRule)
	window := func(samples int64, failures *int64) gates.Window {
		w := soundWindow()
		m := wellMetric("errors")
		m.FailedBefore, m.Comparison = nil, &gates.Comparison{Since: w.ActivatedAt, Canary: gates.Counts{Samples: samples, Failures: failures}, Control: gates.Counts{Samples: 100 * samples, Failures: counted(2 * samples)}}
		w.Metrics, w.Digest, w.Measured = []gates.Metric{m}, digest(fmt.Sprint(samples)), 1
		return w
	}
	first, err := window(60, counted(2)).After(nil)
	require.NoError(t, err)
	require.Equal(t, sequential.Start(), first.Metrics[0].Comparison.Before)
	d := gates.Health(c, first)

	second, err := window(70, nil).After(&d)
	require.NoError(t, err)
	canary, _ := second.Metrics[0].Comparison.Before.Counts()
	require.Equal(t, sequential.Counts{Samples: 60, Failures: 2}, canary)
	missed := gates.Health(c, second)
	require.False(t, missed.Permits())

	third, err := window(80, counted(3)).After(&missed)
	require.NoError(t, err)
	require.Equal(t, second.Metrics[0].Comparison.Before, third.Metrics[0].Comparison.Before)
}
