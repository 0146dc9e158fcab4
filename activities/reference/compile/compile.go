// Package compile is the reference compile stage: from resolved documents that
// passed validation it makes an Exchange, a Runtime Pack, and their manifests.
// Every id is a hash of content, so the same inputs give the same ids wherever
// and however often they are compiled.
package compile

import (
	"bytes"
	"context"

	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/spill"
	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Version is the version of the stage: what a pipeline pins.
const Version = "1.0.0"

// Stage is the reference compile stage. It is safe for concurrent use.
type Stage struct {
	store  runner.ArtifactStore
	memory int // bytes of rows that are sorted without a file
}

var _ runner.Runner = (*Stage)(nil)

// New returns the stage, which reads from store and writes to it.
func New(store runner.ArtifactStore) *Stage {
	return &Stage{store: store, memory: spill.DefaultMemory}
}

// progressEvery is how many documents or rows lie between two words of progress.
const progressEvery = 256

// Run compiles the resolved documents of req, if its report admits them.
// Progress counts documents first, the total not being known, then the rows
// that are written.
func (s *Stage) Run(ctx context.Context, req runner.Request, progress runner.Progress) (result runner.Result, err error) {
	config, err := parseConfig(req.Config)
	if err != nil {
		return runner.Result{}, err
	}
	in, err := inputs(req)
	if err != nil {
		return runner.Result{}, err
	}
	if err := s.admit(ctx, in, config); err != nil {
		return runner.Result{}, err
	}
	sorted := newRows(s.memory)
	defer func() {
		if closing := sorted.close(); err == nil {
			err = closing
		}
	}()
	if err := s.takeApart(ctx, in.resolved, sorted, progress); err != nil {
		return runner.Result{}, err
	}
	out := newWriter(ctx, s.store)
	defer out.abort()
	at := newCursor(ctx, sorted.sorter, func(done int64) { progress(done, sorted.count) })
	defer at.close()
	if err := out.write(at); err != nil {
		return runner.Result{}, err
	}
	return s.finish(ctx, req, config, in, out)
}

func inputs(req runner.Request) (sources, error) {
	var in sources
	var err error
	if in.snapshot, err = stream.Input(req, records.OutSnapshot); err != nil {
		return in, err
	}
	if in.resolved, err = stream.Input(req, records.OutResolved); err != nil {
		return in, err
	}
	in.report, err = stream.Input(req, records.OutReport)
	return in, err
}

func (s *Stage) takeApart(ctx context.Context, resolved records.Ref, into *rows, progress runner.Progress) error {
	for line, err := range stream.Lines(ctx, s.store, resolved, gates.ClaimInvalid) {
		if err != nil {
			return err
		}
		doc, err := document.ReadResolved(line.Bytes)
		if err == nil {
			err = into.document(doc)
		}
		if err != nil {
			return stream.AtLine(gates.ClaimInvalid, err, resolved, line.Number)
		}
		if line.Number%progressEvery == 0 {
			progress(line.Number, 0)
		}
	}
	return nil
}

// finish ends the files and writes the manifests.
func (s *Stage) finish(ctx context.Context, req runner.Request, config Config, in sources, out *writer) (runner.Result, error) {
	exchange, err := out.exchange.commit()
	if err != nil {
		return runner.Result{}, err
	}
	files, err := out.pack.finish(ctx, s.store)
	if err != nil {
		return runner.Result{}, err
	}
	configHash, err := records.CanonicalDigest(config)
	if err != nil {
		return runner.Result{}, err
	}
	known := facts{
		sources: in, recipe: req.Recipe, createdAt: req.SourceDate.UTC().Format(records.DateFormat),
		configHash: configHash.Value, exchange: exchange.Digest,
	}
	exchangeManifest, err := putJSON(ctx, s.store, known.exchangeManifest())
	if err != nil {
		return runner.Result{}, err
	}
	manifest, err := known.packManifest(exchangeManifest.Digest, files)
	if err != nil {
		return runner.Result{}, err
	}
	packManifest, err := putJSON(ctx, s.store, manifest)
	if err != nil {
		return runner.Result{}, err
	}
	result := runner.Result{
		Outputs: []records.Artifact{
			{Name: records.OutExchange, Ref: exchange},
			{Name: records.OutExchangeManifest, Ref: exchangeManifest},
			{Name: records.OutRuntimePackManifest, Ref: packManifest},
		},
		Metrics: out.metrics(),
	}
	for _, file := range files {
		result.Outputs = append(result.Outputs, records.Artifact{Name: records.OutPackFile, Path: file.Path, Ref: file.ref})
	}
	return result, nil
}

// putJSON stores v in canonical form.
func putJSON(ctx context.Context, store runner.ArtifactStore, v any) (records.Ref, error) {
	canonical, err := records.Canonical(v)
	if err != nil {
		return records.Ref{}, err
	}
	return store.Put(ctx, records.MediaJSON, bytes.NewReader(canonical))
}
