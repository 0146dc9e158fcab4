package gates_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func underEvaluator1(stage records.Stage, rules ...gates.Rule) gates.Context {
	c := context(stage)
	c.Evaluator, c.Rules = "1", ruleset(rules...)
	return c
}

// Evaluator 1 decides as it did. The golden file comes from commit 413c0c6 and
// is never made again: a difference is a change of what stored decisions mean.
func TestEvaluator1DecidesAsItDid(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/evaluator1.golden")
	require.NoError(t, err)
	var want []oldDecision
	require.NoError(t, json.Unmarshal(data, &want))
	got := oldDecisions(underEvaluator1)
	require.GreaterOrEqual(t, len(want), 30)
	require.Equal(t, want, got)

	differ := 0
	for i, now := range oldDecisions(func(stage records.Stage, rules ...gates.Rule) gates.Context {
		c := context(stage)
		c.Rules = ruleset(rules...)
		return c
	}) {
		if canonical(t, now) != canonical(t, want[i]) {
			differ++
		}
	}
	require.Positive(t, differ, "the cases tell one evaluator from the other")
}

// An evaluator that is not known, and no policy at all, decide nothing.
func TestUnknownEvaluatorsRefuse(t *testing.T) {
	t.Parallel()
	for _, s := range subjects() {
		x, rules := firstOf(t, s)
		for name, change := range map[string]func(*gates.Context){
			"unknown":         func(c *gates.Context) { c.Evaluator = "3" },
			"empty":           func(c *gates.Context) { c.Evaluator = "" },
			"no rules":        func(c *gates.Context) { c.Rules = gates.Ruleset{} },
			"no rules, old":   func(c *gates.Context) { c.Rules, c.Evaluator = gates.Ruleset{}, "1" },
			"nothing at all":  func(c *gates.Context) { *c = gates.Context{} },
			"nearly the same": func(c *gates.Context) { c.Evaluator = " 2" },
		} {
			c := x.context(rules)
			change(&c)
			d, err := s.decide(c, x.Evidence)
			require.NoError(t, err)
			require.Equal(t, gates.Error, d.Verdict, "%s %s", s.gate, name)
			require.Contains(t, d.Codes, gates.GateError, "%s %s", s.gate, name)
		}
	}
}
