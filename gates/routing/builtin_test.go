package routing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records/cases"
)

// The built-in rules are a config like any other, and every one of them can decide.
func TestTheBuiltInRulesAreSound(t *testing.T) {
	t.Parallel()
	at, problem := routing.BuiltIn().Problem(known())
	require.Empty(t, problem, at)
}

// Whoever can clear a reason gets it.
func TestBuiltInOwners(t *testing.T) {
	t.Parallel()
	owners := map[gates.ClearedBy]string{
		gates.ByPublisher: "publishers", gates.ByRequester: "publishers", gates.ByRunnerOwner: "runner-owners", gates.ByPolicyOwner: "policy-owners",
		gates.ByOperator: "operators", gates.ByApprover: "operators", gates.ByTime: "operators", gates.ByNobody: "operators",
	}
	for _, r := range gates.Reasons() {
		require.Contains(t, owners, r.ClearedBy)
		route, why := routing.Route(incident(string(r.Code)), routing.Rules{})
		require.Empty(t, route.Problem())
		require.Equal(t, owners[r.ClearedBy], route.Owners[0].ID, why)
		require.Equal(t, why.Facts.Severity, route.Severity)
		require.NotEqual(t, "built-in/default", route.Rule, "%s: the table has a row for it", r.Code)
		require.Len(t, route.Escalation, 3)
		require.Equal(t, "leads", route.ReviewBy.Owner.ID)
		require.Nil(t, route.CloseBy.Owner, "who owns it")
		require.Equal(t, []string{cases.TaskInvestigate}, keys(route))
	}
}

func keys(route cases.Route) []string {
	var all []string
	for _, plan := range route.Tasks {
		all = append(all, plan.Key)
	}
	return all
}

func TestBuiltInWork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cause    string
		incident bool
		code     string
		tasks    []string
	}{
		{cases.CauseRollback, true, f7, []string{"freeze", "roll-back", "validate", "unfreeze"}},
		{cases.CauseRollback, false, "ROLLBACK_REQUESTED", []string{"freeze", "roll-back", "validate", "unfreeze"}},
		{cases.CauseApproval, false, "APPROVALS_MISSING", []string{"approve"}},
		{cases.CauseBreakGlass, true, "GATE_ERROR", []string{"review"}},
		{cases.CauseRelease, true, f6, []string{"investigate"}},
		{cases.CauseRequest, false, "", []string{"investigate"}},
	} {
		facts := routing.Facts{Organization: organization, Cause: c.cause, Incident: c.incident}
		if c.code != "" {
			facts.Reasons = gates.CaseReasons([]string{c.code})
		}
		route, why := routing.Route(facts, routing.Rules{})
		require.Equal(t, c.tasks, keys(route), why)
		require.Empty(t, route.Problem())
	}
}

// The worse it is, the sooner it is to be done.
func TestBuiltInTimesFollowTheSeverity(t *testing.T) {
	t.Parallel()
	var before cases.Route
	for i, severity := range routing.Severities() {
		facts := incident(f1)
		facts.Severity = severity
		route, _ := routing.Route(facts, routing.Rules{})
		require.Positive(t, route.RespondWithin)
		require.Less(t, route.RespondWithin, route.ResolveWithin)
		if i > 0 {
			require.Less(t, before.RespondWithin, route.RespondWithin)
			require.Less(t, before.ResolveWithin, route.ResolveWithin)
		}
		before = route
	}
}
