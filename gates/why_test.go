package gates_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
)

// Why-not is exact: what it lists is enough to turn the refusal around, and
// nothing less is. Up to five conditions every strict subset is tried, beyond
// that each set that lacks one, and some random ones.
func TestWhyNotIsExact(t *testing.T) {
	t.Parallel()
	wanted := int64(cases(t, 10_000))
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

// exact draws a trial and, if it is refused, tries what WhyNot lists. It returns
// how many sets of conditions were tried.
func exact(t *rapid.T, s anySubject, pool []gates.Ruleset) int {
	x, rules := s.draw(t, pool, 5, true)
	d, err := s.decide(x.context(rules), x.Evidence)
	require.NoError(t, err)
	conditions := gates.WhyNot(d)
	require.Equal(t, d.Permits(), len(conditions) == 0)
	if d.Permits() {
		return 0
	}
	again := func(met []gates.Unmet) gates.Decision {
		c := x.context(rules)
		evidence, err := s.repair(&c, x.Evidence, met)
		require.NoError(t, err, "%s", x.Evidence)
		d, err := s.decide(c, evidence)
		require.NoError(t, err)
		return d
	}
	whole := again(conditions)
	require.True(t, whole.Permits(), "all of %+v are met\n%s\nand yet %+v", conditions, x.Evidence, gates.WhyNot(whole))
	tried := 1
	for _, subset := range subsetsOf(len(conditions)) {
		var met []gates.Unmet
		for i, condition := range conditions {
			if subset&(1<<i) != 0 {
				met = append(met, condition)
			}
		}
		require.False(t, again(met).Permits(), "only %+v\nof %+v\nare met\n%s", met, conditions, x.Evidence)
		tried++
	}
	return tried
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
