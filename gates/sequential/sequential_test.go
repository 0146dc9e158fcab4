package sequential_test

import (
	"encoding"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/gates/sequential"
)

// The setup of the issue: 10,000 nodes, a canary of 1 %, one execution of each
// node in each of the 60 intervals of a stage. It is a lean one: a node that has
// more executions makes the canary easier to catch.
const (
	canaryNodes  = 100
	controlNodes = 9_900
	intervals    = 60
	runs         = 10_000
)

// binomial draws how many of n fail, exactly, by inversion of its distribution.
type binomial []float64

func binomialOf(n int, p float64) binomial {
	cumulative, total := make(binomial, n+1), 0.0
	top, _ := math.Lgamma(float64(n + 1))
	for k := range n + 1 {
		a, _ := math.Lgamma(float64(k + 1))
		b, _ := math.Lgamma(float64(n - k + 1))
		total += math.Exp(top - a - b + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
		cumulative[k] = total
	}
	return cumulative
}

func (b binomial) draw(random *rand.Rand) int64 {
	u := random.Float64()
	return int64(min(sort.SearchFloat64s(b, u), len(b)-1))
}

// detector says at every look whether it found the canary to be worse.
type detector func(canary, control sequential.Counts) bool

func sequentially(t *testing.T, level string) func() detector {
	t.Helper()
	alpha := decimal(t, level)
	return func() detector {
		state := sequential.Start()
		return func(canary, control sequential.Counts) bool {
			next, err := state.Look(canary, control)
			if err != nil {
				panic(err)
			}
			state = next
			return state.Exceeds(alpha)
		}
	}
}

// naively is the planted fault: a one-sided z-test at 1 %, as if each look were
// the only one.
func naively() detector {
	return func(canary, control sequential.Counts) bool {
		n, m := float64(canary.Samples), float64(control.Samples)
		p, q := float64(canary.Failures)/n, float64(control.Failures)/m
		pooled := float64(canary.Failures+control.Failures) / (n + m)
		return (p-q)/math.Sqrt(pooled*(1-pooled)*(1/n+1/m)) > 2.3263
	}
}

// found runs a stage many times and returns in which share of them the detector
// found the canary to be worse, at any look.
func found(t *testing.T, seed uint64, canaryRate, controlRate float64, detectors func() detector) float64 {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 7))
	canaryDraw, controlDraw := binomialOf(canaryNodes, canaryRate), binomialOf(controlNodes, controlRate)
	many, caught := scaled(t, runs), 0
	for range many {
		var canary, control sequential.Counts
		detect := detectors()
		for range intervals {
			canary.Samples, control.Samples = canary.Samples+canaryNodes, control.Samples+controlNodes
			canary.Failures, control.Failures = canary.Failures+canaryDraw.draw(random), control.Failures+controlDraw.draw(random)
			if detect(canary, control) {
				caught++
				break
			}
		}
	}
	return float64(caught) / float64(many)
}

// scaled is at least so many that a rate of 1 % shows.
func scaled(t *testing.T, wanted int) int {
	t.Helper()
	return max(gatestest.Cases(t, wanted), 1_000)
}

func decimal(t *testing.T, text string) sequential.Decimal {
	t.Helper()
	var d sequential.Decimal
	require.NoError(t, d.UnmarshalText([]byte(text)))
	return d
}

// The same on both sides is found to be worse in at most 1 % of runs, though it is
// looked at in every interval.
func TestTheSameIsRarelyFoundWorse(t *testing.T) {
	t.Parallel()
	for i, rate := range []float64{0.02, 0.0005, 0.3} {
		share := found(t, uint64(i), rate, rate, sequentially(t, "0.01"))
		t.Logf("%v on both sides: %.2f %% of runs", rate, 100*share)
		require.LessOrEqual(t, share, 0.01)
	}
	require.LessOrEqual(t, found(t, 9, 0.015, 0.02, sequentially(t, "0.01")), 0.01, "a better canary")
}

// A planted fault: the simulation sees a test that may be looked at once only.
func TestLookingAtAFixedHorizonIsSeen(t *testing.T) {
	t.Parallel()
	share := found(t, 0, 0.02, 0.02, func() detector { return naively() })
	t.Logf("a z-test at 1 %%: %.2f %% of runs", 100*share)
	require.Greater(t, share, 0.03)
}

// Twice the error rate is caught within the stage.
func TestTwiceTheErrorsAreCaught(t *testing.T) {
	t.Parallel()
	share := found(t, 5, 0.04, 0.02, sequentially(t, "0.01"))
	t.Logf("2 %% to 4 %%: %.2f %% of runs", 100*share)
	require.GreaterOrEqual(t, share, 0.95)
}

// What was found stays found, whatever comes after.
func TestFoundStaysFound(t *testing.T) {
	t.Parallel()
	alpha := decimal(t, "0.01")
	state, err := sequential.Start().Look(sequential.Counts{Samples: 1000, Failures: 200}, sequential.Counts{Samples: 1000, Failures: 20})
	require.NoError(t, err)
	require.True(t, state.Exceeds(alpha))
	state, err = state.Look(sequential.Counts{Samples: 1e9, Failures: 200}, sequential.Counts{Samples: 1e9, Failures: 1e8})
	require.NoError(t, err)
	require.True(t, state.Exceeds(alpha))
}

