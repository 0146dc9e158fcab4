//go:build linux

package e2e_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

func TestABlockedBuildSaysWhyAndNeverComesToCompile(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	temporal := s.temporal(t)

	r := s.cli(t, startDemo(demoCorpus, demoBlocked, "--idempotency-key", "blocked", "--wait")...)
	require.Equal(t, 1, r.code, "%s%s", r.out, r.err)
	reason, known := gates.Lookup(gates.ValidationFailed)
	require.True(t, known)
	blocked := s.view(t, records.BuildID(records.DefaultOrganization, "blocked"))
	report := output(t, blocked, records.Validate, records.OutReport)
	for what, text := range map[string]string{
		"the reason code":           string(reason.Code),
		"what blocks":               "ENTITY_AMBIGUOUS",
		"the evidence":              report.Value,
		"what would unblock":        reason.Remedy,
		"where":                     "validate, gate validation, generation 1",
		"what became of compile":    "compile   SKIP",
		"what became of the record": "record    PASS",
	} {
		require.Contains(t, r.out, text, what)
	}
	require.Contains(t, r.err, string(reason.Code))
	require.Equal(t, records.BuildBlocked, blocked.State)
	require.Equal(t, []string{string(gates.ValidationFailed)}, blocked.Codes)

	var record records.BuildRecord
	r = s.cli(t, "build", "record", blocked.BuildID)
	require.Equal(t, 0, r.code, r.err)
	require.NoError(t, json.Unmarshal([]byte(r.out), &record))
	require.NoError(t, record.VerifyHash())
	require.Equal(t, records.BuildOutputs{Validation: records.ValidationOutput{Report: report, Status: records.StageFail}}, record.Outputs)

	activities := activitiesOf(t, temporal, blocked.BuildID)
	require.Contains(t, activities, workflows.StageActivity(records.Validate))
	require.Empty(t, compileActivities(activities), "%v", activities)

	// The same search does find what a build that passes has compiled with, wherever
	// its stages run.
	for _, execution := range []records.Execution{records.ExecuteInline, records.ExecuteRemote} {
		id := s.begin(t, demoRequest(t, s, demoCorpus, executed(execution)), string(execution))
		s.end(t, id, records.BuildPassed)
		require.Equal(t, []string{workflows.StageActivity(records.Compile)}, compileActivities(activitiesOf(t, temporal, id)), execution)
	}
}

// maxActivities is what a build of five stages may cost at most, in Temporal's
// activities of either kind.
const maxActivities = 7

func TestABuildOfFiveStagesIsSevenActivities(t *testing.T) {
	s := newStack(t)
	temporal := s.temporal(t)
	for _, execution := range []records.Execution{records.ExecuteInline, records.ExecuteRemote} {
		id := s.begin(t, demoRequest(t, s, demoCorpus, executed(execution)), string(execution))
		s.end(t, id, records.BuildPassed)
		activities := activitiesOf(t, temporal, id)
		t.Logf("%s: %v", execution, activities)
		require.LessOrEqual(t, len(activities), maxActivities, execution)
		for _, spec := range records.BuildSpine() {
			require.Contains(t, activities, workflows.StageActivity(spec.Stage), execution)
		}
	}
}
