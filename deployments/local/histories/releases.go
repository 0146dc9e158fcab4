package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
	"github.com/initkoa/orgo/workflows"
)

// runReleases records the histories of releases of every outcome.
func runReleases(ctx context.Context, out string) (err error) {
	if out == "" {
		return nil
	}
	dir, err := os.MkdirTemp("", "orgo-harness-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, closeSite, err := openSite(ctx, dir, "1.0.0", "1.1.0", "1.2.0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeSite()) }()
	for _, story := range releaseStories() {
		t := &told{site: s, ctx: ctx, channel: records.ChannelName{Environment: "histories", Name: story.name}}
		story.tell(t)
		t.await(string(story.want), func() bool { return t.record().Phase == string(story.want) }, nil)
		t.save(out, story.name)
		if t.err != nil {
			return fmt.Errorf("%s: %w", story.name, t.err)
		}
		fmt.Println(story.name)
	}
	return nil
}

// releaseStory is a release whose history is recorded: the newest of what is told.
type releaseStory struct {
	name string
	tell func(*told)
	want rollout.Phase
}

// caseID is that of a break-glass.
const caseID = "22222222-2222-4222-8222-222222222222"

// forever keeps a release where it is watched.
func forever(r *release.Request) {
	r.Strategy.Observe, r.Strategy.Deadline = records.Duration(time.Hour), records.Duration(2*time.Hour)
}

