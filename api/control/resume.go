package control

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

const (
	// firstPause and longestPause are how long it takes from one look at all releases to
	// the next: twice as long each time. What Temporal lists as running is some moments
	// old, so that the first looks follow soon.
	firstPause   = 15 * time.Second
	longestPause = 10 * time.Minute
	// overlap is how much later than at the time that it bears a request may be in the
	// store: what clocks differ by, and what a transaction takes.
	overlap = 5 * time.Minute
)

// Resuming hands releases to Temporal that it does not have. One whose request was
// recorded while Temporal was away is found by the next pass, which looks only at those
// that are new. One whose workflow was ended in Temporal is found by a look at all, with
// one list of the workflows that run; those are rare, and come at once when a server starts.
//
// It is used by one goroutine.
type Resuming struct {
	releases  Releases
	namespace string

	handed time.Time // all that were requested before are, or were, with Temporal
	next   time.Time // of the next look at all
	pause  time.Duration
}

// NewResuming returns one whose first pass looks at all releases.
func NewResuming(releases Releases, namespace string) *Resuming {
	return &Resuming{releases: releases, namespace: namespace, pause: firstPause}
}

// Pass hands over what is due. What it could not, the next one does.
func (r *Resuming) Pass(ctx context.Context, organization string) error {
	now := r.releases.Clock.Now()
	if now.Before(r.next) {
		if err := r.fresh(ctx, organization); err != nil {
			return err
		}
		r.handed = now.Add(-overlap)
		return nil
	}
	if err := r.all(ctx, organization); err != nil {
		return err
	}
	r.handed, r.next = now.Add(-overlap), now.Add(r.pause)
	r.pause = min(2*r.pause, longestPause)
	return nil
}

// fresh hands over the newest requests that no workflow has taken up.
func (r *Resuming) fresh(ctx context.Context, organization string) error {
	return r.each(ctx, organization, r.handed, func(requested store.Stored, phase func() (rollout.Phase, error)) (bool, error) {
		is, err := phase()
		return is == rollout.PhaseDraft, err
	})
}

// all hands over every release that has not ended and whose workflow does not run.
func (r *Resuming) all(ctx context.Context, organization string) error {
	running, err := r.running(ctx, organization)
	if err != nil {
		return err
	}
	return r.each(ctx, organization, time.Time{}, func(requested store.Stored, phase func() (rollout.Phase, error)) (bool, error) {
		if running[workflows.ReleaseWorkflowID(organization, requested.Subject.ID)] {
			return false, nil
		}
		is, err := phase()
		return !(rollout.Release{Phase: is}).Ended(), err
	})
}

// each goes through the releases that were requested since a time, and hands over those
// that are due. Their records are only read if that is asked.
func (r *Resuming) each(ctx context.Context, organization string, since time.Time, due func(store.Stored, func() (rollout.Phase, error)) (bool, error)) error {
	for cursor := ""; ; {
		page, next, err := r.releases.Store.Across(ctx, organization, store.Releases, store.AcrossQuery{Since: since, Cursor: cursor, Limit: store.MaxPage})
		if err != nil {
			return err
		}
		for _, requested := range page {
			is, err := due(requested, func() (rollout.Phase, error) {
				record, err := r.releases.recorded(ctx, organization, requested)
				return rollout.Phase(record.Phase), err
			})
			if err != nil {
				return err
			}
			if !is {
				continue
			}
			var asked release.Request
			if err := json.Unmarshal(requested.Body, &asked); err != nil {
				return fmt.Errorf("release %s: %w", requested.Subject.ID, err)
			}
			if err := r.releases.hand(ctx, organization, asked); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// running returns the ids of the workflows of releases that run, as Temporal lists them.
// One that has begun or ended just now may be listed wrongly: to hand over what runs
// changes nothing, and what does not is found by a later look.
func (r *Resuming) running(ctx context.Context, organization string) (map[string]bool, error) {
	ids := map[string]bool{}
	for token := []byte(nil); ; {
		listed, err := r.releases.Entities.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: r.namespace, PageSize: 1000, NextPageToken: token,
			Query: fmt.Sprintf("WorkflowType = '%s' AND %s = '%s' AND ExecutionStatus = 'Running'",
				workflows.ReleaseWorkflow, workflows.AttributeOrganization, organization),
		})
		if err != nil {
			return nil, fmt.Errorf("list the releases that run: %w", err)
		}
		for _, execution := range listed.GetExecutions() {
			ids[execution.GetExecution().GetWorkflowId()] = true
		}
		if token = listed.GetNextPageToken(); len(token) == 0 {
			return ids, nil
		}
	}
}
