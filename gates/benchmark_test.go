package gates_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// fiftyRules returns a validation policy of 50 rules, ten of them expressions.
func fiftyRules(tb testing.TB) gates.Ruleset {
	tb.Helper()
	var rules []string
	for i := range 40 {
		rules = append(rules, fmt.Sprintf(`validation {"admit":["passed","partial"],"max_by_code":{"CODE_%d":%d},"max_by_severity":{"ERROR":0}}`, i%20, 100+i))
	}
	for i := range 10 {
		rules = append(rules, fmt.Sprintf(`cel {"gate":"validation","expression":"codes.count(\"CODE_%d\") <= %d && severities.count(\"ERROR\") == 0","message":"few","refuses":{"codes":{"CODE_%d":999},"severities":{}}}`, i, 100+i, i))
	}
	policy, err := gates.ParsePolicy(digest("fifty"), bundleOf(rules...))
	require.NoError(tb, err)
	require.Len(tb, policy.Rules, 50)
	compiled, err := policy.Compile()
	require.NoError(tb, err)
	return compiled
}

// realistic returns evidence of a report with 20 codes and 3 severities.
func realistic() gates.ValidationInputs {
	r := report(gates.ReportPassed)
	r.Codes, r.Severities = map[string]int64{}, map[string]int64{"WARNING": 400, "INFO": 50, "HINT": 0}
	for i := range 20 {
		r.Codes[fmt.Sprintf("CODE_%d", i)] = 10
	}
	r.ByCode, r.BySeverity = 200, 450
	return gates.ValidationInputs{Report: r, CompileInputs: compileInputs()}
}

// A decision under 50 rules is measured beside what no decision can do without:
// the canonical digest of the same evidence.
func BenchmarkDecisionOf50Rules(b *testing.B) {
	c, evidence := context(records.Validate), realistic()
	c.Rules = fiftyRules(b)
	require.True(b, gates.Validation(c, evidence).Permits())
	baseline := func() {
		_, err := records.CanonicalDigest(evidence)
		require.NoError(b, err)
	}
	var decided, digested []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		gates.Validation(c, evidence)
		middle := time.Now()
		baseline()
		decided, digested = append(decided, middle.Sub(start)), append(digested, time.Since(middle))
	}
	decision, digest := median(decided), median(digested)
	b.ReportMetric(decision, "ns/decision-median")
	b.ReportMetric(digest, "ns/digest-median")
	b.ReportMetric(decision/digest, "digests/decision")
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2].Nanoseconds())
}
