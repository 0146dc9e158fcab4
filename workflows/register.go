package workflows

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/casework"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/records"
)

// Register registers Orgo's workflows with a worker, and its activities under
// the names by which the workflows call them.
func Register(r worker.Registry, a *activities.Activities, b *releases.Activities, c *casework.Activities) {
	r.RegisterWorkflowWithOptions(Build, workflow.RegisterOptions{Name: BuildWorkflow})
	r.RegisterWorkflowWithOptions(Release, workflow.RegisterOptions{Name: ReleaseWorkflow})
	r.RegisterWorkflowWithOptions(Channel, workflow.RegisterOptions{Name: ChannelWorkflow})
	r.RegisterWorkflowWithOptions(Rollback, workflow.RegisterOptions{Name: RollbackWorkflow})
	r.RegisterWorkflowWithOptions(Case, workflow.RegisterOptions{Name: CaseWorkflow})
	r.RegisterWorkflowWithOptions(Webhook, workflow.RegisterOptions{Name: WebhookWorkflow})
	functions := map[string]any{
		ActivityPin: a.Pin, ActivityRecord: a.Record, ActivityFinish: a.Finish,
		ActivityDeliver: a.Deliver, ActivitySetAside: a.SetAside,
		ActivityLoad: b.Load, ActivityInbox: b.Inbox, ActivityCommit: b.Commit, ActivityOutcome: b.Outcome, ActivityOverdue: b.Overdue, ActivityAttest: b.Attest, ActivityAttempts: b.Attempts,
		ActivityCheck: b.Check, ActivityFreeze: b.Freeze, ActivityDistribute: b.Distribute, ActivityVerify: b.Verify, ActivityAgain: b.Again, ActivitySample: b.Sample,
		ActivityLook: c.Look, ActivityControl: b.Control,
		ActivityAsk: b.Ask, ActivityPublish: b.Publish, ActivityObserve: b.Observe, ActivityExamine: b.Examine,
		ActivityPinRelease: b.Pin, ActivityRender: b.Render,
	}
	for _, spec := range records.BuildSpine() {
		functions[StageActivity(spec.Stage)] = a.Stage
		functions[BeginActivity(spec.Stage)] = a.BeginStage
		functions[CallActivity(spec.Stage)] = a.CallStage
		functions[EndActivity(spec.Stage)] = a.EndStage
	}
	for name, function := range functions {
		r.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}
