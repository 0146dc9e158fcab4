package bypass

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
	"github.com/initkoa/orgo/workflows"
)

// vote is an approval that was recorded.
type cast struct {
	command string
	intent  records.Digest
}

// votes are the approvals that were asked for, in order.
func (s *scene) votes() []cast {
	s.t.Helper()
	found, err := s.Store().Entries(s.t.Context(), organization, records.ReleaseSubject(s.id), store.EntryQuery{Types: []string{records.TypeActionRequested}})
	s.must(err)
	var all []cast
	for _, e := range found {
		var command struct {
			Action    string         `json:"action"`
			Arguments release.Ballot `json:"arguments"`
		}
		if decode(e.Body, &command) == nil && command.Action == release.ActionApprove {
			all = append(all, cast{e.ID, command.Arguments.Intent})
		}
	}
	return all
}

// raw are the attempts of somebody who reaches Temporal, and not the store.
func raw() []attempt {
	const (
		asksNothing = "a message has only an id: none of these asks for anything"
		ownHistory  = "only Temporal's own history has it"
	)
	update := func(argument ...any) func(*scene) error {
		return func(s *scene) error { return s.update(s.workflow(), argument...) }
	}
	signal := func(name string, with any) func(*scene) error {
		return func(s *scene) error {
			for _, id := range []string{s.workflow(), s.channelWorkflow()} {
				if err := s.temporal.SignalWorkflow(s.t.Context(), id, "", name, with); err != nil {
					return err
				}
			}
			return nil
		}
	}
	bothRun := func(t *testing.T, s *site) *scene {
		c := afterCem(t, s)
		c.must(c.actOnChannel("eva", release.ActionHold, nil))
		return c
	}
	return []attempt{
		{name: "an approval of another release, replayed by its id", by: "raw update", prepare: afterCem, code: gates.NotFound, silent: asksNothing, try: func(s *scene) error {
			other := afterCem(s.t, s.site)
			return s.update(s.workflow(), other.votes()[0].command)
		}},
		{name: "the same approval again", by: "raw update", prepare: afterCem, silent: asksNothing, try: func(s *scene) error {
			for range 3 {
				if err := s.update(s.workflow(), s.votes()[0].command); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "approvals that were void, replayed", by: "raw update", prepare: changedIntent, silent: asksNothing, try: func(s *scene) error {
			for _, v := range s.votes() {
				if err := s.update(s.workflow(), v.command); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "an id that does not exist", by: "raw update", prepare: afterCem, code: gates.NotFound, silent: asksNothing, try: update("11111111-1111-8111-8111-111111111111")},
		{name: "no id", by: "raw update", prepare: afterCem, code: gates.RequestInvalid, silent: asksNothing, try: update("")},
		{name: "a command instead of an id", by: "raw update", prepare: afterCem, code: gates.NotFound, silent: asksNothing, try: func(s *scene) error {
			return s.update(s.workflow(), fmt.Sprintf(`{"action":"approve","actor":"dan","roles":["security"],"arguments":{"intent":%q}}`, s.ballot().Intent))
		}},
		{name: "a command as an object", by: "raw update", prepare: afterCem, gone: true, silent: asksNothing, try: func(s *scene) error {
			return s.update(s.workflow(), commandOf(release.ActionApprove, s.ballot()))
		}},
		{name: "an update that there is none of", by: "raw update", prepare: afterCem, gone: true, silent: asksNothing, try: func(s *scene) error {
			ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
			defer cancel()
			handle, err := s.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
				WorkflowID: s.workflow(), UpdateName: "approve", Args: []any{s.ballot()}, WaitForStage: client.WorkflowUpdateStageCompleted,
			})
			if err != nil {
				return err
			}
			return handle.Get(ctx, nil)
		}},
		{name: "poke", by: "raw signal", prepare: bothRun, silent: asksNothing, try: func(s *scene) error {
			for range 20 {
				if err := signal(workflows.SignalPoke, nil)(s); err != nil {
					return err
				}
			}
			return nil
		}},
		{name: "told", by: "raw signal", prepare: bothRun, silent: asksNothing, try: func(s *scene) error {
			effect := rollout.Effect{Kind: rollout.Granted, ReleaseID: s.id}
			return signal("told", effect)(s)
		}},
		{name: "approve", by: "raw signal", prepare: bothRun, silent: asksNothing, try: func(s *scene) error {
			return signal("approve", s.ballot())(s)
		}},
		forgedWindow("a window that says that all is well", 1<<30, nil),
		forgedWindow("a window of samples that are there, made up", 1, nil),
		forgedWindow("a window of a later activation", 1<<30, func(w *telemetry.Window) { w.ActivatedAt = w.ActivatedAt.Add(time.Nanosecond) }),
		forgedWindow("a window of another release", 2, func(w *telemetry.Window) { w.ReleaseID = "another" }),
		forgedWindow("a window of another organization", 2, func(w *telemetry.Window) { w.Organization = "another" }),
		{name: "a release that nobody asked for", by: "raw start", prepare: waits, code: gates.NotFound, silent: ownHistory, try: func(s *scene) error {
			forged := workflows.ReleaseInput{Organization: organization, ReleaseID: "forged-" + s.channel.Name}
			s.start(workflows.ReleaseWorkflowID(organization, forged.ReleaseID), workflows.ReleaseWorkflow, forged)
			found, err := s.Store().Entries(s.t.Context(), organization, records.ReleaseSubject(forged.ReleaseID), store.EntryQuery{})
			s.must(err)
			require.Empty(s.t, found)
			return s.update(workflows.ReleaseWorkflowID(organization, forged.ReleaseID), s.votes1())
		}},
		{name: "a release beside itself", by: "raw start", prepare: afterCem, silent: ownHistory, try: func(s *scene) error {
			id := "beside/" + s.id
			s.start(id, workflows.ReleaseWorkflow, workflows.ReleaseInput{Organization: organization, ReleaseID: s.id})
			return s.update(id, s.votes1())
		}},
		{name: "a release beside itself, while it is watched", by: "raw start", prepare: watched, silent: ownHistory, try: func(s *scene) error {
			id := "beside/" + s.id
			s.start(id, workflows.ReleaseWorkflow, workflows.ReleaseInput{Organization: organization, ReleaseID: s.id})
			return s.update(id, s.votes1())
		}},
		{name: "a channel beside itself", by: "raw start", prepare: watched, silent: ownHistory, try: func(s *scene) error {
			s.start("beside/"+s.channel.Name, workflows.ChannelWorkflow, workflows.ChannelInput{Organization: organization, Channel: s.channel})
			return s.actOnChannel("cem", release.ActionUnfreeze, nil)
		}, code: gates.InvalidTransition},
		{name: "a rollback of a containment that there is none of", by: "raw start", prepare: watched, code: gates.ContainmentChanged, silent: ownHistory, try: func(s *scene) error {
			run := s.start("forged/"+s.channel.Name, workflows.RollbackWorkflow, workflows.RollbackInput{Organization: organization, Channel: s.channel, ID: "made-up"})
			var outcome workflows.RollbackOutcome
			s.must(run.Get(s.t.Context(), &outcome))
			return &api.Refusal{Code: gates.Code(outcome.Asked.Code)}
		}},
		{name: "windows and judgements in the input of a run", by: "raw start", prepare: briefly, silent: ownHistory, try: func(s *scene) error {
			w := s.window(1 << 30)
			s.must(s.temporal.TerminateWorkflow(s.t.Context(), s.workflow(), "", "forged"))
			s.start(s.workflow(), workflows.ReleaseWorkflow, workflows.ReleaseInput{
				Organization: organization, ReleaseID: s.id, Windows: map[string]telemetry.Window{"all": w},
				Judged: map[string]gates.Decision{"all": {Gate: gates.GateHealth, Verdict: gates.Pass}},
			})
			return s.update(s.workflow(), s.votes1())
		}, after: wellAfterAll},
		{name: "to before the rejection", by: "raw reset", prepare: rejected, silent: ownHistory, try: func(s *scene) error {
			s.reset()
			return s.ended()
		}},
		{name: "to before the approvals were void", by: "raw reset", prepare: changedIntent, silent: ownHistory, try: func(s *scene) error {
			s.reset()
			return s.update(s.workflow(), s.votes()[0].command)
		}},
		{name: "of the channel, to before a hold", by: "raw reset", prepare: takenBack, code: gates.InvalidTransition, try: func(s *scene) error {
			s.resetOf(s.channelWorkflow())
			return s.actOnChannel("cem", release.ActionUnfreeze, nil)
		}},
		{name: "terminate, and start again", by: "raw start", prepare: afterCem, code: gates.InvalidTransition, try: func(s *scene) error {
			s.must(s.temporal.TerminateWorkflow(s.t.Context(), s.workflow(), "", "forged"))
			s.start(s.workflow(), workflows.ReleaseWorkflow, workflows.ReleaseInput{Organization: organization, ReleaseID: s.id})
			return s.vote("cem")
		}},
		{name: "start again after the rejection", by: "raw start", prepare: rejected, code: gates.InvalidTransition, trace: records.TypeActionRequested, try: func(s *scene) error {
			run := s.start(s.workflow(), workflows.ReleaseWorkflow, workflows.ReleaseInput{Organization: organization, ReleaseID: s.id})
			s.must(run.Get(s.t.Context(), nil))
			return s.vote("dan")
		}},
		{name: "of the release", by: "raw cancel", prepare: afterCem, code: gates.ApproverNotSeparate, trace: records.TypeActionRefused, try: func(s *scene) error {
			s.must(s.temporal.CancelWorkflow(s.t.Context(), s.workflow(), ""))
			_ = s.temporal.GetWorkflow(s.t.Context(), s.workflow(), "").Get(s.t.Context(), nil)
			return s.vote("ann") // which starts it again from its record, where nothing is forgotten
		}},
	}
}

// wellAfterAll is what happens once it is really reported that all is well.
func wellAfterAll(s *scene) {
	s.report(telemetry.Succeeded)
	s.until(rollout.PhaseSoaking)
}

// votes1 is the id of some approval: of the release, or of none.
func (s *scene) votes1() string {
	if all := s.votes(); len(all) > 0 {
		return all[0].command
	}
	return "none"
}

// start starts a workflow, as anybody can who reaches Temporal, and ends it with the
// test.
func (s *scene) start(id, workflowType string, input any) client.WorkflowRun {
	s.t.Helper()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue, WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
	}, workflowType, input)
	s.must(err)
	s.t.Cleanup(func() { _ = s.temporal.TerminateWorkflow(context.Background(), id, "", "the test is over") })
	return run
}

