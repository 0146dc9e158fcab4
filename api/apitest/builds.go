package apitest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// Outcome is how a build goes that the double starts.
type Outcome int

// The outcomes. With Pending nothing happens after the request: the test writes
// what follows with a Script.
const (
	Pending Outcome = iota
	Passed
	Blocked  // by the validation gate
	Failed   // in ingest
	Waiting  // for an operator, after the validation gate has refused
	Differs  // passes, with another exchange than Passed
	Panicked // no build: the call itself breaks
)

// Builds is the double of the choke point. It keeps the promises of api.Builds
// about keys and states, and runs no workflow.
type Builds struct {
	store     *store.Store
	artifacts *artifacts.Store

	mu        sync.Mutex
	outcome   Outcome
	starts    int
	callbacks []api.Callback
}

var _ api.Builds = (*Builds)(nil)

// Next sets the outcome of the builds that are started from now on.
func (b *Builds) Next(outcome Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.outcome = outcome
}

// Starts counts the calls of Start.
func (b *Builds) Starts() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.starts
}

// Callbacks returns the callbacks that were accepted.
func (b *Builds) Callbacks() []api.Callback {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]api.Callback(nil), b.callbacks...)
}

// Start records the request and plays the outcome.
func (b *Builds) Start(ctx context.Context, request records.BuildRequest) (records.BuildView, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.starts++
	if b.outcome == Panicked {
		panic("a defect")
	}
	canonical, err := records.Canonical(request)
	if err != nil {
		return records.BuildView{}, err
	}
	ref, err := b.artifacts.PutBytes(ctx, records.MediaJSON, canonical)
	if err != nil {
		return records.BuildView{}, err
	}
	view, err := b.store.Build(ctx, request.Organization, request.BuildID)
	if err == nil {
		if !view.Request.Same(ref) {
			return view, &api.Refusal{Code: gates.IdempotencyKeyReused,
				Message: fmt.Sprintf("idempotency key %q belongs to build %s", request.IdempotencyKey, request.BuildID)}
		}
		return view, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return view, err
	}
	script := b.Script(request.Organization, request.BuildID)
	if err := script.play(ctx, request, ref, b.outcome); err != nil {
		return view, err
	}
	return b.store.Build(ctx, request.Organization, request.BuildID)
}

// Stop ends a build at once.
func (b *Builds) Stop(ctx context.Context, organization, id string, now bool, by api.Identity, reason string) (records.BuildView, error) {
	view, err := b.live(ctx, organization, id)
	if err != nil {
		return view, err
	}
	script := b.Script(organization, id)
	err = errors.Join(
		script.Action(ctx, by.Actor, reason, records.OperatorAction{
			Action: records.ActionStop, Now: now, Before: view.State, After: records.BuildStopped,
		}, view.Generation),
		script.End(ctx, records.BuildStopped, view.Stage, gates.StoppedByOperator),
	)
	if err != nil {
		return view, err
	}
	return b.store.Build(ctx, organization, id)
}

// Retry opens a new generation of a build that waits.
func (b *Builds) Retry(
	ctx context.Context, organization, id string, stage records.Stage, by api.Identity, reason string,
) (records.BuildView, error) {
	view, err := b.live(ctx, organization, id)
	if err != nil {
		return view, err
	}
	if view.State != records.BuildWaiting {
		return view, &api.Refusal{Code: gates.InvalidTransition,
			Message: fmt.Sprintf("build %s is %s; only a build that is WAITING can be retried", id, view.State)}
	}
	err = b.Script(organization, id).Action(ctx, by.Actor, reason, records.OperatorAction{
		Action: records.ActionRetry, Stage: stage, Before: view.State, After: records.BuildRunning,
	}, view.Generation+1)
	if err != nil {
		return view, err
	}
	return b.store.Build(ctx, organization, id)
}

// Override lets a build that waits go on; the double knows no policy that would
// not let it.
func (b *Builds) Override(
	ctx context.Context, organization, id string, override client.OverrideGate, by api.Identity,
) (records.BuildView, error) {
	view, err := b.live(ctx, organization, id)
	if err != nil {
		return view, err
	}
	if view.State != records.BuildWaiting {
		return view, &api.Refusal{Code: gates.InvalidTransition, Message: fmt.Sprintf("build %s is %s", id, view.State)}
	}
	err = b.Script(organization, id).Action(ctx, by.Actor, override.Reason, records.OperatorAction{
		Action: records.ActionOverride, Stage: view.Stage, Gate: override.Gate, Before: view.State, After: records.BuildRunning,
	}, view.Generation)
	if err != nil {
		return view, err
	}
	return b.store.Build(ctx, organization, id)
}

func (b *Builds) live(ctx context.Context, organization, id string) (records.BuildView, error) {
	view, err := b.store.Build(ctx, organization, id)
	if err == nil && view.State.Terminal() {
		err = &api.Refusal{Code: gates.InvalidTransition, Message: fmt.Sprintf("build %s has ended: it is %s", id, view.State)}
	}
	return view, err
}

// GoodSignature is the signature that CompleteCallback accepts.
const GoodSignature = "sha256=good"

// CompleteCallback keeps callbacks that bear GoodSignature.
func (b *Builds) CompleteCallback(_ context.Context, callback api.Callback) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if callback.Signature != GoodSignature {
		return &api.Refusal{Code: gates.CallbackUnsigned, Message: "the callback's signature is not valid"}
	}
	b.callbacks = append(b.callbacks, callback)
	return nil
}

// Script returns a writer of entries about a build.
func (b *Builds) Script(organization, id string) *Script {
	return &Script{store: b.store, artifacts: b.artifacts, organization: organization, id: id}
}

// Epoch is when everything happens in the builds of the double.
var Epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
