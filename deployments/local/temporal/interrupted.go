package temporal

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// WorkerLostFailure is the type of the failure that FailLostActivities gives to an attempt.
const WorkerLostFailure = "WorkerLost"

// FailLostActivities ends the activity attempts that died with an earlier process, so that they are tried
// again now and not after their heartbeat timeout. lost says of a worker identity whether its process has
// ended; workers elsewhere, which outlived this server, must not be lost. Each attempt counts against the
// activity's retry policy, as it would after the timeout. It returns how many attempts it ended.
//
// Only workflows that were open when the server started are looked at: call it once, before the
// workers start.
func (s *Server) FailLostActivities(ctx context.Context, lost func(workerIdentity string) bool) (int, error) {
	connection, err := s.dial()
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	service := workflowservice.NewWorkflowServiceClient(connection)

	failed := 0
	for _, execution := range s.interrupted {
		n, err := s.failLostActivitiesOf(ctx, service, execution, lost)
		failed += n
		if err != nil {
			return failed, fmt.Errorf("continue workflow %s after a restart: %w", execution.WorkflowID, err)
		}
	}
	return failed, nil
}

func (s *Server) failLostActivitiesOf(
	ctx context.Context, service workflowservice.WorkflowServiceClient, execution Execution, lost func(string) bool,
) (int, error) {
	description, err := service.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: s.namespace,
		Execution: &commonpb.WorkflowExecution{WorkflowId: execution.WorkflowID, RunId: execution.RunID},
	})
	if isNotFound(err) {
		return 0, nil // closed and past its retention since
	}
	if err != nil {
		return 0, err
	}
	failed := 0
	for _, activity := range description.PendingActivities {
		if activity.State != enumspb.PENDING_ACTIVITY_STATE_STARTED || !lost(activity.LastWorkerIdentity) {
			continue
		}
		_, err := service.RespondActivityTaskFailedById(ctx, &workflowservice.RespondActivityTaskFailedByIdRequest{
			Namespace:  s.namespace,
			WorkflowId: execution.WorkflowID,
			RunId:      execution.RunID,
			ActivityId: activity.ActivityId,
			Identity:   activity.LastWorkerIdentity,
			Failure:    workerLost(activity),
		})
		if isNotFound(err) {
			continue // timed out in the meantime
		}
		if err != nil {
			return failed, fmt.Errorf("activity %s: %w", activity.ActivityId, err)
		}
		failed++
	}
	return failed, nil
}

func workerLost(activity *workflow.PendingActivityInfo) *failurepb.Failure {
	return &failurepb.Failure{
		Message: fmt.Sprintf("the process of worker %s ended during attempt %d", activity.LastWorkerIdentity, activity.Attempt),
		Source:  "orgo",
		FailureInfo: &failurepb.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{
			Type:           WorkerLostFailure,
			NextRetryDelay: durationpb.New(time.Millisecond), // nothing to wait for: the new process is here
		}},
	}
}

func isNotFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(serviceerror.FromStatus(status.Convert(err)), &missing)
}