func (s *scene) reset() { s.t.Helper(); s.resetOf(s.workflow()) }

// resetOf resets a workflow to its first task: before all that it did.
func (s *scene) resetOf(id string) {
	s.t.Helper()
	history := s.temporal.GetWorkflowHistory(s.t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var run string
	var at int64
	for history.HasNext() {
		event, err := history.Next()
		s.must(err)
		if started := event.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			run = started.GetOriginalExecutionRunId()
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED && at == 0 {
			at = event.GetEventId()
		}
	}
	_, err := s.temporal.ResetWorkflowExecution(s.t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: temporalNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: run}, Reason: "forged",
		WorkflowTaskFinishEventId: at, RequestId: fmt.Sprint("reset-", s.scenes.Add(1)),
	})
	s.must(err)
}

// ended waits until the release's workflow has ended.
func (s *scene) ended() error {
	return s.temporal.GetWorkflow(s.t.Context(), s.workflow(), "").Get(s.t.Context(), nil)
}

// briefly is a release whose watch is over at once, and of which too little was heard.
func briefly(t *testing.T, s *site) *scene {
	c := s.open(t).create(0, brief()).until(rollout.PhaseAwaitingApproval).approved().until(rollout.PhaseObserving)
	return c.eventually("the first look", func() bool {
		return c.record().Stages[0].Verdict != "" && time.Now().After(*c.record().Stages[0].EndsAt)
	})
}

