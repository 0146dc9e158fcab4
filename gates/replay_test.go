package gates_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func canonical(t require.TestingT, v any) string {
	text, err := records.Canonical(v)
	require.NoError(t, err)
	return string(text)
}

// stored returns a decision as it comes back from where it was kept.
func stored(t require.TestingT, d gates.Decision) gates.Decision {
	var back gates.Decision
	require.NoError(t, json.Unmarshal([]byte(canonical(t, d)), &back))
	return back
}

// overruling returns a policy that lets every gate be overridden that ever may.
func overruling(t *testing.T) gates.Ruleset {
	t.Helper()
	policy, err := gates.ParsePolicy(digest("overruling"), []byte(`{"bundle_id":"b","policies":[{"policy_id":"p","enforcement":"MUST","rules":[
		{"rule_id":"o","type":"override","config":{"max_duration":"4h","separate":true,
			"gates":["provenance","determinism","reproducibility","compatibility","approvals","rollout-health","freeze"]}},
		{"rule_id":"a","type":"approvals","config":{"quorum":2,"max_age":"24h"}}]}]}`))
	require.NoError(t, err)
	rules, err := policy.Compile()
	require.NoError(t, err)
	return rules
}

// Replay makes every decision again, byte for byte, also one that overrides, and
// a backtest of the same rules finds every decision identical.
func TestReplayIsExact(t *testing.T) {
	t.Parallel()
	over := overruling(t)
	for _, s := range subjects() {
		t.Run(string(s.gate), func(t *testing.T) {
			t.Parallel()
			pool := s.pool(t)
			rapid.Check(t, func(t *rapid.T) {
				x, rules := s.draw(t, pool, 4, true)
				d, err := s.decide(x.context(rules), x.Evidence)
				require.NoError(t, err)
				again, err := gates.Replay(stored(t, d), rules)
				require.NoError(t, err)
				require.Equal(t, canonical(t, d), canonical(t, again))
				test := gates.NewBacktest(rules)
				test.Add(stored(t, d), rules)

				c := x.context(over)
				refused, err := s.decide(c, x.Evidence)
				require.NoError(t, err)
				o := gates.Override{Actor: rapid.SampledFrom([]string{"", "olga", "rita"}).Draw(t, "actor"), Reason: "outage", CaseID: "INC-1",
					ExpiresAt: at.Add(time.Duration(rapid.IntRange(-1, 6).Draw(t, "hours")) * time.Hour), Of: refused.InputsDigest}
				second := gates.Overrule(c, refused, "rita", o)
				again, err = gates.Replay(stored(t, second), over)
				require.NoError(t, err)
				require.Equal(t, canonical(t, second), canonical(t, again))

				require.Equal(t, test.Decisions, test.Identical)
				require.Equal(t, 1, test.Decisions)
				both := gates.NewBacktest(over)
				both.Add(stored(t, refused), over)
				both.Add(stored(t, second), over)
				require.Equal(t, 2, both.Identical)
				require.Equal(t, both.Decisions, both.Identical)
			})
		})
	}
}

// Planted faults: what was changed since is not made again.
func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	d := gates.Freeze(context(records.Activate), gates.Action{Kind: gates.ActionPromote})
	for name, fault := range map[string]func(*gates.Decision){
		"other inputs":         func(d *gates.Decision) { d.Inputs = json.RawMessage(`{"kind":"hold"}`) },
		"no inputs":            func(d *gates.Decision) { d.Inputs = nil },
		"an unknown gate":      func(d *gates.Decision) { d.Gate = "taste" },
		"an unknown evaluator": func(d *gates.Decision) { d.EvaluatorVersion = "9" },
		"evaluator 1":          func(d *gates.Decision) { d.EvaluatorVersion = "1" },
		"unknown evidence": func(d *gates.Decision) {
			d.Inputs = json.RawMessage(`{"kind":"hold","also":1}`)
			d.InputsDigest = records.DigestOf(d.Inputs)
		},
	} {
		changed := stored(t, d)
		fault(&changed)
		_, err := gates.Replay(changed, ruleset())
		require.ErrorIs(t, err, gates.ErrNotReplayable, name)
	}
	changed := stored(t, d)
	changed.Verdict = gates.Fail
	again, err := gates.Replay(changed, ruleset())
	require.NoError(t, err)
	require.NotEqual(t, canonical(t, changed), canonical(t, again), "another verdict is seen")
	test := gates.NewBacktest(ruleset())
	test.Add(changed, ruleset())
	require.Zero(t, test.Identical)
}

// What a decision was made from is not kept where it would not fit a workflow's
// payload: the decision says by its digest what it was, and cannot be made again.
func TestLargeInputsAreNotKept(t *testing.T) {
	t.Parallel()
	evidence := good(records.Compile)
	for i := range 2000 {
		part := evidence.Outputs[len(evidence.Outputs)-1]
		part.Artifact.Path = fmt.Sprintf("part-%d", i)
		evidence.Outputs = append(evidence.Outputs, part)
	}
	evidence.Declared = len(evidence.Outputs)
	d := gates.Integrity(context(records.Compile), evidence)
	require.True(t, d.Permits(), "%+v", d.Codes)
	require.Empty(t, d.Inputs)
	require.True(t, d.InputsDigest.Valid())
	_, err := gates.Replay(d, ruleset())
	require.ErrorIs(t, err, gates.ErrNotReplayable)
}
