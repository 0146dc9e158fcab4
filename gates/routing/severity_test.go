package routing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/routing"
)

// One code of each class.
var (
	f1, f2, f3, f4 = "INPUT_EMPTY", "VALIDATION_FAILED", "ARTIFACT_MISSING", "OUTPUT_NOT_REPRODUCED"
	f5, f6, f7     = "COMPILE_FAILED", "ACTIVATION_FAILED", "DRIFT_DETECTED"
)

func TestSeverity(t *testing.T) {
	t.Parallel()
	active := func(f *routing.Facts) { f.Active, f.Production = true, true }
	idle := func(f *routing.Facts) { f.Production = true }
	staging := func(f *routing.Facts) { f.Active = true }
	again := func(n int) func(*routing.Facts) { return func(f *routing.Facts) { f.Occurrences = n } }
	wide := func(n int) func(*routing.Facts) { return func(f *routing.Facts) { f.Affected = n } }
	once := func(*routing.Facts) {}
	for _, c := range []struct {
		codes []string
		in    func(*routing.Facts)
		want  string
	}{
		{[]string{f3}, active, "SEV1"}, {[]string{f7}, active, "SEV1"},
		{[]string{f3}, idle, "SEV3"}, {[]string{f7}, idle, "SEV3"}, {[]string{f3}, staging, "SEV3"}, {[]string{f7}, staging, "SEV3"},
		{[]string{"ROLLBACK_NO_TARGET"}, once, "SEV1"}, {[]string{"ROLLBACK_NO_TARGET"}, staging, "SEV1"},
		{[]string{f4}, wide(2), "SEV2"}, {[]string{f4}, wide(1), "SEV4"}, {[]string{f4}, again(9), "SEV4"}, {[]string{f4}, active, "SEV4"},
		{[]string{f6}, again(2), "SEV2"}, {[]string{f6}, again(1), "SEV4"}, {[]string{f6}, wide(9), "SEV4"},
		{[]string{f1}, again(3), "SEV3"}, {[]string{f1}, again(2), "SEV4"}, {[]string{f1}, wide(2), "SEV3"}, {[]string{f1}, once, "SEV4"},
		{[]string{f5}, again(3), "SEV3"}, {[]string{f5}, once, "SEV4"}, {[]string{f5}, wide(2), "SEV3"},
		{[]string{f2}, again(9), "SEV4"}, {[]string{f2}, wide(9), "SEV4"}, {[]string{f2}, active, "SEV4"},
		{nil, active, "SEV4"}, {[]string{"OF_ANOTHER_VERSION"}, active, "SEV4"},
		{[]string{"LEDGER_TAMPERED"}, once, string(severityOf("LEDGER_TAMPERED"))}, // what the taxonomy says nothing of
		{[]string{"STAGE_DEPENDENCY_NOT_PASSED"}, once, "SEV1"}, {[]string{"STOPPED_BY_OPERATOR"}, once, "SEV4"},
		{[]string{f1, f2, f7}, active, "SEV1"}, {[]string{f7, f2, f1}, active, "SEV1"}, // the worst counts
		{[]string{f2, f4, f6}, wide(2), "SEV2"}, {[]string{f2, f6, f4}, again(2), "SEV2"},
	} {
		facts := incident(c.codes...)
		c.in(&facts)
		require.Equal(t, c.want, routing.Severity(facts), "%v %+v", c.codes, facts)
	}
}

func severityOf(code gates.Code) gates.Severity {
	row, _ := gates.Lookup(code)
	return row.Severity
}

// Every code of the table has a severity, and no other surroundings make it less bad.
func TestSurroundingsOnlyMakeItWorse(t *testing.T) {
	t.Parallel()
	for _, r := range known().Reasons {
		f := incident(r.Code)
		base := routing.Severity(f)
		require.Contains(t, routing.Severities(), base)
		f.Active, f.Production, f.Occurrences, f.Affected = true, true, 9, 9
		require.LessOrEqual(t, routing.Severity(f), base, r.Code)
	}
}

func TestWhatIsNoIncidentHasNoSeverity(t *testing.T) {
	t.Parallel()
	facts := incident(f7)
	facts.Incident = false
	route, _ := routing.Route(facts, routing.Rules{})
	require.Empty(t, route.Severity)
	facts.Severity = "SEV2" // somebody said so
	route, _ = routing.Route(facts, routing.Rules{})
	require.Equal(t, "SEV2", route.Severity)
}