// window is one in which all is well, that grew from the one that was really sent: who
// reaches Temporal reads that in the history.
func (s *scene) window(sequence int64) telemetry.Window {
	s.t.Helper()
	var w telemetry.Window
	history := s.temporal.GetWorkflowHistory(s.t.Context(), s.workflow(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		s.must(err)
		if sent := event.GetWorkflowExecutionSignaledEventAttributes(); sent.GetSignalName() == workflows.SignalWindows {
			var came []telemetry.Window
			s.must(converter.GetDefaultDataConverter().FromPayloads(sent.GetInput(), &came))
			w = came[0]
		}
	}
	require.NotZero(s.t, w.Sequence)
	w.To = time.Now().UTC()
	if sequence > w.Sequence {
		w.Sequence = sequence
		w.Counted++
		w.Metrics[string(telemetry.KindExecution)] = telemetry.Metric{Samples: 1}
	}
	return sealed(s.t, w)
}

func sealed(t *testing.T, w telemetry.Window) telemetry.Window {
	t.Helper()
	w.Digest = records.Digest{}
	digest, err := records.CanonicalDigest(w)
	require.NoError(t, err)
	w.Digest = digest
	return w
}

// report has the node that stands for the cohort report how a use of the pack went.
func (s *scene) report(status telemetry.Status) {
	s.t.Helper()
	s.must(s.call(token("cem", 0), "POST", "/v1/telemetry", map[string]any{"samples": []telemetry.Sample{{
		ReleaseID: s.id, Cohort: "all", NodeID: releases.TargetNode(s.channel, "all"), Kind: telemetry.KindExecution, At: time.Now().UTC(),
		Outcome: &telemetry.Outcome{Status: status},
	}}}))
}

// forgedWindow sends a window that nobody reported to a release that would go forward
// on it. It is refused, and what is really reported is heard afterwards: the release
// goes back on it.
func forgedWindow(name string, sequence int64, change func(*telemetry.Window)) attempt {
	return attempt{
		name: name, by: "raw signal", prepare: briefly, trace: release.TypeWindowRefused, traceCode: gates.WindowConflict,
		try: func(s *scene) error {
			w := s.window(sequence)
			if change != nil {
				change(&w)
				w = sealed(s.t, w)
			}
			require.NoError(s.t, w.Check(), "a forgery that is worth the trouble")
			return s.temporal.SignalWorkflow(s.t.Context(), s.workflow(), "", workflows.SignalWindows, []telemetry.Window{w})
		},
		after: func(s *scene) {
			for range 3 {
				s.report(telemetry.Failed)
			}
			s.until(rollout.PhaseSafeMode)
		},
	}
}
