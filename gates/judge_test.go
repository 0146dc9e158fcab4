package gates_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/gates/sequential"
)

// A stage as the whole judge sees it: a canary of 100 of 10,000 nodes, an
// execution of each in every minute of an hour, and a decision in every minute.
// gates/sequential tries the test alone on 10,000 runs of the same setup.
const stageRule = `rollout_health {"metrics":[{"name":"errors","max":0.5,"min_samples":100,"compare":{"alpha":"0.01","min_samples":1000}}],"min_reporting_percent":90,"max_age":"5m","window":"1h"}`

const stageMinutes = 60

// failing draws how many of n executions fail.
func failing(random *rand.Rand, n int, rate float64) int64 {
	failed := int64(0)
	for range n {
		if random.Float64() < rate {
			failed++
		}
	}
	return failed
}

// stage runs a stage to its end, and returns what was done then.
func stage(t *testing.T, rules gates.Ruleset, random *rand.Rand, canaryRate, controlRate float64) gates.Step {
	t.Helper()
	activated := at
	c := gates.Context{Subject: cohort(), Rules: rules, Actor: "orgo", Evaluator: gates.EvaluatorVersion}
	j := gates.Judgement{Subject: cohort(), Deadline: activated.Add(2 * time.Hour), OnDeadline: rules.OnDeadline(c)}
	before, canaryFailed, controlFailed := sequential.Start(), int64(0), int64(0)
	step := gates.Hold
	for minute := int64(1); minute <= stageMinutes && step == gates.Hold; minute++ {
		canaryFailed += failing(random, 100, canaryRate)
		controlFailed += failing(random, 9_900, controlRate)
		value := float64(canaryFailed) / float64(100*minute)
		c.At = activated.Add(time.Duration(minute) * time.Minute)
		w := gates.Window{Digest: digest("window"), ActivatedAt: activated, From: activated, To: c.At, Ended: minute == stageMinutes,
			Expected: 100, Reporting: 100, Measured: 1, Metrics: []gates.Metric{{Name: "errors", Samples: 100 * minute, Value: &value,
				Comparison: &gates.Comparison{Since: activated, Before: before, Canary: gates.Counts{Samples: 100 * minute, Failures: &canaryFailed},
					Control: gates.Counts{Samples: 9_900 * minute, Failures: &controlFailed}}}}}
		d := gates.Health(c, w)
		carried, err := gates.Carried(w, d)
		require.NoError(t, err)
		require.NotNil(t, carried["errors"].Before)
		before = *carried["errors"].Before
		j, step = j.Next(d)
	}
	return step
}

// ends counts how stages end.
func ends(t *testing.T, seed uint64, canaryRate, controlRate float64) (map[gates.Step]int, int) {
	t.Helper()
	rules, random, many := parsed(t, stageRule), rand.New(rand.NewPCG(seed, 11)), max(gatestest.Cases(t, 300), 100)
	counts := map[gates.Step]int{}
	for range many {
		counts[stage(t, rules, random, canaryRate, controlRate)]++
	}
	t.Logf("%v next to %v: %v", canaryRate, controlRate, counts)
	require.Zero(t, counts[gates.Hold], "a stage that had its time has ended")
	return counts, many
}

// A stage whose canary is like its control advances, and one whose canary fails
// twice as often is rolled back before the next.
func TestTheJudgeOfAStage(t *testing.T) {
	t.Parallel()
	same, many := ends(t, 1, 0.02, 0.02)
	require.LessOrEqual(t, float64(same[gates.RollBack]), 0.01*float64(many))
	worse, many := ends(t, 2, 0.04, 0.02)
	require.GreaterOrEqual(t, float64(worse[gates.RollBack]), 0.95*float64(many))
}
