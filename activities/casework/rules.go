package casework

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// Sources are where the policy of a build or a release is found.
type Sources interface {
	Build(ctx context.Context, organization, buildID string) (records.BuildView, error)
	Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error)
}

// Rules finds the rules by which Cases are routed: those of the policy that the build or
// the release was decided under. What was decided under none, or under one that cannot
// be read, is routed by the rules that are built in: no Case is without a route.
type Rules struct {
	sources Sources
	reader  *activities.Reader

	mu   sync.Mutex
	sets map[records.Digest]gates.Ruleset
}

// NewRules returns a finder of rules.
func NewRules(sources Sources, reader *activities.Reader) *Rules {
	return &Rules{sources: sources, reader: reader, sets: map[records.Digest]gates.Ruleset{}}
}

// keptSets bounds the policies that are kept compiled.
const keptSets = 64

// Routing returns the rules for what concerns a build or a release, at a time. An error
// is one that may go away.
func (r *Rules) Routing(ctx context.Context, organization string, about records.Correlation, at time.Time) (routing.Rules, error) {
	ref, err := r.policyOf(ctx, organization, about)
	if err != nil || ref == nil {
		return routing.BuiltIn(), err
	}
	set, err := r.compiled(ctx, *ref)
	return set.CaseRouting(at), err
}

// policyOf returns what a release, or else a build, was decided under, or nil.
func (r *Rules) policyOf(ctx context.Context, organization string, about records.Correlation) (*records.Ref, error) {
	if about.ReleaseID != "" {
		ref, buildID, err := r.policyOfRelease(ctx, organization, about.ReleaseID)
		if err != nil || ref != nil {
			return ref, err
		}
		about.BuildID = buildID
	}
	if about.BuildID == "" {
		return nil, nil
	}
	view, err := r.sources.Build(ctx, organization, about.BuildID)
	if errors.Is(err, store.ErrNotFound) || err == nil && view.Pins == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var pins records.Pins
	if err := gone(r.reader.JSON(ctx, *view.Pins, &pins)); err != nil || pins.Policy.IsZero() {
		return nil, err
	}
	return &pins.Policy, nil
}

// policyOfRelease returns the policy of the newest record of a release, or its build.
func (r *Rules) policyOfRelease(ctx context.Context, organization, releaseID string) (*records.Ref, string, error) {
	newest, err := r.sources.Entries(ctx, organization, records.ReleaseSubject(releaseID),
		store.EntryQuery{Types: []string{records.TypeRecordWritten}, Newest: true, Limit: 1})
	if err != nil || len(newest) == 0 {
		return nil, "", err
	}
	var record release.Record
	if err := json.Unmarshal(newest[0].Body, &record); err != nil {
		return nil, "", nil // one that was erased, say
	}
	return record.PolicyRef, record.Request.BuildID, nil
}

func (r *Rules) compiled(ctx context.Context, ref records.Ref) (gates.Ruleset, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if set, there := r.sets[ref.Digest]; there {
		return set, nil
	}
	bundle, err := r.reader.Bundle(ctx, ref)
	if err != nil {
		return gates.Ruleset{}, gone(err)
	}
	set, err := bundle.Policy.Compile()
	if err != nil {
		return gates.Ruleset{}, nil // of another version of Orgo
	}
	if len(r.sets) >= keptSets {
		clear(r.sets)
	}
	r.sets[ref.Digest] = set
	return set, nil
}

// gone drops an error that will not go away.
func gone(err error) error {
	var failure *runner.Failure
	if errors.As(err, &failure) && failure.Final {
		return nil
	}
	return err
}
