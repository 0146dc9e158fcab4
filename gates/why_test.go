package gates_test

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/gatestest"
)

// Why-not is exact: what it lists is enough to turn the refusal around, and
// nothing less is. Up to five conditions every strict subset is tried, beyond
// that each set that lacks one, and some random ones.
func TestWhyNotIsExact(t *testing.T) {
	t.Parallel()
	wanted := int64(gatestest.Cases(t, 10_000))
	var refused, subsets atomic.Int64
	all := subjects()
	t.Run("gates", func(t *testing.T) {
		for _, s := range all {
			t.Run(string(s.gate), func(t *testing.T) {
				t.Parallel()
				pool := s.pool(t)
				for seen := int64(0); seen < wanted/int64(len(all))+1; {
					before := refused.Load()
					rapid.Check(t, func(t *rapid.T) {
						n := exact(t, s, pool)
						if n > 0 {
							seen++
							refused.Add(1)
							subsets.Add(int64(n - 1))
						}
					})
					require.Greater(t, refused.Load(), before, "the faults of the gate are none")
				}
			})
		}
	})
	require.GreaterOrEqual(t, refused.Load(), wanted)
	t.Logf("%d refusals, %d strict subsets of their conditions", refused.Load(), subsets.Load())
}

// whyNot says what keeps a decision from permitting: the real one, or one with a fault.
type whyNot func(gates.Decision) []gates.Unmet

// exact draws a trial and, if it is refused, tries what WhyNot lists. It returns
// how many sets of conditions were tried.
func exact(t *rapid.T, s anySubject, pool []gates.Ruleset) int {
	x, rules := s.draw(t, pool, 5, true)
	tried, fault := inexact(t, s, x, rules, gates.WhyNot)
	require.Empty(t, fault, "%s", x.Evidence)
	return tried
}

// inexact returns what is wrong with the conditions that are listed for a trial.
func inexact(t require.TestingT, s anySubject, x trial, rules gates.Ruleset, why whyNot) (tried int, fault string) {
	d, err := s.decide(x.context(rules), x.Evidence)
	require.NoError(t, err)
	conditions := why(d)
	if d.Permits() != (len(conditions) == 0) {
		return 0, fmt.Sprintf("%s, and %d conditions are unmet", d.Verdict, len(conditions))
	}
	if d.Permits() {
		return 0, ""
	}
	again := func(met []gates.Unmet) gates.Decision {
		c := x.context(rules)
		evidence, err := s.repair(&c, x.Evidence, met)
		require.NoError(t, err, "%s", x.Evidence)
		d, err := s.decide(c, evidence)
		require.NoError(t, err)
		return d
	}
	if whole := again(conditions); !whole.Permits() {
		return 1, fmt.Sprintf("all of %+v are met, and yet %+v", conditions, gates.WhyNot(whole))
	}
	tried = 1
	for _, subset := range subsetsOf(len(conditions)) {
		var met []gates.Unmet
		for i, condition := range conditions {
			if subset&(1<<i) != 0 {
				met = append(met, condition)
			}
		}
		if again(met).Permits() {
			return tried, fmt.Sprintf("only %+v of %+v are met, and it permits", met, conditions)
		}
		tried++
	}
	return tried, ""
}

// Planted faults: a list that leaves one condition out, and one that names a
// condition too many, are seen for every gate.
func TestInexactListsAreSeen(t *testing.T) {
	t.Parallel()
	faults := map[string]whyNot{
		"one is left out": func(d gates.Decision) []gates.Unmet {
			all := gates.WhyNot(d)
			return all[:max(0, len(all)-1)]
		},
		"one is named twice": func(d gates.Decision) []gates.Unmet {
			all := gates.WhyNot(d)
			return append(all, all[:min(1, len(all))]...)
		},
	}
	for name, why := range faults {
		for _, s := range subjects() {
			pool := s.pool(t)
			seen := false
			generator := rapid.Custom(func(t *rapid.T) string {
				x, rules := s.draw(t, pool, 5, true)
				_, fault := inexact(t, s, x, rules, why)
				return fault
			})
			for seed := 0; seed < 100 && !seen; seed++ {
				seen = generator.Example(seed) != ""
			}
			require.True(t, seen, "%s, gate %s", name, s.gate)
		}
	}
}

// subsetsOf returns strict subsets of so many elements, as bits.
func subsetsOf(n int) []uint64 {
	var subsets []uint64
	whole := uint64(1)<<n - 1
	if n <= 5 {
		for subset := range whole {
			subsets = append(subsets, subset)
		}
		return subsets
	}
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range n {
		subsets = append(subsets, whole&^(1<<i), whole&^(1<<i)&random.Uint64())
	}
	return subsets
}
