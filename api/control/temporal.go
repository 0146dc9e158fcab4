package control

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/initkoa/orgo/workflows"
)

// startOnce starts a workflow unless there is, or was, one with its id.
func startOnce(ctx context.Context, temporal client.Client, options client.StartWorkflowOptions, workflow string, input any) error {
	options.TaskQueue = workflows.TaskQueue
	options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	_, err := temporal.ExecuteWorkflow(ctx, options, workflow, input)
	if errors.As(err, new(*serviceerror.WorkflowExecutionAlreadyStarted)) {
		return nil
	}
	return err
}

// update has a workflow do an update and waits until it is done.
func update(ctx context.Context, temporal client.Client, options client.UpdateWorkflowOptions) error {
	options.WaitForStage = client.WorkflowUpdateStageCompleted
	handle, err := temporal.UpdateWorkflow(ctx, options)
	if err != nil {
		return err
	}
	return handle.Get(ctx, nil)
}
