// Package control is the one way to change a build: it turns requests into
// workflow starts and updates. Whether an action is legal is decided by the
// workflow, which raw Temporal calls come to as well.
package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/api"
	apiclient "github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

// Store is what control needs of the record store.
type Store interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	Build(ctx context.Context, organization, buildID string) (records.BuildView, error)
	Builds(ctx context.Context, organization string, q store.BuildQuery) ([]records.BuildView, string, error)
}

// Artifacts stores requests, and what runners send with a late answer.
type Artifacts interface {
	runner.ArtifactStore
	PutBytes(ctx context.Context, mediaType string, data []byte) (records.Ref, error)
}

// Clock tells the time at which something was asked for.
type Clock interface{ Now() time.Time }

// Options are the parts that control works with; all are required.
type Options struct {
	Temporal  client.Client
	Namespace string
	Store     Store
	Artifacts Artifacts
	Clock     Clock
	// CallbackKey is what the secrets of callbacks are derived from.
	CallbackKey []byte
}

// Builds starts and changes builds.
type Builds struct {
	temporal    client.Client
	namespace   string
	store       Store
	artifacts   Artifacts
	clock       Clock
	callbackKey []byte
}

// NewBuilds returns control over the builds of one Temporal namespace and one
// store.
func NewBuilds(o Options) *Builds {
	return &Builds{
		temporal: o.Temporal, namespace: o.Namespace, store: o.Store,
		artifacts: o.Artifacts, clock: o.Clock, callbackKey: o.CallbackKey,
	}
}

// Start starts the build that the request's idempotency key names, or finds the
// one that was started under it before. The request is recorded first: a build
// that could not be handed to Temporal is, by Resume or a repeated Start.
func (b *Builds) Start(ctx context.Context, request records.BuildRequest) (records.BuildView, error) {
	request.BuildID = records.BuildID(request.Organization, request.IdempotencyKey)
	canonical, err := records.Canonical(request)
	if err != nil {
		return records.BuildView{}, err
	}
	ref, err := b.artifacts.PutBytes(ctx, records.MediaJSON, canonical)
	if err != nil {
		return records.BuildView{}, err
	}
	if err := b.recordRequest(ctx, request, ref); err != nil {
		return records.BuildView{}, err
	}
	view, err := b.store.Build(ctx, request.Organization, request.BuildID)
	if err != nil {
		return records.BuildView{}, err
	}
	return view, b.hand(ctx, view)
}

// recordRequest makes the request the first entry of its build. A second
// request under the same key is the same, or refused.
func (b *Builds) recordRequest(ctx context.Context, request records.BuildRequest, ref records.Ref) error {
	view, err := b.store.Build(ctx, request.Organization, request.BuildID)
	if err == nil {
		return sameRequest(view, ref)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: request.Organization, Kind: records.KindEvent, Type: records.TypeBuildRequested,
		Subject: records.Subject{Kind: records.SubjectBuild, ID: request.BuildID},
		At:      b.clock.Now(), Actor: request.Trigger.Actor, Reason: request.Trigger.Reason,
		Correlation: records.Correlation{
			BuildID:    request.BuildID,
			WorkflowID: workflows.BuildWorkflowID(request.Organization, request.BuildID),
		},
	}, "requested", records.BuildRequested{
		IdempotencyKey: request.IdempotencyKey, Request: ref, Trigger: request.Trigger, ReproduceOf: request.ReproduceOf,
	})
	if err != nil {
		return err
	}
	_, err = b.store.Append(ctx, entry)
	var conflict *store.EntryConflict
	if errors.As(err, &conflict) {
		// Another request under this key came first, a moment ago.
		if view, err = b.store.Build(ctx, request.Organization, request.BuildID); err != nil {
			return err
		}
		return sameRequest(view, ref)
	}
	return err
}

func sameRequest(view records.BuildView, ref records.Ref) error {
	if view.Request.Same(ref) {
		return nil
	}
	return refuse(gates.IdempotencyKeyReused, nil,
		"idempotency key %q belongs to build %s, which was asked for something else", view.IdempotencyKey, view.BuildID)
}