// releaseStories come in an order in which what is revoked is not needed any more.
func releaseStories() []releaseStory {
	return []releaseStory{
		{name: "closed-good", want: rollout.PhaseClosedGood, tell: func(t *told) { t.good("1.0.0") }},
		{name: "second-after-first", want: rollout.PhaseClosedGood, tell: func(t *told) { t.good("1.0.0"); t.good("1.1.0") }},
		{name: "rolled-back", want: rollout.PhaseRolledBack, tell: func(t *told) {
			t.good("1.0.0")
			t.create("1.1.0", nil)
			t.approve()
			t.reportUntil(rollout.PhaseRolledBack, telemetry.Failed)
		}},
		{name: "rolled-back-by-operator", want: rollout.PhaseRolledBack, tell: func(t *told) {
			t.good("1.0.0")
			t.good("1.1.0")
			t.actOnChannel("cem", release.ActionRollback, release.Rollback{ReleaseID: t.id})
		}},
		{name: "safe-mode", want: rollout.PhaseSafeMode, tell: func(t *told) {
			t.create("1.0.0", nil)
			t.approve()
			t.reportUntil(rollout.PhaseSafeMode, telemetry.Failed)
		}},
		{name: "aborted-before", want: rollout.PhaseAborted, tell: func(t *told) {
			t.create("1.0.0", nil)
			t.until(rollout.PhaseAwaitingApproval)
			t.act("cem", release.ActionAbort, nil)
		}},
		{name: "aborted-while-watched", want: rollout.PhaseSafeMode, tell: func(t *told) {
			t.create("1.0.0", forever)
			t.approve()
			t.until(rollout.PhaseObserving)
			t.act("cem", release.ActionAbort, nil)
		}},
		{name: "rejected", want: rollout.PhaseAborted, tell: func(t *told) {
			t.create("1.0.0", nil)
			t.until(rollout.PhaseAwaitingApproval)
			t.act("cem", release.ActionReject, t.ballot())
		}},
		{name: "superseded", want: rollout.PhaseSafeMode, tell: func(t *told) {
			t.create("1.0.0", forever)
			t.approve()
			t.until(rollout.PhaseObserving)
			first := t.id
			t.create("1.1.0", func(r *release.Request) { forever(r); r.Supersede = true })
			t.approve()
			t.until(rollout.PhaseObserving)
			t.id = first
		}},
		{name: "held-and-lifted", want: rollout.PhaseClosedGood, tell: func(t *told) {
			t.create("1.0.0", nil)
			t.until(rollout.PhaseAwaitingApproval)
			t.act("eva", release.ActionHold, nil)
			t.act("eva", release.ActionLift, nil)
			t.approve()
			t.until(rollout.PhaseObserving)
			t.act("eva", release.ActionHold, nil)
			t.report(telemetry.Succeeded)
			t.act("eva", release.ActionLift, nil)
			t.reportUntil(rollout.PhaseClosedGood, telemetry.Succeeded)
		}},
		{name: "channel-held-and-lifted", want: rollout.PhaseClosedGood, tell: func(t *told) {
			t.create("1.0.0", nil)
			t.approve()
			t.until(rollout.PhaseObserving)
			t.actOnChannel("eva", release.ActionHold, nil)
			t.await("the channel to hold it back", func() bool { r := t.record(); return r.Stage == 1 && r.Phase == string(rollout.PhaseActivating) },
				func() { t.report(telemetry.Succeeded) })
			t.actOnChannel("eva", release.ActionLift, nil)
			t.reportUntil(rollout.PhaseClosedGood, telemetry.Succeeded)
		}},
		{name: "promoted", want: rollout.PhaseClosedGood, tell: func(t *told) {
			t.create("1.0.0", func(r *release.Request) { r.Strategy.Stages[0].Manual = true })
			t.approve()
			t.until(rollout.PhaseObserving)
			t.report(telemetry.Succeeded)
			t.act("cem", release.ActionPromote, release.Promote{})
			t.reportUntil(rollout.PhaseClosedGood, telemetry.Succeeded)
		}},
		{name: "glass-broken", want: rollout.PhaseClosedGood, tell: func(t *told) {
			t.create("1.0.0", nil)
			t.until(rollout.PhaseAwaitingApproval)
			t.act("cem", release.ActionBreakGlass, release.Glass{Gates: []string{"approvals"}, CaseID: caseID, For: records.Duration(time.Hour)})
			t.act("eva", release.ActionConfirmGlass, nil)
			t.reportUntil(rollout.PhaseClosedGood, telemetry.Succeeded)
		}},
		{name: "ineligible", want: rollout.PhaseIneligible, tell: func(t *told) {
			t.create("1.0.0", func(r *release.Request) { r.Strategy.Stages[1].Cohorts = []string{"nobody"} })
		}},
		{name: "continued-as-new", want: rollout.PhaseClosedGood, tell: func(t *told) {
			t.create("1.0.0", nil)
			t.until(rollout.PhaseAwaitingApproval)
			t.crowd(workflows.ReleaseWorkflowID(records.DefaultOrganization, t.id))
			t.approve()
			t.until(rollout.PhaseObserving)
			t.crowd(workflows.ChannelWorkflowID(records.DefaultOrganization, t.channel))
			t.reportUntil(rollout.PhaseClosedGood, telemetry.Succeeded)
		}},
		{name: "quarantined", want: rollout.PhaseSafeMode, tell: func(t *told) {
			t.create("1.2.0", forever)
			t.approve()
			t.until(rollout.PhaseObserving)
			packs := release.Packs{}
			if intent := t.record().Intent; intent != nil {
				packs.Packs = []records.Digest{intent.Pack}
			}
			t.actOnChannel("cem", release.ActionQuarantine, packs)
			t.until(rollout.PhaseSafeMode)
			t.actOnChannel("cem", release.ActionClear, packs)
		}},
		{name: "revoked", want: rollout.PhaseRolledBack, tell: func(t *told) {
			t.good("1.0.0")
			t.create("1.2.0", forever)
			t.approve()
			t.until(rollout.PhaseObserving)
			if intent := t.record().Intent; intent != nil {
				t.actOnChannel("cem", release.ActionRevoke, release.Packs{Packs: []records.Digest{intent.Pack}})
			}
		}},
	}
}

// crowd pokes a workflow until its next run has taken over.
func (t *told) crowd(workflowID string) {
	var first string
	t.await("the next run of "+workflowID, func() bool {
		described, err := t.temporal.DescribeWorkflowExecution(t.ctx, workflowID, "")
		if err != nil {
			t.err = err
			return false
		}
		info := described.GetWorkflowExecutionInfo()
		if first == "" {
			first = info.GetExecution().GetRunId()
		}
		return info.GetExecution().GetRunId() != first && info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	}, func() {
		t.do("poke", func() error {
			for range 200 {
				if err := t.temporal.SignalWorkflow(t.ctx, workflowID, first, workflows.SignalPoke, nil); err != nil {
					return nil // that run has ended
				}
			}
			return nil
		})
	})
}
