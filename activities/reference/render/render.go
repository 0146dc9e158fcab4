// Package render is the reference render stage: from the files of a Runtime Pack it
// makes a page that people read, and a trace that leads each statement on it back to
// the claims that it came from.
//
// The pack is taken for hostile: what does not hold together is refused, what has no
// claim to show for it is refused, and no text of it is markup on the page.
package render

import (
	"context"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Version is the version of the stage: what a pipeline pins.
const Version = "1.0.0"

// Stage is the reference render stage. It is safe for concurrent use.
type Stage struct {
	store runner.ArtifactStore
	names int // bytes of names that are kept
}

var _ runner.Runner = (*Stage)(nil)

// New returns the stage, which reads from store and writes to it.
func New(store runner.ArtifactStore) *Stage { return &Stage{store: store, names: maxNames} }

// progressEvery is how many statements lie between two words of progress.
const progressEvery = 256

// Run renders the pack of req. Progress counts statements, the total not being known.
func (s *Stage) Run(ctx context.Context, req runner.Request, progress runner.Progress) (runner.Result, error) {
	if err := CheckConfig(req.Config); err != nil {
		return runner.Result{}, err
	}
	pack, err := s.open(ctx, req)
	if err != nil {
		return runner.Result{}, err
	}
	names, err := s.readNames(ctx, pack)
	if err != nil {
		return runner.Result{}, err
	}
	out := newBundle(ctx, s.store, names)
	defer out.abort()
	out.header(pack)
	if err := s.sections(ctx, pack, out, progress); err != nil {
		return runner.Result{}, err
	}
	return out.commit()
}

// readNames reads the dictionaries once for the names of things, which statements
// mention in any order.
func (s *Stage) readNames(ctx context.Context, pack pack) (*names, error) {
	kept := newNames(s.names)
	for _, table := range []struct {
		files  []records.Artifact
		letter byte
	}{{pack.properties, 'P'}, {pack.entities, 'Q'}} {
		for thing, err := range s.things(ctx, table.files, table.letter) {
			if err != nil {
				return nil, err
			}
			kept.add(thing.row)
		}
	}
	return kept, nil
}

// sections writes one section for each entity. Entities and statements are sorted
// alike, so both are read once, side by side, to their ends.
func (s *Stage) sections(ctx context.Context, pack pack, out *bundle, progress runner.Progress) error {
	statements := pull(s.statements(ctx, pack.statements))
	defer statements.stop()
	for entity, err := range s.things(ctx, pack.entities, 'Q') {
		if err != nil {
			return err
		}
		out.entity(entity.row)
		for statements.more && statements.row.row.Subject == entity.row.ID {
			if err := out.statement(statements.row.row); err != nil {
				return err
			}
			if out.statements%progressEvery == 0 {
				progress(out.statements, 0)
			}
			statements.next()
		}
		out.end()
	}
	if statements.err != nil {
		return statements.err
	}
	if statements.more {
		return statements.row.fail(gates.ContractViolation, "subject %q is not in the dictionary, or not in its order", statements.row.row.Subject)
	}
	return nil
}
