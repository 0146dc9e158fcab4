// Package resolve is the reference resolve stage: it ties the surface forms of
// Claim-IR to items and properties, by a pinned index and by the corpus itself,
// and keeps every candidate where a form may mean several.
package resolve

import (
	"bufio"
	"context"
	"errors"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// Version is the version of the stage: what a pipeline pins.
const Version = "1.0.0"

// resolverName is what resolved documents name as their resolver.
const resolverName = "orgo-resolve"

// Stage is the reference resolve stage. It is safe for concurrent use.
type Stage struct{ store runner.ArtifactStore }

var _ runner.Runner = (*Stage)(nil)

// New returns the stage, which reads from store and writes to it.
func New(store runner.ArtifactStore) *Stage { return &Stage{store: store} }

// Run resolves the claims of req, in their order. It reads them twice: once for
// the names that the corpus gives its items, once to resolve. Progress counts
// documents; the total is known in the second reading.
func (s *Stage) Run(ctx context.Context, req runner.Request, progress runner.Progress) (runner.Result, error) {
	config, err := parseConfig(req.Config)
	if err != nil {
		return runner.Result{}, err
	}
	claims, err := stream.Input(req, records.OutClaims)
	if err != nil {
		return runner.Result{}, err
	}
	known := vocabulary{items: &names{letter: 'Q'}, properties: &names{letter: 'P'}}
	if err := known.learnIndex(ctx, s.store, config.Index); err != nil {
		return runner.Result{}, err
	}
	total, err := known.learnCorpus(ctx, s.store, claims, progress)
	if err != nil {
		return runner.Result{}, err
	}
	known.items.seal()
	known.properties.seal()
	r := &resolver{
		items:      newFinder(known.items, config.MaxCandidates),
		properties: newFinder(known.properties, config.MaxCandidates),
		resolution: claim.Resolution{
			RunID:     "recipe:" + req.Recipe.Value,
			CreatedAt: req.SourceDate.UTC().Format(records.DateFormat),
			Resolver:  claim.Resolver{Name: resolverName, Version: Version},
		},
	}
	return s.resolve(ctx, claims, r, func(done int64) { progress(done, total) })
}

// progressEvery is how many documents lie between two words of progress.
const progressEvery = 256

// resolve writes the resolved form of every claims document.
func (s *Stage) resolve(ctx context.Context, claims records.Ref, r *resolver, progress func(int64)) (runner.Result, error) {
	artifact := stream.Create(ctx, s.store, records.MediaJSONLines)
	defer artifact.Abort()
	buffered := bufio.NewWriterSize(artifact, 256<<10)
	writer := claim.NewWriter(buffered)
	var count tally
	for line, err := range stream.Lines(ctx, s.store, claims, gates.ClaimInvalid) {
		if err != nil {
			return runner.Result{}, err
		}
		resolved, err := resolveLine(r, line.Bytes)
		if err != nil {
			return runner.Result{}, stream.AtLine(gates.ClaimInvalid, err, claims, line.Number)
		}
		canonical, err := records.Canonical(resolved)
		if err != nil {
			return runner.Result{}, stream.AtLine(gates.ClaimInvalid, err, claims, line.Number)
		}
		if err := writer.WriteCanonical(canonical); err != nil {
			return runner.Result{}, err
		}
		count.add(resolved)
		if line.Number%progressEvery == 0 {
			progress(line.Number)
		}
	}
	if err := buffered.Flush(); err != nil {
		return runner.Result{}, err
	}
	ref, err := artifact.Commit()
	if err != nil {
		return runner.Result{}, err
	}
	return runner.Result{
		Outputs: []records.Artifact{{Name: records.OutResolved, Ref: ref}},
		Metrics: count.metrics(),
	}, nil
}

// errNoSubject says that a document has a subject with neither id nor name.
var errNoSubject = errors.New("subject has neither qid nor surface")

func resolveLine(r *resolver, line []byte) (claim.Resolved, error) {
	doc, err := document.Claims(line)
	if err != nil {
		return claim.Resolved{}, err
	}
	if doc.Subject.QID == "" && doc.Subject.Surface == "" {
		return claim.Resolved{}, errNoSubject
	}
	// Refuses numbers that would change when they are read as a double.
	canonical, err := schemas.CanonicalizeJSON(line)
	if err != nil {
		return claim.Resolved{}, err
	}
	return r.document(doc, records.DigestOf(canonical)), nil
}