// Counts that go back, or that hold more failures than executions, are refused, as
// is a look without a beginning.
func TestCountsThatDoNotFollow(t *testing.T) {
	t.Parallel()
	fine := sequential.Counts{Samples: 100, Failures: 3}
	state, err := sequential.Start().Look(fine, fine)
	require.NoError(t, err)
	again, err := state.Look(fine, fine)
	require.NoError(t, err)
	require.Equal(t, state, again)
	alone, err := state.Look(sequential.Counts{Samples: 200, Failures: 103}, fine)
	require.NoError(t, err)
	require.Equal(t, state, alone, "the control has nothing new")
	both, err := alone.Look(sequential.Counts{Samples: 200, Failures: 103}, sequential.Counts{Samples: 200, Failures: 6})
	require.NoError(t, err)
	require.True(t, both.Exceeds(decimal(t, "0.01")), "what was not taken in is not lost")
	for _, c := range []sequential.Counts{{99, 3}, {100, 2}, {101, 5}, {100, -1}, {-1, 0}, {1 << 54, 3}, {math.MinInt64, math.MaxInt64}} {
		_, err := state.Look(c, fine)
		require.ErrorIs(t, err, sequential.ErrCounts, "%+v", c)
		_, err = state.Look(fine, c)
		require.ErrorIs(t, err, sequential.ErrCounts, "%+v", c)
	}
	_, err = sequential.State{}.Look(fine, fine)
	require.ErrorIs(t, err, sequential.ErrCounts)
	require.False(t, sequential.State{}.Exceeds(decimal(t, "0.99")))
}

// The computed logarithm of the e-value is that of the formula,
// as far as floating point can tell.
func TestEValueIsTheFormulas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		canary, control := draw(t, 1<<20), draw(t, 1<<20)
		state, err := sequential.Start().Look(canary, control)
		require.NoError(t, err)
		pi := float64(canary.Samples) / float64(canary.Samples+control.Samples)
		for i, risk := range []float64{1.25, 1.5, 2, 3, 4, 8, 16, 64} {
			want := float64(canary.Failures)*math.Log(risk) - float64(canary.Failures+control.Failures)*math.Log1p(pi*(risk-1))
			got := float64(sequential.ValueOf(state, i)) / (1 << 32)
			require.InDelta(t, max(want, -1<<20), got, 1e-6+math.Abs(want)*1e-12, "risk %v of %+v and %+v", risk, canary, control)
		}
	})
}

// Any counts that may be are looked at without overflow, and the state survives as
// text.
func TestAnyCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		state, err := sequential.Start().Look(draw(t, sequential.MaxCount), draw(t, sequential.MaxCount))
		require.NoError(t, err)
		text, err := state.MarshalText()
		require.NoError(t, err)
		var read sequential.State
		require.NoError(t, read.UnmarshalText(text))
		require.Equal(t, state, read)
	})
	all := sequential.Counts{Samples: sequential.MaxCount, Failures: sequential.MaxCount}
	none := sequential.Counts{Samples: sequential.MaxCount}
	worst, err := sequential.Start().Look(all, none)
	require.NoError(t, err)
	require.True(t, worst.Exceeds(decimal(t, "0.000000001")))
	best, err := sequential.Start().Look(none, all)
	require.NoError(t, err)
	require.False(t, best.Exceeds(decimal(t, "0.999999999")))
}

func draw(t *rapid.T, most int64) sequential.Counts {
	samples := rapid.Int64Range(1, most).Draw(t, "samples")
	return sequential.Counts{Samples: samples, Failures: rapid.Int64Range(0, samples).Draw(t, "failures")}
}

// These bits are those of every platform. Each value is at most the true logarithm,
// as 60 digits of it said.
func TestBits(t *testing.T) {
	t.Parallel()
	state := sequential.Start()
	for i := range int64(5) {
		var err error
		state, err = state.Look(sequential.Counts{Samples: 100 * (i + 1), Failures: 4 * (i + 1)}, sequential.Counts{Samples: 9900*(i+1) + i, Failures: 198 * (i + 1)})
		require.NoError(t, err)
	}
	text, err := state.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "risks-8 500 20 49504 990 16380616012 8337491452 13195372985 16380616012 8474727939 -9131744183 -114852230085 -368066882712 -1762040081724", string(text))
}

// Text that is no state, or no decimal, is refused.
func TestWrongText(t *testing.T) {
	t.Parallel()
	text, err := sequential.Start().MarshalText()
	require.NoError(t, err)
	for _, c := range []struct {
		into encoding.TextUnmarshaler
		text string
	}{
		{new(sequential.State), "risks-8"}, {new(sequential.State), "risks-9" + string(text[7:])}, {new(sequential.State), string(text) + " 0"},
		{new(sequential.State), string(text[:len(text)-1]) + "7"}, {new(sequential.State), string(text[:len(text)-1]) + "-0"},
		{new(sequential.State), "risks-8 1 2 0 0 0 0 0 0 0 0 0 0 0"},
		{new(sequential.Decimal), ""}, {new(sequential.Decimal), "0"}, {new(sequential.Decimal), "1.0"}, {new(sequential.Decimal), "0.00"},
		{new(sequential.Decimal), ".5"}, {new(sequential.Decimal), "0.0000000001"}, {new(sequential.Decimal), "-0.1"}, {new(sequential.Decimal), "0.1e3"},
	} {
		require.Error(t, c.into.UnmarshalText([]byte(c.text)), c.text)
	}
	for _, text := range []string{"0.01", "0.010", "0.999999999"} {
		written, err := decimal(t, text).MarshalText()
		require.NoError(t, err)
		require.Equal(t, text, string(written))
	}
}

// The least effect is compared exactly, and the bound itself is one.
func TestApart(t *testing.T) {
	t.Parallel()
	control := sequential.Counts{Samples: 1000, Failures: 20}
	require.True(t, decimal(t, "0.02").Apart(sequential.Counts{Samples: 100, Failures: 4}, control))
	require.False(t, decimal(t, "0.02").Apart(sequential.Counts{Samples: 1000, Failures: 39}, control))
	require.True(t, decimal(t, "0.02").Apart(sequential.Counts{}, control), "what is not known is not small")
}
