// Package validate is the reference validate stage: it looks at resolved
// documents, one by one and across, and says in a Validation Report what is
// wrong with them. It decides nothing; gates do.
package validate

import (
	"context"

	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Version is the version of the stage: what a pipeline pins.
const Version = "1.0.0"

// Stage is the reference validate stage. It is safe for concurrent use.
type Stage struct{ store runner.ArtifactStore }

var _ runner.Runner = (*Stage)(nil)

// New returns the stage, which reads from store and writes to it.
func New(store runner.ArtifactStore) *Stage { return &Stage{store: store} }

// Run validates the resolved documents of req and yields the report. That they
// are bad is not a failure of the stage. Progress counts documents; the total
// is not known.
func (s *Stage) Run(ctx context.Context, req runner.Request, progress runner.Progress) (result runner.Result, err error) {
	config, err := parseConfig(req.Config)
	if err != nil {
		return runner.Result{}, err
	}
	snapshot, err := stream.Input(req, records.OutSnapshot)
	if err != nil {
		return runner.Result{}, err
	}
	resolved, err := stream.Input(req, records.OutResolved)
	if err != nil {
		return runner.Result{}, err
	}
	check := &checker{issues: newCollector(config)}
	if check.sources, err = readSources(ctx, s.store, snapshot); err != nil {
		return runner.Result{}, err
	}
	if check.known, err = learnProperties(ctx, s.store, config); err != nil {
		return runner.Result{}, err
	}
	check.cross = newCross(check.issues)
	defer func() {
		if closing := check.cross.close(); err == nil {
			err = closing
		}
	}()
	if err := s.check(ctx, resolved, check, progress); err != nil {
		return runner.Result{}, err
	}
	return s.report(ctx, req, config, check)
}

// progressEvery is how many documents lie between two words of progress.
const progressEvery = 256

func (s *Stage) check(ctx context.Context, resolved records.Ref, check *checker, progress runner.Progress) error {
	for line, err := range stream.Lines(ctx, s.store, resolved, gates.ClaimInvalid) {
		if err != nil {
			return err
		}
		if err := check.check(line.Number, line.Bytes); err != nil {
			return err
		}
		if line.Number%progressEvery == 0 {
			progress(line.Number, 0)
		}
	}
	if check.count.claims == 0 {
		check.issues.add(NoClaimsAtAll, place{}, func() issue {
			return issue{Message: "the documents " + codeTable[NoClaimsAtAll].says, Details: map[string]any{"documents": check.count.documents}}
		})
	}
	return check.cross.report(ctx)
}
