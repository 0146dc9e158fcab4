package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/workflows"
)

// An entity that is about to go on as a new run waits until everybody is answered who
// asked. Who asks meanwhile has to be answered, too: or it would wait for that for ever.
func TestAnEntityAnswersWhoAsksAsItsRunEnds(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]struct {
		function any
		input    any
	}{
		workflows.ChannelWorkflow: {workflows.Channel, workflows.ChannelInput{Organization: organization, Channel: main0}},
		workflows.ReleaseWorkflow: {workflows.Release, workflows.ReleaseInput{Organization: organization, ReleaseID: releaseID}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var suite testsuite.WorkflowTestSuite
			suite.SetLogger(slog.New(slog.DiscardHandler))
			env := suite.NewTestWorkflowEnvironment()
			env.SetTestTimeout(30 * time.Second)
			env.RegisterWorkflowWithOptions(in.function, workflow.RegisterOptions{Name: name})
			answered := map[string]error{}
			var asked atomic.Bool
			asks := func(command string) {
				env.UpdateWorkflow(workflows.UpdateAct, command, &testsuite.TestUpdateCallback{
					OnAccept: func() {}, OnReject: func(err error) { answered[command] = err },
					OnComplete: func(_ any, err error) { answered[command] = err },
				}, command)
			}
			for name, function := range map[string]any{
				workflows.ActivityLoad: func(context.Context, releases.LoadInput) (releases.Loaded, error) { return releases.Loaded{}, nil },
				workflows.ActivityInbox: func(context.Context, releases.InboxInput) (releases.Messages, error) {
					if asked.Load() { // it is the last thing that the run does
						env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 0)
					}
					return releases.Messages{}, nil
				},
				workflows.ActivityOutcome: func(_ context.Context, in releases.OutcomeInput) (releases.OutcomeFound, error) {
					if in.Command == "first" { // by now the run is over, but for this answer
						asks("second")
					}
					return releases.OutcomeFound{}, nil
				},
			} {
				env.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
			}
			env.RegisterDelayedCallback(func() {
				asked.Store(true)
				asks("first")
			}, time.Second)
			env.ExecuteWorkflow(name, in.input)

			require.True(t, env.IsWorkflowCompleted())
			require.True(t, workflow.IsContinueAsNewError(env.GetWorkflowError()), "%v", env.GetWorkflowError())
			require.Len(t, answered, 2)
			for command, err := range answered {
				var refused *temporal.ApplicationError
				require.True(t, errors.As(err, &refused), "%s: %v", command, err)
				require.Equal(t, string(gates.NotFound), refused.Type(), command)
			}
		})
	}
}
