package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

// Releases is the control over releases. Whether an action is legal is decided by the
// release's workflow.
type Releases struct {
	Store    EntityStore
	Entities Entities
	Channels Channels
	Clock    Clock
}

var _ api.Releases = Releases{}

// Create records what a release is asked to do, and starts it. The request is recorded
// first: a release that could not be handed to Temporal is, by Resuming or a repeated
// Create.
func (r Releases) Create(ctx context.Context, organization string, request release.Request, by api.Identity, reason string) (release.Record, error) {
	request.ReleaseID = records.ReleaseID(organization, request.IdempotencyKey)
	subject := records.ReleaseSubject(request.ReleaseID)
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: release.TypeRequested, Subject: subject,
		At: r.Clock.Now(), Actor: by.Actor, Reason: reason,
		Correlation: records.Correlation{
			ReleaseID: request.ReleaseID, BuildID: request.BuildID, Channel: request.Channel.String(),
			WorkflowID: workflows.ReleaseWorkflowID(organization, request.ReleaseID),
		},
	}, "requested", request)
	if err != nil {
		return release.Record{}, err
	}
	stored, err := r.Store.Append(ctx, entry)
	switch {
	case errors.As(err, new(*store.EntryConflict)):
		return release.Record{}, refuse(gates.IdempotencyKeyReused, err, "idempotency key %q belongs to release %s, which was asked for something else",
			request.IdempotencyKey, request.ReleaseID)
	case err != nil:
		return release.Record{}, err
	}
	if err := r.hand(ctx, organization, request); err != nil {
		return release.Record{}, err
	}
	return r.recorded(ctx, organization, stored[0])
}

// hand gives a release to Temporal, which takes it once.
func (r Releases) hand(ctx context.Context, organization string, request release.Request) error {
	// One whose workflow was ended in Temporal is carried on from its record.
	_, err := r.Entities.Temporal.ExecuteWorkflow(ctx, releaseStart(organization, request),
		workflows.ReleaseWorkflow, workflows.ReleaseInput{Organization: organization, ReleaseID: request.ReleaseID})
	if err != nil {
		return refuse(gates.TemporalUnavailable, err, "release %s is recorded and will start by itself, or when the request is repeated", request.ReleaseID)
	}
	return nil
}

// releaseStart is how a release's workflow is started: if it runs already, it is that.
func releaseStart(organization string, request release.Request) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		TaskQueue:                workflows.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		ID:                       workflows.ReleaseWorkflowID(organization, request.ReleaseID),
		StaticSummary:            fmt.Sprintf("release %s to %s", request.Version, request.Channel),
		StaticDetails:            fmt.Sprintf("Release `%s` of build `%s`, version %s, to **%s**\n", request.ReleaseID, request.BuildID, request.Version, request.Channel),
		TypedSearchAttributes:    workflows.ReleaseSearchAttributes(organization, request),
	}
}

// Act records that somebody asks for an action, and has the release carry it out.
func (r Releases) Act(
	ctx context.Context, organization, releaseID string, command records.Command, key string, by api.Identity, reason string,
) (release.Record, error) {
	record, err := r.Release(ctx, organization, releaseID)
	if err != nil {
		return record, err
	}
	entry, err := request(ctx, r.Store, r.Clock, organization, records.ReleaseSubject(releaseID), records.Correlation{
		ReleaseID: releaseID, BuildID: record.Request.BuildID, Channel: record.Request.Channel.String(),
	}, command, key, by, reason)
	if err != nil {
		return record, err
	}
	outcome, err := r.Entities.ActRelease(ctx, organization, record.Request, entry.ID)
	if err := concluded(ctx, r.Store, entry, outcome, "release "+releaseID, err); err != nil {
		return record, err
	}
	return r.Release(ctx, organization, releaseID)
}

// Release returns the newest record of a release. Before its workflow wrote one, it is
// that of a draft.
func (r Releases) Release(ctx context.Context, organization, releaseID string) (release.Record, error) {
	var record release.Record
	err := newest(ctx, r.Store, organization, records.ReleaseSubject(releaseID), &record)
	if !errors.Is(err, store.ErrNotFound) {
		return record, err
	}
	requested, err := r.Store.Entries(ctx, organization, records.ReleaseSubject(releaseID), store.EntryQuery{Types: []string{release.TypeRequested}, Limit: 1})
	if err == nil && len(requested) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return record, fmt.Errorf("release %s: %w", releaseID, err)
	}
	return draft(organization, requested[0])
}

// recorded returns the record of a release, or of a draft if it has none yet.
func (r Releases) recorded(ctx context.Context, organization string, requested store.Stored) (release.Record, error) {
	var record release.Record
	err := newest(ctx, r.Store, organization, requested.Subject, &record)
	if errors.Is(err, store.ErrNotFound) {
		return draft(organization, requested)
	}
	return record, err
}

func draft(organization string, requested store.Stored) (release.Record, error) {
	draft := release.Record{
		Kind: "release_record", RecordVersion: release.RecordVersion, Organization: organization, ReleaseID: requested.Subject.ID,
		CreatedAt: requested.At, CreatedBy: requested.Actor, Reason: requested.Reason, UpdatedAt: requested.At,
		Phase: string(rollout.PhaseDraft), Status: string(rollout.StatusDraft), Events: []release.Event{},
	}
	return draft, json.Unmarshal(requested.Body, &draft.Request)
}

// List returns a page of releases, newest first. A filter may leave a page with fewer
// than were asked for, and another after it.
func (r Releases) List(ctx context.Context, organization string, query api.ReleaseQuery) ([]release.Record, string, error) {
	page, next, err := r.Store.Across(ctx, organization, store.Releases, store.AcrossQuery{Cursor: query.Cursor, Limit: query.Limit})
	if err != nil {
		return nil, "", err
	}
	list := []release.Record{}
	for _, requested := range page {
		record, err := r.recorded(ctx, organization, requested)
		if err != nil {
			return nil, "", err
		}
		of := query.Channel == (records.ChannelName{}) || record.Request.Channel == query.Channel
		if of && (query.Phase == "" || record.Phase == query.Phase) {
			list = append(list, record)
		}
	}
	return list, next, nil
}
