package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/workflows"
)

// TestARedriveIsNotLostWhenAWebhookContinuesAsNew asks for a redrive at the moment
// at which the workflow is to continue as another run: it must be done first.
func TestARedriveIsNotLostWhenAWebhookContinuesAsNew(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(workflows.Webhook, workflow.RegisterOptions{Name: workflows.WebhookWorkflow})
	var delivered []activities.DeliverInput
	env.RegisterActivityWithOptions(func(_ context.Context, in activities.DeliverInput) (activities.Delivered, error) {
		delivered = append(delivered, in)
		if len(delivered) == 1 {
			env.SetContinueAsNewSuggested(true)
			env.UpdateWorkflow(workflows.UpdateRedrive, "redrive", &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(err error) { t.Error(err) }, OnComplete: func(any, error) {},
			})
		}
		return activities.Delivered{Cursor: in.After + 1, Sent: 1}, nil
	}, activity.RegisterOptions{Name: workflows.ActivityDeliver})
	env.ExecuteWorkflow(workflows.WebhookWorkflow, workflows.WebhookInput{Organization: organization, Status: event.WebhookStatus{
		Webhook: event.Webhook{ID: "w", URL: "https://example.org/", MaxAttempts: 2}, Cursor: 10,
		DeadLetters: []event.DeadLetter{{Leaf: 4, EntryID: "e"}},
	}})
	require.True(t, env.IsWorkflowCompleted())
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &again)
	require.Len(t, delivered, 2)
	require.True(t, delivered[1].Only)
	require.EqualValues(t, 3, delivered[1].After)
}
