package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

// Entities sends releases and channels the ids of entries in which something is asked
// of them. A workflow that is not there, since it is first needed, has ended or was
// ended, is started: it goes on from its record.
type Entities struct {
	Temporal client.Client
}

// actPatience bounds how long one waits for an action to be carried out. It is
// recorded, and carried out later.
const actPatience = 30 * time.Second

// Act has a channel carry out what an entry asks for, and returns what became of it.
func (e Entities) Act(ctx context.Context, organization string, channel records.ChannelName, command string) (records.CommandOutcome, error) {
	return e.act(ctx, command, client.StartWorkflowOptions{
		ID: workflows.ChannelWorkflowID(organization, channel), TaskQueue: workflows.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            "channel " + channel.String(),
		TypedSearchAttributes:    workflows.ChannelSearchAttributes(organization, channel),
	}, workflows.ChannelWorkflow, workflows.ChannelInput{Organization: organization, Channel: channel})
}

// ActRelease has a release carry out what an entry asks for. One that has ended answers,
// too: it takes nothing but the review of a glass that was broken.
func (e Entities) ActRelease(ctx context.Context, organization string, request release.Request, command string) (records.CommandOutcome, error) {
	return e.act(ctx, command, releaseStart(organization, request),
		workflows.ReleaseWorkflow, workflows.ReleaseInput{Organization: organization, ReleaseID: request.ReleaseID})
}

func (e Entities) act(ctx context.Context, command string, start client.StartWorkflowOptions, workflow string, in any) (records.CommandOutcome, error) {
	ctx, cancel := context.WithTimeout(ctx, actPatience)
	defer cancel()
	handle, err := e.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: e.Temporal.NewWithStartWorkflowOperation(start, workflow, in),
		UpdateOptions: client.UpdateWorkflowOptions{
			WorkflowID: start.ID, UpdateName: workflows.UpdateAct, Args: []any{command}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return records.CommandOutcome{}, err
	}
	var outcome records.CommandOutcome
	return outcome, handle.Get(ctx, &outcome)
}

// EntityStore is what control over releases and channels needs of the record store.
type EntityStore interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error)
	Answer(ctx context.Context, organization string, subject records.Subject, command string) (records.CommandOutcome, bool, error)
	Across(ctx context.Context, organization string, span store.Span, q store.AcrossQuery) ([]store.Stored, string, error)
	Builds(ctx context.Context, organization string, q store.BuildQuery) ([]records.BuildView, string, error)
}

// request records that somebody asks for an action. The same key with the same action
// is the same request.
func request(
	ctx context.Context, to EntityStore, clock Clock, organization string, subject records.Subject, correlation records.Correlation,
	command records.Command, key string, by api.Identity, reason string,
) (records.Entry, error) {
	command.Roles = by.Roles
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: records.TypeActionRequested, Subject: subject,
		At: clock.Now(), Actor: by.Actor, Reason: reason, Correlation: correlation,
	}, fmt.Sprintf("%s/%s", by.Actor, key), command)
	if err != nil {
		return entry, err
	}
	_, err = to.Append(ctx, entry)
	if errors.As(err, new(*store.EntryConflict)) {
		return entry, refuse(gates.IdempotencyKeyReused, err, "idempotency key %q was used for another action", key)
	}
	return entry, err
}

// concluded makes of what became of an entry that asks what a caller is told. A
// workflow that did not answer, or has ended, may have carried it out all the same:
// then the store has what became of it.
func concluded(ctx context.Context, from EntityStore, asks records.Entry, outcome records.CommandOutcome, what string, err error) error {
	if err != nil {
		answer, known, unread := from.Answer(ctx, asks.Organization, asks.Subject, asks.ID)
		if known && unread == nil {
			outcome, err = answer, nil
		}
	}
	var missing *serviceerror.NotFound
	var application *temporal.ApplicationError
	switch {
	case errors.As(err, &missing):
		return refuse(gates.InvalidTransition, err, "%s has ended, or has not begun", what)
	case errors.As(err, &application) && knownCode(application.Type()):
		return refuse(gates.Code(application.Type()), err, "%s", application.Message())
	case err != nil:
		return refuse(gates.TemporalUnavailable, err, "the action is recorded and will be carried out when %s answers again", what)
	case !outcome.Accepted():
		return refuse(gates.Code(outcome.Code), nil, "%s", outcome.Message)
	default:
		return nil
	}
}

func knownCode(text string) bool {
	_, known := gates.Lookup(gates.Code(text))
	return known
}
