package gates_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
)

const routedTo = `{"label":"1000.1.1.Ops","owners":[{"kind":"team","id":"ops"}],"priority":"HIGH","visibility":"INTERNAL"}`

// routingPolicy is a policy with one rule that routes Cases.
func routingPolicy(id, more string) string {
	return fmt.Sprintf(`{"policy_id":%q,"version":"1.0.0",%s"rules":[{"rule_id":"route","type":"case_routing","config":{"rules":[],"default":%s}}]}`, id, more, routedTo)
}

func routingBundle(policies ...string) []byte {
	return []byte(`{"bundle_id":"b","policies":[` + strings.Join(policies, ",") + `]}`)
}

// Routing is no gate: it is refused where it could be taken for one, and where it
// would not be clear which rule routes.
func TestRoutingStandsAlone(t *testing.T) {
	t.Parallel()
	const must = `"enforcement":"MUST",`
	for name, c := range map[string]struct {
		pointer  string
		policies []string
	}{
		"not binding":     {"/policies/1/enforcement", []string{routingPolicy("a", must+`"effective_to":"2026-01-01T00:00:00Z",`), routingPolicy("b", `"enforcement":"SHOULD","effective_from":"2026-01-01T00:00:00Z",`)}},
		"of a stage":      {"/policies/0/applies_to", []string{routingPolicy("a", must+`"applies_to":{"stages":["ingest"]},`)}},
		"two":             {"/policies/1/rules/0", []string{routingPolicy("a", must), routingPolicy("b", must)}},
		"two for a while": {"/policies/1/rules/0", []string{routingPolicy("a", must+`"effective_to":"2026-01-02T00:00:00Z",`), routingPolicy("b", must+`"effective_from":"2026-01-01T00:00:00Z",`)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, c.pointer, routingBundle(c.policies...))
		})
	}
}

// What routes is what is in force, and what is built in otherwise. No gate hears of it.
func TestRoutingIsInForceForATime(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	second := first.AddDate(0, 1, 0)
	policy, err := gates.ParsePolicy(digest("policy"), routingBundle(
		routingPolicy("a", `"enforcement":"MUST","effective_from":"2026-01-01T00:00:00Z","effective_to":"2026-02-01T00:00:00Z",`),
		routingPolicy("b", `"enforcement":"MUST","effective_from":"2026-02-01T00:00:00Z",`)))
	require.NoError(t, err)
	rules, err := policy.Compile()
	require.NoError(t, err)
	for at, source := range map[time.Time]string{
		first.Add(-time.Second): "built-in", first: "a/route", second.Add(-time.Second): "a/route", second: "b/route",
	} {
		routed := rules.CaseRouting(at)
		require.Equal(t, source, routed.Source)
		require.Equal(t, source != "built-in", routed.Policy != nil)
	}
	require.Equal(t, "built-in", gates.Ruleset{}.CaseRouting(first).Source)
	for _, gate := range gates.Gates() {
		require.False(t, rules.Has(gate), "%s", gate)
	}
}

func TestReasonsOfCases(t *testing.T) {
	t.Parallel()
	reasons := gates.CaseReasons([]string{"ARTIFACT_MISSING", "OF_ANOTHER_VERSION"})
	require.Equal(t, "F3", reasons[0].Class)
	require.Equal(t, "operator", reasons[0].ClearedBy)
	require.Equal(t, "OF_ANOTHER_VERSION", reasons[1].Code)
	require.Empty(t, reasons[1].Class)
}
