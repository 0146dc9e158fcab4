//go:build linux

package e2e_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

// played is a build on a stack whose extract is done by a player.
type played struct {
	*stack
	id        string
	extractor player
}

// newPlayed starts a build whose extract plays what it would have yielded; changes
// come before the build starts.
func newPlayed(t *testing.T, prepare func(player), changes ...change) played {
	t.Helper()
	s := newStack(t)
	recorded := s.end(t, s.begin(t, demoRequest(t, s, demoCorpus), "recorded"), records.BuildPassed)
	p := played{stack: s, extractor: newPlayer(t, s, recorded, records.Extract)}
	prepare(p.extractor)
	changes = append([]change{doneBy(records.Extract, p.extractor.runner())}, changes...)
	p.id = s.begin(t, demoRequest(t, s, demoCorpus, changes...), "played")
	return p
}

// record returns the Build Record in Orgo's own form.
func (p played) record(t *testing.T) records.BuildRecord {
	t.Helper()
	document, err := p.orgo.Record(t.Context(), p.id, client.FormatOrgo)
	require.NoError(t, err)
	var record records.BuildRecord
	require.NoError(t, json.Unmarshal(document, &record))
	return record
}

func TestAStopLetsTheStageEnd(t *testing.T) {
	p := newPlayed(t, func(player) {})
	pid := p.extractor.awaitStart(t, 1)
	r := p.cli(t, "build", "stop", p.id, "--reason", "enough")
	require.Equal(t, 0, r.code, r.err)
	require.Equal(t, records.BuildRunning, p.view(t, p.id).State)
	require.True(t, alive(pid))

	p.extractor.set(t, "go")
	view := p.end(t, p.id, records.BuildStopped)
	require.Equal(t, records.StagePass, view.Step(records.Extract).Status)
	require.NotEmpty(t, view.Step(records.Extract).Outputs)
	require.Equal(t, records.StageSkip, view.Step(records.Resolve).Status)
	record := p.record(t)
	require.Equal(t, []string{string(gates.StoppedByOperator)}, record.Codes)
	require.Len(t, record.Actions, 1)
	require.Equal(t, "enough", record.Actions[0].Reason)
	require.Equal(t, record.Trigger.Actor, record.Actions[0].Actor)

	r = p.cli(t, "build", "stop", p.id, "--reason", "again")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, string(gates.InvalidTransition))
}

func TestAStopNowEndsEveryProcessOfTheStage(t *testing.T) {
	t.Parallel()
	for _, execution := range []records.Execution{records.ExecuteRemote, records.ExecuteInline} {
		t.Run(string(execution), func(t *testing.T) {
			p := newPlayed(t, func(extractor player) { extractor.set(t, "child") }, executed(execution))
			pid := p.extractor.awaitStart(t, 1)
			child := p.extractor.pids(t, "children")[0]
			endAtLast(t, child)
			require.True(t, alive(child))

			asked := time.Now()
			r := p.cli(t, "build", "stop", p.id, "--now", "--reason", "at once")
			require.Equal(t, 0, r.code, r.err)
			view := p.end(t, p.id, records.BuildStopped)
			t.Logf("stopped after %v", time.Since(asked))
			gone(t, "the stage's program", pid)
			gone(t, "its child, which ignores SIGTERM", child)
			require.NotEqual(t, records.StagePass, view.Step(records.Extract).Status)
			require.Empty(t, view.Step(records.Extract).Outputs)
			record := p.record(t)
			require.Equal(t, []string{string(gates.StoppedByOperator)}, record.Codes)
			require.True(t, record.Actions[0].Now)
		})
	}
}

func TestAWaitingBuildIsRetriedFromAStage(t *testing.T) {
	t.Parallel()
	p := newPlayed(t, func(extractor player) { extractor.set(t, "fail") }, waiting(records.Duration(time.Hour)))
	first := p.waits(t, p.id, 1)
	require.Equal(t, []string{string(gates.RunnerFailed)}, first.Codes)
	require.NotNil(t, first.WaitingUntil)
	require.Contains(t, string(first.Step(records.Extract).Details), "told to fail", "the tail of its stderr is kept")

	r := p.cli(t, "build", "retry", p.id, "--stage", "resolve", "--reason", "too early")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, string(gates.InvalidTransition))

	// A wait outlives the process.
	p.restart(t)
	p.extractor.unset(t, "fail")
	p.extractor.set(t, "go")
	r = p.cli(t, "build", "retry", p.id, "--stage", "extract", "--reason", "the program is mended")
	require.Equal(t, 0, r.code, r.err)
	view := p.end(t, p.id, records.BuildPassed)
	require.Equal(t, 2, view.Generation)
	for _, spec := range records.BuildSpine() {
		want := 2
		if spec.Stage == records.Ingest {
			want = 1
		}
		require.Equal(t, want, view.Step(spec.Stage).Generation, spec.Stage)
	}
	require.Equal(t, first.Step(records.Ingest).Outputs, view.Step(records.Ingest).Outputs)
	action := p.record(t).Actions[0]
	require.Equal(t, records.ActionRetry, action.Action)
	require.Equal(t, "the program is mended", action.Reason)
}

func TestAnUpdateThatNobodyAnswersForIsRefused(t *testing.T) {
	p := newPlayed(t, func(extractor player) { extractor.set(t, "fail") }, waiting(records.Duration(time.Hour)))
	p.waits(t, p.id, 1)
	temporalClient := p.temporal(t)
	update := func(name string, argument any) error {
		handle, err := temporalClient.UpdateWorkflow(t.Context(), temporal.UpdateWorkflowOptions{
			WorkflowID: workflows.BuildWorkflowID(records.DefaultOrganization, p.id),
			UpdateName: name, Args: []any{argument}, WaitForStage: temporal.WorkflowUpdateStageCompleted,
		})
		if err != nil {
			return err
		}
		return handle.Get(t.Context(), nil)
	}
	before := p.entries(t, p.id)
	for what, refused := range map[string]struct {
		name     string
		argument any
	}{
		"a stop without actor":   {workflows.UpdateStop, workflows.StopRequest{Reason: "none"}},
		"a stop without reason":  {workflows.UpdateStop, workflows.StopRequest{Actor: "somebody"}},
		"a retry without actor":  {workflows.UpdateRetry, workflows.RetryRequest{Reason: "none", Stage: records.Extract}},
		"a retry without reason": {workflows.UpdateRetry, workflows.RetryRequest{Actor: "somebody", Stage: records.Extract}},
		"a retry of no stage":    {workflows.UpdateRetry, workflows.RetryRequest{Actor: "somebody", Reason: "none"}},
	} {
		var application *sdk.ApplicationError
		err := update(refused.name, refused.argument)
		require.True(t, errors.As(err, &application), "%s: %v", what, err)
		require.Equal(t, string(gates.RequestInvalid), application.Type(), what)
	}
	require.Equal(t, before, p.entries(t, p.id))
	require.Equal(t, records.BuildWaiting, p.view(t, p.id).State)

	// The same way is open to who says who he is.
	require.NoError(t, update(workflows.UpdateStop, workflows.StopRequest{Actor: "somebody", Reason: "enough"}))
	p.end(t, p.id, records.BuildStopped)
	require.Equal(t, "somebody", p.record(t).Actions[0].Actor)
}
