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
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/api/adminservice/v1"
	"go.temporal.io/server/common/tasktoken"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// WorkerLostFailure is the type of the failure that ReleaseLostTasks gives to what it ends.
const WorkerLostFailure = "WorkerLost"

// Released says what ReleaseLostTasks ended.
type Released struct{ Activities, WorkflowTasks int }

// ReleaseLostTasks ends what workers were doing when an earlier process died, so that it is done again now
// and not when a timeout has noticed:
//
//   - attempts at activities whose worker's identity lost says has ended; workers elsewhere, which outlived
//     the server, must not be lost. Each counts against the activity's retry policy, as it would after
//     its heartbeat timeout.
//   - workflow tasks, whoever had them. One whose worker lives is only done twice: its late answer is refused.
//
// Only workflows that were open when the server started are looked at: call it once, before the workers
// start. It changes nothing else, and may fail halfway and be called again.
func (s *Server) ReleaseLostTasks(ctx context.Context, lost func(workerIdentity string) bool) (Released, error) {
	connection, err := s.dial()
	if err != nil {
		return Released{}, err
	}
	defer connection.Close()
	r := releaser{
		namespace: s.namespace,
		lost:      lost,
		service:   workflowservice.NewWorkflowServiceClient(connection),
		admin:     adminservice.NewAdminServiceClient(connection),
	}
	for _, execution := range s.interrupted {
		err := errors.Join(r.activities(ctx, execution), r.workflowTask(ctx, execution))
		if err != nil {
			return r.released, fmt.Errorf("continue workflow %s after a restart: %w", execution.WorkflowID, err)
		}
	}
	return r.released, nil
}

type releaser struct {
	namespace string
	lost      func(string) bool
	service   workflowservice.WorkflowServiceClient
	admin     adminservice.AdminServiceClient
	released  Released
}

func (r *releaser) activities(ctx context.Context, execution Execution) error {
	description, err := r.service.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: r.namespace, Execution: execution.proto(),
	})
	if err != nil {
		return unlessNotFound(err) // closed since, and past its retention
	}
	for _, activity := range description.PendingActivities {
		if activity.State != enumspb.PENDING_ACTIVITY_STATE_STARTED || !r.lost(activity.LastWorkerIdentity) {
			continue
		}
		_, err := r.service.RespondActivityTaskFailedById(ctx, &workflowservice.RespondActivityTaskFailedByIdRequest{
			Namespace:  r.namespace,
			WorkflowId: execution.WorkflowID,
			RunId:      execution.RunID,
			ActivityId: activity.ActivityId,
			Identity:   activity.LastWorkerIdentity,
			Failure: workerLost(fmt.Sprintf("the process of worker %s ended during attempt %d",
				activity.LastWorkerIdentity, activity.Attempt)),
		})
		if isNotFound(err) {
			continue // timed out in the meantime
		}
		if err != nil {
			return fmt.Errorf("activity %s: %w", activity.ActivityId, err)
		}
		r.released.Activities++
	}
	return nil
}

// workflowTask fails a workflow task by the token that its worker had. The server's workflow API does not
// tell tokens; they are made here from the workflow's state, as the server makes them.
func (r *releaser) workflowTask(ctx context.Context, execution Execution) error {
	described, err := r.admin.DescribeMutableState(ctx, &adminservice.DescribeMutableStateRequest{
		Namespace: r.namespace, Execution: execution.proto(),
	})
	if err != nil {
		return unlessNotFound(err)
	}
	info := described.GetDatabaseMutableState().GetExecutionInfo()
	if info.GetWorkflowTaskStartedEventId() == 0 { // none is being worked on
		return nil
	}
	token, err := tasktoken.NewSerializer().Serialize(tasktoken.NewWorkflowTaskToken(
		info.NamespaceId, execution.WorkflowID, execution.RunID,
		info.WorkflowTaskScheduledEventId, info.WorkflowTaskStartedEventId, nil,
		info.WorkflowTaskAttempt, nil, info.WorkflowTaskVersion,
	))
	if err != nil {
		return fmt.Errorf("workflow task %d: %w", info.WorkflowTaskScheduledEventId, err)
	}
	_, err = r.service.RespondWorkflowTaskFailed(ctx, &workflowservice.RespondWorkflowTaskFailedRequest{
		Namespace: r.namespace,
		TaskToken: token,
		Cause:     enumspb.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
		Identity:  "orgo",
		Failure:   workerLost("the process of the worker ended during the workflow task"),
	})
	switch {
	case isNotFound(err):
		return nil // timed out in the meantime
	case err != nil:
		return fmt.Errorf("workflow task %d: %w", info.WorkflowTaskScheduledEventId, err)
	}
	r.released.WorkflowTasks++
	return nil
}

func workerLost(message string) *failurepb.Failure {
	return &failurepb.Failure{
		Message: message,
		Source:  "orgo",
		FailureInfo: &failurepb.Failure_ApplicationFailureInfo{ApplicationFailureInfo: &failurepb.ApplicationFailureInfo{
			Type:           WorkerLostFailure,
			NextRetryDelay: durationpb.New(time.Millisecond), // nothing to wait for: the new process is here
		}},
	}
}

func (e Execution) proto() *commonpb.WorkflowExecution {
	return &commonpb.WorkflowExecution{WorkflowId: e.WorkflowID, RunId: e.RunID}
}

// isNotFound reports whether an answer of the server says that what was asked about is not there.
func isNotFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(serviceerror.FromStatus(status.Convert(err)), &missing)
}

func unlessNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}
