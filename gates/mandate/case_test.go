package mandate_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
)

const goodCase = `name: a partial report
gate: validation
at: 2026-03-01T12:00:00Z
inputs:
  report:
    report: &report {alg: sha256, value: 3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282, media_type: application/json, size: 1}
    status: partial
    severities: {}
    codes: {}
    resolved: &digest {alg: sha256, value: 3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282}
    snapshot: *digest
  compile_inputs:
    - {name: resolved, ref: *report}
    - {name: snapshot, ref: *report}
expect:
  verdict: FAIL
  reason_codes: [VALIDATION_PARTIAL]
`

func runCase(t *testing.T, bundle, text string) mandate.Outcome {
	t.Helper()
	read, err := mandate.Read([]byte(bundle), mandate.Trust{})
	require.NoError(t, err)
	c, err := mandate.ReadCase([]byte(text))
	require.NoError(t, err)
	return c.Run(read.Rules)
}

func TestCase(t *testing.T) {
	t.Parallel()
	out := runCase(t, good, goodCase)
	require.True(t, out.Passed, "%+v", out.Problem)
	read, err := mandate.Read([]byte(good), mandate.Trust{})
	require.NoError(t, err)
	require.Equal(t, mandate.Coverage{Unreached: []string{"p/size"}, NeverRefuse: []string{}}, mandate.Cover(read.Policy, []mandate.Outcome{out}))
	passing := runCase(t, good, strings.NewReplacer("status: partial", "status: passed", "FAIL", "PASS", "[VALIDATION_PARTIAL]", "[]").Replace(goodCase))
	require.True(t, passing.Passed, "%+v", passing.Problem)
	require.Equal(t, []string{"p/status"}, mandate.Cover(read.Policy, []mandate.Outcome{passing}).NeverRefuse)
}

// A policy that is loosened by mistake is what cases are for.
func TestCaseSeesALoosenedPolicy(t *testing.T) {
	t.Parallel()
	out := runCase(t, strings.Replace(good, "[passed]", "[passed, partial]", 1), goodCase)
	require.False(t, out.Passed)
	require.Equal(t, gates.PolicyCaseFailed, out.Problem.Code)
	require.Equal(t, "/expect/verdict", out.Problem.Pointer)
	require.Equal(t, 16, out.Problem.Line)
	require.Contains(t, out.Problem.Message, "expected FAIL [VALIDATION_PARTIAL], decided PASS []")
}

func TestCasesThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, pointer string }{
		"other codes":  {"VALIDATION_PARTIAL", "VALIDATION_FAILED", "/expect/reason_codes"},
		"no codes":     {"  reason_codes: [VALIDATION_PARTIAL]\n", "", "/expect/reason_codes"},
		"other inputs": {"status: partial", "statuss: partial", "/inputs/report/statuss"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := runCase(t, good, strings.Replace(goodCase, c.from, c.to, 1))
			require.False(t, out.Passed)
			require.Equal(t, c.pointer, out.Problem.Pointer)
		})
	}
}

func TestCasesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, to, pointer string }{
		"no name":            {"name: a partial report\n", "", "/name"},
		"no gate":            {"gate: validation", "gate: vibes", "/gate"},
		"no time":            {"at: 2026-03-01T12:00:00Z\n", "", "/at"},
		"time of no form":    {"at: 2026-03-01T12:00:00Z", "at: noon", "/at"},
		"unknown member":     {"gate:", "gates: x\ngate:", "/gates"},
		"no verdict":         {"FAIL", "NO", "/expect/verdict"},
		"no code":            {"VALIDATION_PARTIAL", "VIBES", "/expect/reason_codes/0"},
		"a pass with a code": {"FAIL", "PASS", "/expect/reason_codes"},
		"not yaml":           {"gate: validation", "gate: [", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := mandate.ReadCase([]byte(strings.Replace(goodCase, c.from, c.to, 1)))
			var refused *mandate.Error
			require.ErrorAs(t, err, &refused)
			if c.pointer != "" {
				require.Equal(t, c.pointer, refused.Problems[0].Pointer, refused.Error())
			}
		})
	}
}

func TestCaseOfAnOverride(t *testing.T) {
	t.Parallel()
	bundle := good + `      - rule_id: break-glass
        type: override
        config: {gates: [freeze], max_duration: 4h, separate: true}
      - rule_id: holidays
        type: freeze_window
        config: {windows: [{from: "2026-12-24T00:00:00Z", to: "2027-01-02T00:00:00Z", reason: holidays}]}
`
	text := `name: the holidays, overridden
gate: freeze
at: 2026-12-25T00:00:00Z
inputs: {kind: promote}
override: {requester: ann, actor: bob, reason: a fault, case_id: c-1, expires_at: 2026-12-25T01:00:00Z}
expect: {verdict: PASS}
`
	out := runCase(t, bundle, text)
	require.True(t, out.Passed, "%+v", out.Problem)
	read, err := mandate.Read([]byte(bundle), mandate.Trust{})
	require.NoError(t, err)
	require.NotContains(t, mandate.Cover(read.Policy, []mandate.Outcome{out}).NeverRefuse, "p/break-glass")
	out = runCase(t, bundle, strings.Replace(text, "actor: bob", "actor: ann", 1))
	require.False(t, out.Passed)
}
