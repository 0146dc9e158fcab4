// Package extract is the reference runner of the extract stage: it turns the
// files of an input snapshot into Claim-IR documents, one per record.
//
// What a record is, which of its fields names the subject, and of which kind a
// value is, follows from fixed rules or from the mappings of the config; never
// from guesses over the data. docs/reference-stages.md has the rules. Files are
// read as streams: the memory needed does not grow with the size of a file.
package extract

import (
	"bufio"
	"context"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/activities/reference/snapshot"
	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Version is the version of this runner. It changes with everything that can
// change a document.
const Version = "1.0.0"

// ProducerName is the name under which documents name their extractor.
const ProducerName = "orgo-extract"

// Runner implements runner.Runner for records.Extract.
type Runner struct {
	store runner.ArtifactStore
}

// New returns a runner over store.
func New(store runner.ArtifactStore) *Runner { return &Runner{store: store} }

// Run extracts every file of the snapshot req has as input records.OutSnapshot.
// Its one output is records.OutClaims; where something was left out, the
// attachment AttachExclusions says what and why. Progress is in bytes.
func (r *Runner) Run(ctx context.Context, req runner.Request, progress runner.Progress) (runner.Result, error) {
	settings, err := parseConfig(req.Config)
	if err != nil {
		return runner.Result{}, err
	}
	ref, err := stream.Input(req, records.OutSnapshot)
	if err != nil {
		return runner.Result{}, err
	}
	taken, err := snapshot.Read(ctx, r.store, ref)
	if err != nil {
		return runner.Result{}, err
	}

	out := stream.Create(ctx, r.store, records.MediaJSONLines)
	defer out.Abort()
	x := &extraction{
		store: r.store, settings: settings, progress: progress,
		out: bufio.NewWriterSize(out, writeAhead), left: newLeftOut(),
	}
	if err := x.files(ctx, taken.Files); err != nil {
		return runner.Result{}, err
	}
	if err := x.out.Flush(); err != nil {
		return runner.Result{}, fmt.Errorf("store the claims: %w", err)
	}
	claims, err := out.Commit()
	if err != nil {
		return runner.Result{}, fmt.Errorf("store the claims: %w", err)
	}
	return x.result(ctx, claims)
}

// writeAhead is the size, in bytes, of the buffer before the store.
const writeAhead = 256 << 10

// extraction is one run over one snapshot.
type extraction struct {
	store    runner.ArtifactStore
	settings settings
	progress runner.Progress
	out      *bufio.Writer

	done, total int64 // bytes
	tally       tally
	left        leftOut
}

// tally counts what went into the output.
type tally struct {
	files, documents, claims int64
	leftOut                  int64 // records
	envelopes                int64 // values outside of every record
	ranked                   int64 // statements that a better ranked one replaces
}

func (t *tally) add(other tally) {
	t.files += other.files
	t.documents += other.documents
	t.claims += other.claims
	t.leftOut += other.leftOut
	t.envelopes += other.envelopes
	t.ranked += other.ranked
}

// files extracts every file, in the order of the snapshot: by path.
func (x *extraction) files(ctx context.Context, files []records.SnapshotFile) error {
	for _, f := range files {
		x.total += f.Size
	}
	for _, f := range files {
		if err := x.file(ctx, f); err != nil {
			return err
		}
	}
	if x.tally.documents == 0 {
		return runner.Fail(gates.InputEmpty, nil,
			"none of the snapshot's %d files has a record to extract; %d files were left out", len(files), len(x.left.Files))
	}
	return nil
}

// file extracts one file or records why not.
func (x *extraction) file(ctx context.Context, f records.SnapshotFile) error {
	chosen := x.settings.mappingFor(f.Path)
	name, known := formatOf(f, chosen)
	if !known {
		x.left.unsupported(f)
		x.advance(f.Size)
		return nil
	}
	if err := chosen.fits(name); err != nil {
		return named(f.Path, err)
	}
	format := formatsByName[name]
	if x.settings.exclude {
		// A first reading that keeps nothing: whether the file parses is known
		// before any of it is in the output.
		trial := newFile(x, f, chosen, discard{})
		var bad *problem
		err := format(ctx, trial, nil)
		if errors.As(err, &bad) && bad.code == gates.InputUnparsable {
			x.left.unparsable(f, bad)
			x.advance(f.Size)
			return nil
		}
		if err != nil {
			return named(f.Path, err)
		}
	}
	reading := newFile(x, f, chosen, x.out)
	if err := format(ctx, reading, func(n int) { x.advance(int64(n)) }); err != nil {
		return named(f.Path, err)
	}
	reading.tally.files = 1
	x.tally.add(reading.tally)
	x.left.Records = append(x.left.Records, reading.leftOut...)
	return nil
}

// advance reports n more bytes as done.
func (x *extraction) advance(n int64) {
	x.done += n
	x.progress(x.done, x.total)
}

// named makes err a failure that names its file.
func named(path string, err error) error {
	var bad *problem
	if errors.As(err, &bad) {
		return bad.failure(path)
	}
	return fmt.Errorf("file %s: %w", path, err)
}

// mappingFor returns the first mapping that matches the path, or nil.
func (s settings) mappingFor(path string) *mapping {
	for _, m := range s.mappings {
		if m.files.Match(path) {
			return m
		}
	}
	return nil
}

// discard is the output of a trial.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
