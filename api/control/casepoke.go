package control

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

// CaseReader is where Cases are read.
type CaseReader interface {
	Case(ctx context.Context, organization, caseID string) (cases.Case, error)
}

// CasePoke tells the workflow of a Case that it has changed, and starts it when the
// Case is opened. It consumes the log: whoever changes a Case does not need Temporal,
// and a change that was made while Temporal was away is told later.
type CasePoke struct {
	Temporal client.Client
	Cases    CaseReader
}

// unmoving are the types of entries of a Case that no deadline depends on.
var unmoving = map[string]bool{cases.TypeLinked: true, cases.TypeCommented: true, cases.TypeTaskNoted: true, cases.TypeCleared: true}

// Consume implements follow.Consumer.
func (p CasePoke) Consume(ctx context.Context, leaf store.Leaf) error {
	if leaf.Subject.Kind != cases.SubjectCase || unmoving[leaf.Type] {
		return nil
	}
	c, err := p.Cases.Case(ctx, leaf.Organization, leaf.Subject.ID)
	if err != nil {
		return err
	}
	id := workflows.CaseWorkflowID(c.Organization, c.CaseID)
	if c.Status.Terminal() {
		err := p.Temporal.SignalWorkflow(ctx, id, "", workflows.SignalPoke, nil)
		if errors.As(err, new(*serviceerror.NotFound)) {
			return nil // it has ended already
		}
		return err
	}
	_, err = p.Temporal.SignalWithStartWorkflow(ctx, id, workflows.SignalPoke, nil, client.StartWorkflowOptions{
		TaskQueue:                workflows.TaskQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, // reopened, it lives again
		StaticSummary:            c.Type + ": " + c.Summary,
		TypedSearchAttributes:    workflows.CaseSearchAttributes(c),
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, workflows.CaseWorkflow, workflows.CaseInput{Organization: c.Organization, CaseID: c.CaseID})
	return err
}
