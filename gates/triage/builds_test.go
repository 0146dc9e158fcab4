package triage_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

func TestABuildThatWaits(t *testing.T) {
	t.Parallel()
	until := now.Add(36 * time.Hour)
	e := ofBuild(t, records.TypeBuildWaiting, records.BuildWaits{Stage: records.Validate, Until: until, As: records.StageFail}, "VALIDATION_FAILED")
	found := of(t, e, triage.Context{})
	require.Equal(t, []string{"open build/" + buildID}, said(found))
	require.False(t, found[0].Opening.Continues, "each wait is an occurrence")
	c := admitted(t, e, found[0])
	require.Equal(t, "build_blocked", c.Type)
	require.Equal(t, cases.Owner{Kind: cases.Team, ID: "publishers"}, c.Owners[0])
	require.Equal(t, "SEV4", c.Route.Severity)
	require.Equal(t, []cases.Ref{{Type: "build", Ref: buildID}}, c.Refs)
	require.Equal(t, records.Validate, found[0].Opening.Facts.Stage)
	require.Equal(t, until, *c.Keyed(cases.TaskInvestigate).Due.Due, "somebody has until then")

	failed := of(t, ofBuild(t, records.TypeBuildWaiting, records.BuildWaits{Stage: records.Extract, Until: until, As: records.StageError}, "RUNNER_FAILED"), triage.Context{})
	require.Equal(t, "build_failed", failed[0].Opening.Type)
	require.Equal(t, found[0].Cause, failed[0].Cause, "one build, one Case")
}

func TestABuildThatEnds(t *testing.T) {
	t.Parallel()
	cause := "build/" + buildID
	for typ, c := range map[string]struct {
		state records.BuildState
		want  []string
		kind  string
	}{
		records.TypeBuildBlocked: {records.BuildBlocked, []string{"open " + cause}, "build_blocked"},
		records.TypeBuildFailed:  {records.BuildFailed, []string{"open " + cause}, "build_failed"},
		records.TypeBuildPassed:  {records.BuildPassed, []string{"done " + cause + " investigate", "cleared " + cause}, ""},
		records.TypeBuildStopped: {records.BuildStopped, []string{"obsolete " + cause}, ""},
	} {
		e := ofBuild(t, typ, records.BuildEnded{State: c.state, Stage: records.Compile, Record: records.DigestOf([]byte("record"))}, "COMPILE_FAILED")
		found := of(t, e, triage.Context{})
		require.Equal(t, c.want, said(found))
		if c.kind == "" {
			continue
		}
		require.True(t, found[0].Opening.Continues, "the end of one that waited is no new occurrence")
		opened := admitted(t, e, found[0])
		require.Equal(t, c.kind, opened.Type)
		require.Equal(t, []string{"COMPILE_FAILED"}, opened.Codes)
		require.Contains(t, opened.Refs, cases.Ref{Type: "record", Ref: records.DigestOf([]byte("record")).String()})
		require.Equal(t, cases.Owner{Kind: cases.Team, ID: "runner-owners"}, opened.Owners[0])
	}
}

func TestAStageWithTwoOutputs(t *testing.T) {
	t.Parallel()
	e := ofBuild(t, records.TypeStageConflict, records.StageFinished{Key: "k"})
	e.Correlation.Stage = records.Compile
	found := of(t, e, triage.Context{})
	require.Equal(t, []string{"open conflict/" + buildID + "/compile"}, said(found))
	require.Equal(t, []string{"STAGE_OUTPUT_CONFLICT"}, admitted(t, e, found[0]).Codes)
}