// hand gives a build that has not ended to Temporal, which takes it once.
func (b *Builds) hand(ctx context.Context, view records.BuildView) error {
	if view.State.Terminal() {
		return nil
	}
	err := startOnce(ctx, b.temporal, client.StartWorkflowOptions{
		ID:                    workflows.BuildWorkflowID(view.Organization, view.BuildID),
		StaticSummary:         fmt.Sprintf("build for %s", view.Trigger.Actor),
		StaticDetails:         details(view),
		TypedSearchAttributes: workflows.BuildSearchAttributes(view.Organization, view.BuildID),
	}, workflows.BuildWorkflow, workflows.BuildInput{
		Organization: view.Organization, BuildID: view.BuildID, Request: view.Request,
	})
	if err != nil {
		return refuse(gates.TemporalUnavailable, err, "build %s is recorded and will start by itself, or when the request is repeated", view.BuildID)
	}
	return nil
}

func details(view records.BuildView) string {
	text := fmt.Sprintf("Build `%s` of organization `%s`\n\n- asked for by **%s** (%s)\n",
		view.BuildID, view.Organization, view.Trigger.Actor, view.Trigger.Type)
	if view.Trigger.Reason != "" {
		text += fmt.Sprintf("- reason: %s\n", view.Trigger.Reason)
	}
	if view.ReproduceOf != "" {
		text += fmt.Sprintf("- reproduces build `%s`\n", view.ReproduceOf)
	}
	return text
}

// Resume hands every recorded build of an organization that Temporal may not
// have to Temporal. A server does it when it starts, and from time to time.
func (b *Builds) Resume(ctx context.Context, organization string) error {
	query := store.BuildQuery{States: []records.BuildState{records.BuildPending}, Limit: 100}
	for {
		views, next, err := b.store.Builds(ctx, organization, query)
		if err != nil {
			return err
		}
		for _, view := range views {
			if err := b.hand(ctx, view); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		query.Cursor = next
	}
}

// Stop asks a build to stop: before its next stage, or now.
func (b *Builds) Stop(
	ctx context.Context, organization, buildID string, now bool, by api.Identity, reason string,
) (records.BuildView, error) {
	return b.update(ctx, organization, buildID, workflows.UpdateStop,
		workflows.StopRequest{Actor: by.Actor, Reason: reason, Now: now})
}

// Retry asks a build that waits to retry a stage.
func (b *Builds) Retry(
	ctx context.Context, organization, buildID string, stage records.Stage, by api.Identity, reason string,
) (records.BuildView, error) {
	return b.update(ctx, organization, buildID, workflows.UpdateRetry,
		workflows.RetryRequest{Actor: by.Actor, Reason: reason, Stage: stage})
}

// Override asks a build that waits to override a gate that refused it.
func (b *Builds) Override(
	ctx context.Context, organization, buildID string, override apiclient.OverrideGate, by api.Identity,
) (records.BuildView, error) {
	return b.update(ctx, organization, buildID, workflows.UpdateOverride, workflows.OverrideRequest{
		Actor: by.Actor, Reason: override.Reason, Gate: gates.Gate(override.Gate), CaseID: override.CaseID, ExpiresAt: override.ExpiresAt,
	})
}

func (b *Builds) update(ctx context.Context, organization, buildID, name string, argument any) (records.BuildView, error) {
	view, err := b.store.Build(ctx, organization, buildID)
	if err != nil {
		return view, err
	}
	if view.State.Terminal() {
		return view, refuse(gates.InvalidTransition, nil, "build %s has ended: it is %s", buildID, view.State)
	}
	if err := update(ctx, b.temporal, client.UpdateWorkflowOptions{
		WorkflowID: workflows.BuildWorkflowID(organization, buildID),
		UpdateName: name,
		Args:       []any{argument},
	}); err != nil {
		return view, refused(buildID, err)
	}
	return b.store.Build(ctx, organization, buildID)
}

// refused gives the workflow's refusal of an update its reason code.
func refused(buildID string, err error) error {
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		if _, known := gates.Lookup(gates.Code(application.Type())); known {
			return refuse(gates.Code(application.Type()), err, "%s", application.Message())
		}
	}
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return refuse(gates.InvalidTransition, err, "build %s has ended, or has not begun", buildID)
	}
	return refuse(gates.TemporalUnavailable, err, "build %s did not answer", buildID)
}

func refuse(code gates.Code, cause error, format string, args ...any) *api.Refusal {
	return &api.Refusal{Code: code, Message: fmt.Sprintf(format, args...), Cause: cause}
}
