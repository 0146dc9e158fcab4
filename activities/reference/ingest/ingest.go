// Package ingest is the reference runner of the ingest stage: it turns files
// and directories, or snapshots taken before, into one input snapshot.
//
// The snapshot depends on the names and contents of the files below each input
// and on nothing else: not on where the input lies, in which order it is read,
// when its files were written, or who collects it. docs/reference-stages.md has
// the rules.
package ingest

import (
	"context"
	"time"

	"github.com/initkoa/orgo/activities/reference/snapshot"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Version is the version of this runner. It changes with everything that can
// change a snapshot.
const Version = "1.0.0"

// CollectorName is the collector that provenance names unless the config does.
const CollectorName = "orgo-ingest"

// AttachProvenance is the name of the attachment that says where the files
// were read, by whom and when.
const AttachProvenance = "provenance"

// Clock tells the time of collection, which only the provenance carries.
type Clock interface {
	Now() time.Time
}

// Settings is what the worker, not the pipeline, decides.
type Settings struct {
	// AllowedRoots are the absolute directories below which inputs may lie. Nil
	// allows every place; an empty list allows none.
	AllowedRoots []string
}

// Runner implements runner.Runner for records.Ingest.
type Runner struct {
	store    runner.ArtifactStore
	clock    Clock
	settings Settings
}

// New returns a runner that reads files into store.
func New(store runner.ArtifactStore, clock Clock, settings Settings) *Runner {
	return &Runner{store: store, clock: clock, settings: settings}
}

// Run reads req.Sources. Its one output is records.OutSnapshot, its one
// attachment AttachProvenance. Progress is in bytes.
func (r *Runner) Run(ctx context.Context, req runner.Request, progress runner.Progress) (runner.Result, error) {
	config, err := parseConfig(req.Config)
	if err != nil {
		return runner.Result{}, err
	}
	names, err := nameInputs(req.Sources)
	if err != nil {
		return runner.Result{}, err
	}

	c := newCollection(r.store, config, progress)
	defer c.close()
	for i, input := range req.Sources {
		if input.Snapshot != nil {
			err = c.addSnapshot(ctx, *input.Snapshot)
		} else {
			err = c.addPath(ctx, names[i], r.settings.AllowedRoots)
		}
		if err != nil {
			return runner.Result{}, err
		}
	}
	if err := c.collect(ctx); err != nil {
		return runner.Result{}, err
	}
	return r.finish(ctx, req, config, c)
}

// finish stores the manifest and the provenance.
func (r *Runner) finish(ctx context.Context, req runner.Request, config Config, c *collection) (runner.Result, error) {
	manifest, err := c.manifest()
	if err != nil {
		return runner.Result{}, err
	}
	ref, err := putCanonical(ctx, r.store, "snapshot", manifest)
	if err != nil {
		return runner.Result{}, err
	}
	if only := soleSnapshot(req.Sources); only != nil && !only.Same(ref) {
		return runner.Result{}, runner.Fail(gates.ContractViolation, nil,
			"snapshot %s is not in canonical form; its content has the digest %s", only.Digest, ref.Digest)
	}
	provenance := c.provenance(ref.Digest, config.Collector, r.clock.Now())
	if err := complete(provenance); err != nil {
		return runner.Result{}, err
	}
	provenanceRef, err := putCanonical(ctx, r.store, "provenance", provenance)
	if err != nil {
		return runner.Result{}, err
	}
	return runner.Result{
		Outputs:     []records.Artifact{{Name: records.OutSnapshot, Ref: ref}},
		Attachments: []records.Artifact{{Name: AttachProvenance, Ref: provenanceRef}},
		Metrics: map[string]int64{
			"files":    int64(len(manifest.Files)),
			"bytes":    c.done,
			"excluded": int64(len(manifest.Exclusions)),
		},
	}, nil
}

// soleSnapshot returns the snapshot that is the only input, or nil.
func soleSnapshot(sources []records.Input) *records.Ref {
	if len(sources) == 1 {
		return sources[0].Snapshot
	}
	return nil
}

// addSnapshot verifies a snapshot and every file in it, by reading all of it.
func (c *collection) addSnapshot(ctx context.Context, ref records.Ref) error {
	taken, err := snapshot.Read(ctx, c.store, ref)
	if err != nil {
		return err
	}
	source := "snapshot:" + ref.Digest.String()
	for _, file := range taken.Files {
		c.total += file.Size
		c.pending = append(c.pending, pending{path: file.Path, stored: &file, source: source})
	}
	c.exclusions = append(c.exclusions, taken.Exclusions...)
	return nil
}
