package temporal

import (
	"context"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// readyPoll is how often a server that is not ready yet is asked again.
const readyPoll = 10 * time.Millisecond

// noSuchWorkflow is an id that nothing has: the server must own its history shard to say so.
const noSuchWorkflow = "orgo-readiness-probe"

// waitUntilReady returns when the frontend knows the namespace, the history shard answers, and the Web UI,
// if there is one, is served.
func (s *Server) waitUntilReady(ctx context.Context) error {
	connection, err := s.dial()
	if err != nil {
		return err
	}
	defer connection.Close()
	service := workflowservice.NewWorkflowServiceClient(connection)

	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	for {
		err := s.probe(ctx, service)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the temporal server on %s is not ready: %w; last answer: %w", s.frontendAddr, ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

func (s *Server) probe(ctx context.Context, service workflowservice.WorkflowServiceClient) error {
	_, err := service.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: s.namespace,
		Execution: &commonpb.WorkflowExecution{WorkflowId: noSuchWorkflow},
	})
	if !isNotFound(err) {
		return err
	}
	if s.ui == nil {
		return nil
	}
	return s.ui.answers(ctx)
}

func (s *Server) dial() (*grpc.ClientConn, error) {
	connection, err := grpc.NewClient(s.frontendAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connect to the temporal server on %s: %w", s.frontendAddr, err)
	}
	return connection, nil
}
