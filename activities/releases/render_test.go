package releases_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/reference/render"
	"github.com/initkoa/orgo/activities/registry"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// renders gives the activities runners.
func (b *bench) renders(runners activities.Runners) {
	b.act = releases.New(releases.Options{
		Store: b.store, Artifacts: b.artifacts, Clock: activities.SystemClock{}, Targets: targets{b}, Channels: b.temporal, Callers: b, Runners: runners,
	})
}

// reference are the runners that are built into a worker.
func (b *bench) reference() activities.Runners {
	return registry.New(registry.ReferenceStages(b.artifacts, registry.ReferenceOptions{Clock: activities.SystemClock{}}), nil)
}

// toRender asks to render the pack of a build, in a generation that nothing else has.
func (b *bench) toRender(record records.BuildRecord) releases.StageInput {
	pack, made := index.PackOf(record, "1.2.0")
	require.True(b.t, made)
	return b.stageOf(pack, records.Render)
}

func (b *bench) stageOf(pack index.Pack, stage records.Stage) releases.StageInput {
	b.generation++
	return releases.StageInput{
		Organization: organization, ReleaseID: "r", Channel: channel, Generation: b.generation, Pack: pack,
		Pinned: records.PinnedStage{Stage: stage, Runner: records.RunnerSettings{Kind: records.RunnerReference, Version: "1.0.0"},
			Digest: records.DigestOf([]byte("reference 1.0.0")), Config: b.put(map[string]any{})},
	}
}

// pinned asks what the pipeline of a build has render its packs.
func (b *bench) pinned(in releases.StageInput) releases.Pinned {
	b.t.Helper()
	return must(b, b.act.Pin, releases.PinInput{Organization: organization, Channel: channel, BuildID: in.Pack.BuildID})
}

// render pins and renders, as the workflow does.
func (b *bench) render(in releases.StageInput) (records.StageFinished, error) {
	b.t.Helper()
	pinned := b.pinned(in)
	require.Empty(b.t, pinned.Problems)
	var is bool
	in.Pinned, is = records.Pins{Stages: pinned.Stages}.Stage(records.Render)
	require.True(b.t, is)
	b.generation++
	in.Generation = b.generation
	return run(b, b.act.Render, in)
}

func (b *bench) rendered(in releases.StageInput) records.StageFinished {
	b.t.Helper()
	finished, err := b.render(in)
	require.NoError(b.t, err)
	return finished
}

// unpinnable requires that nothing could be pinned for a build, for a reason.
func (b *bench) unpinnable(in releases.StageInput, code gates.Code) {
	b.t.Helper()
	require.Equal(b.t, []gates.Code{code}, codes(b.pinned(in).Problems))
}

// refused requires that nothing was rendered, for a reason, and that this is recorded.
func (b *bench) refused(in releases.StageInput, code gates.Code) *sdk.ApplicationError {
	b.t.Helper()
	b.generation++
	in.Generation = b.generation
	_, err := run(b, b.act.Render, in)
	var reported *sdk.ApplicationError
	require.ErrorAs(b.t, err, &reported)
	require.Equal(b.t, string(code), reported.Type(), err)
	return reported
}

// with plants a build whose record differs, and returns what it takes to render it.
func (b *bench) with(key string, change func(*records.BuildRecord)) releases.StageInput {
	in := releases.StageInput{}
	b.plant(key, func(r *records.BuildRecord) {
		pins := *r.Pins
		r.Pins = &pins
		r.Outputs.PackFiles = slices.Clone(r.Outputs.PackFiles)
		change(r)
		seal(b.t, r)
		in = b.toRender(*r)
	})
	return in
}

// naming plants a build whose pipeline names what renders.
func (b *bench) naming(key string, settings map[string]any) releases.StageInput {
	return b.namingStage(key, records.Render, settings)
}

func (b *bench) namingStage(key string, stage records.Stage, settings map[string]any) releases.StageInput {
	return b.with(key, func(r *records.BuildRecord) {
		var pipeline map[string]any
		require.NoError(b.t, json.Unmarshal(b.read(r.Pins.Pipeline), &pipeline))
		pipeline["stages"].(map[string]any)[string(stage)] = settings
		r.Pins.Pipeline = b.put(pipeline)
	})
}

func (b *bench) read(ref records.Ref) []byte {
	b.t.Helper()
	reader, err := b.artifacts.Open(b.t.Context(), ref)
	require.NoError(b.t, err)
	defer reader.Close()
	content, err := io.ReadAll(reader)
	require.NoError(b.t, err)
	return content
}

// entries are those of a type about the release.
func (b *bench) entries(typ string) []store.Stored {
	b.t.Helper()
	stored, err := b.store.Entries(b.t.Context(), organization, records.ReleaseSubject("r"), store.EntryQuery{Types: []string{typ}})
	require.NoError(b.t, err)
	return stored
}

// linesOf reads JSON Lines.
func linesOf[T any](b *bench, ref records.Ref) []T {
	b.t.Helper()
	list := []T{}
	for line := range bytes.Lines(b.read(ref)) {
		var one T
		require.NoError(b.t, json.Unmarshal(line, &one))
		list = append(list, one)
	}
	return list
}

// From the page to the trace, from the trace to the claims, and to the files that they
// were read from.
func TestAPackIsRenderedAndTraced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.renders(b.reference())
	in := b.toRender(b.record)
	rendered := must(b, b.act.Render, in)
	require.Len(t, rendered.Outputs, 2)
	require.Equal(t, records.OutRendered, rendered.Outputs[0].Name)
	require.Equal(t, records.OutTrace, rendered.Outputs[1].Name)
	page := strings.Split(string(b.read(rendered.Outputs[0].Ref)), "\n")
	require.Equal(t, release.SpineInputs(in.Pack), rendered.Inputs)
	again := b.toRender(b.record)
	require.Equal(t, rendered, must(b, b.act.Render, again), "what was rendered first stays")
	attempts := must(b, b.act.Attempts, releases.AttemptsInput{Organization: organization, ReleaseID: "r", Stage: records.Render, Generation: in.Generation})
	require.Len(t, attempts, 2)
	require.Equal(t, []string{records.TypeStageStarted, records.TypeStageFinished}, []string{attempts[0].Event, attempts[1].Event})
	require.Equal(t, 1, attempts[0].Attempt)

	require.NoError(t, os.Remove(b.file(rendered.Outputs[0].Ref)))
	require.True(t, b.refused(again, gates.ArtifactMissing).NonRetryable(), "it is read back")

	claims := map[string]bool{}
	for _, stage := range b.record.Stages {
		for _, output := range stage.Outputs {
			if output.Name != records.OutResolved {
				continue
			}
			for _, doc := range linesOf[struct {
				Claims []struct {
					ID string `json:"claim_id"`
				} `json:"claims"`
			}](b, output.Ref) {
				for _, claim := range doc.Claims {
					claims[claim.ID] = true
				}
			}
		}
	}
	require.NotEmpty(t, claims)
	var snapshot records.Snapshot
	require.NoError(t, json.Unmarshal(b.read(b.record.Snapshot), &snapshot))
	traced := linesOf[render.Traced](b, rendered.Outputs[1].Ref)
	require.Len(t, traced, 2)
	for _, one := range traced {
		require.Contains(t, page[one.Line-1], "radius")
		for _, id := range one.ClaimIDs {
			require.True(t, claims[id], id)
		}
		require.Equal(t, []records.Digest{snapshot.Files[0].Digest}, one.SourceDigests)
	}
}

func TestRenderingIsTheSameInAnotherPlace(t *testing.T) {
	t.Parallel()
	var all []records.StageFinished
	for range 2 {
		b := setup(t)
		b.renders(b.reference())
		all = append(all, must(b, b.act.Render, b.toRender(b.record)))
	}
	require.Equal(t, all[0], all[1])
}

func TestTheKeyOfARendering(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.renders(b.reference())
	plain := map[string]any{"runner": map[string]any{"kind": "reference", "version": "1.0.0"}}
	in := b.naming("plain", plain)
	keys := []string{b.rendered(in).Key}
	same := in
	same.Pack.Version = "1.3.0"
	require.Equal(t, keys[0], b.rendered(same).Key, "the version is no content")
	b.caller.Subject = records.ReleaseSubject("another")
	in.ReleaseID = "another"
	keys = append(keys, b.rendered(in).Key)
	b.caller.Subject = records.ReleaseSubject("r")
	b.renders(&doubles{run: b.yields(nil)})
	keys = append(keys, b.rendered(b.naming("v2", map[string]any{"runner": map[string]any{"kind": "reference", "version": "2.0.0"}})).Key)
	slices.Sort(keys)
	require.Len(t, slices.Compact(keys), 3)
}

// doubles has one runner for everything, and keeps what it was asked.
type doubles struct {
	run   func(context.Context, runner.Request) (runner.Result, error)
	asked runner.Request
}

func (d *doubles) Pin(_ context.Context, _ records.Stage, s records.StageSettings) (records.RunnerSettings, error) {
	return s.Runner, nil
}

func (d *doubles) Runner(records.Stage, records.RunnerSettings) (runner.Runner, error) { return d, nil }

func (d *doubles) Run(ctx context.Context, r runner.Request, _ runner.Progress) (runner.Result, error) {
	d.asked = r
	return d.run(ctx, r)
}

// yields is a run that yields what can be accepted, changed as edit says.
func (b *bench) yields(edit func([]records.Artifact) []records.Artifact) func(context.Context, runner.Request) (runner.Result, error) {
	put := func(name, mediaType, text string) records.Artifact {
		ref, err := b.artifacts.PutBytes(b.t.Context(), mediaType, []byte(text))
		require.NoError(b.t, err)
		return records.Artifact{Name: name, Ref: ref}
	}
	outputs := []records.Artifact{
		put(records.OutTrace, records.MediaJSONLines, `{"line":1,"statement_id":"s","claim_ids":["c"],"source_digests":[]}`),
		put(records.OutRendered, records.MediaMarkdown, "a page"),
	}
	if edit != nil {
		outputs = edit(outputs)
	}
	return func(context.Context, runner.Request) (runner.Result, error) {
		return runner.Result{Outputs: outputs}, nil
	}
}

func TestThePipelineChoosesWhatRenders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	named := b.naming("named", map[string]any{
		"runner": map[string]any{"kind": "http", "version": "3.2.1", "http": map[string]any{"url": "http://127.0.0.1/render"}}, "config": map[string]any{"b": 1, "a": 2},
	})
	d := &doubles{run: b.yields(func(o []records.Artifact) []records.Artifact { o[0].Ref.URI = "http://elsewhere"; return o })}
	b.renders(d)
	rendered := b.rendered(named)
	require.Equal(t, []string{records.OutRendered, records.OutTrace}, []string{rendered.Outputs[0].Name, rendered.Outputs[1].Name})
	require.Empty(t, rendered.Outputs[1].Ref.URI)
	require.Equal(t, records.Render, d.asked.Stage)
	require.Equal(t, 1, d.asked.Attempt)
	require.Equal(t, rendered.Key, d.asked.IdempotencyKey)
	require.Equal(t, "3.2.1", d.asked.Runner.Version)
	require.JSONEq(t, `{"a":2,"b":1}`, string(d.asked.Config))
	require.Equal(t, b.record.Pins.SourceDate, d.asked.SourceDate)
	require.True(t, d.asked.Recipe.Valid())
	require.Len(t, d.asked.Inputs, 2+len(named.Pack.Files))

	// What the pins hold goes before what the pipeline says.
	held := b.with("held", func(r *records.BuildRecord) {
		r.Pins.Stages = append(slices.Clone(r.Pins.Stages), records.PinnedStage{
			Stage: records.Render, Runner: records.RunnerSettings{Kind: records.RunnerReference, Version: "4.0.0"},
			Digest: records.DigestOf([]byte("pinned")), Config: b.put(map[string]any{"pinned": true}),
		})
	})
	b.rendered(held)
	require.Equal(t, "4.0.0", d.asked.Runner.Version)
	require.JSONEq(t, `{"pinned":true}`, string(d.asked.Config))

	b.renders(b.reference())
	require.Len(t, b.pinned(b.toRender(b.record)).Stages, 2, "a pipeline that names nothing renders nothing")
	b.unpinnable(named, gates.PinUnknown)
	b.unpinnable(b.naming("version", map[string]any{"runner": map[string]any{"kind": "reference", "version": "9.0.0"}}), gates.PinUnknown)
	stray := map[string]any{"runner": map[string]any{"kind": "reference", "version": "1.0.0"}, "config": map[string]any{"title": "x"}}
	b.unpinnable(b.naming("config", stray), gates.PinInvalid)
	b.unpinnable(b.with("none", func(r *records.BuildRecord) { r.Pins.Pipeline.Digest = records.DigestOf(nil) }), gates.ArtifactMissing)
	b.renders(nil)
	b.unpinnable(named, gates.RunnerUnavailable)
}

func TestWhatARunnerYieldsIsVerified(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.toRender(b.record)
	trace := func(text string) func([]records.Artifact) []records.Artifact {
		ref, err := b.artifacts.PutBytes(t.Context(), records.MediaJSONLines, []byte(text))
		require.NoError(t, err)
		return func(o []records.Artifact) []records.Artifact { o[0].Ref = ref; return o }
	}
	for name, c := range map[string]struct {
		edit func([]records.Artifact) []records.Artifact
		want gates.Code
	}{
		"nothing":  {func([]records.Artifact) []records.Artifact { return nil }, gates.OutputMissing},
		"no trace": {func(o []records.Artifact) []records.Artifact { return o[1:] }, gates.OutputMissing},
		"another output": {func(o []records.Artifact) []records.Artifact {
			return append(o, records.Artifact{Name: "log", Ref: o[0].Ref})
		}, gates.OutputUndeclared},
		"twice":      {func(o []records.Artifact) []records.Artifact { return append(o, o[1]) }, gates.OutputUndeclared},
		"a path":     {func(o []records.Artifact) []records.Artifact { o[0].Path = "../x"; return o }, gates.OutputUndeclared},
		"media type": {func(o []records.Artifact) []records.Artifact { o[1].Ref.MediaType = "text/html"; return o }, gates.MediaTypeMismatch},
		"size":       {func(o []records.Artifact) []records.Artifact { o[1].Ref.Size++; return o }, gates.DigestMismatch},
		"not there": {func(o []records.Artifact) []records.Artifact {
			o[1].Ref.Digest = records.DigestOf([]byte("?"))
			return o
		}, gates.ArtifactMissing},
		"no digest":        {func(o []records.Artifact) []records.Artifact { o[0].Ref.Digest = records.Digest{}; return o }, gates.PinFloating},
		"no trace at all":  {trace("<html>"), gates.RunnerOutputInvalid},
		"trace of no line": {trace(`{"line":2,"statement_id":"s","claim_ids":["c"],"source_digests":[]}`), gates.RunnerOutputInvalid},
		"trace to nothing": {trace(`{"line":1,"statement_id":"s","claim_ids":[],"source_digests":[]}`), gates.EvidenceMissing},
	} {
		b.renders(&doubles{run: b.yields(c.edit)})
		require.True(t, b.refused(in, c.want).NonRetryable(), name)
	}
}

func TestARunnerThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fails := func(err error) activities.Runners {
		return &doubles{run: func(context.Context, runner.Request) (runner.Result, error) { return runner.Result{}, err }}
	}
	in := b.toRender(b.record)
	b.renders(fails(runner.Fail(gates.RunnerUnavailable, nil, "away")))
	require.False(t, b.refused(in, gates.RunnerUnavailable).NonRetryable())
	once := map[string]any{"runner": map[string]any{"kind": "reference", "version": "1.0.0"}, "retry": map[string]any{"max_attempts": 1}}
	_, err := b.render(b.naming("once", once))
	require.ErrorContains(t, err, string(gates.RunnerUnavailable))
	failed := b.entries(records.TypeStageFailed)
	var body records.StageFailed
	require.NoError(t, json.Unmarshal(failed[len(failed)-1].Body, &body))
	require.True(t, body.Final, "the pipeline grants one attempt")
	require.Equal(t, []string{string(gates.RunnerUnavailable)}, failed[len(failed)-1].Codes)
	b.renders(fails(runner.ErrPending))
	require.True(t, b.refused(in, gates.RunnerFailed).NonRetryable())
	b.renders(fails(io.ErrUnexpectedEOF))
	require.False(t, b.refused(in, gates.InternalError).NonRetryable())
	b.renders(&doubles{run: func(ctx context.Context, _ runner.Request) (runner.Result, error) {
		<-ctx.Done()
		return runner.Result{}, ctx.Err()
	}})
	short := map[string]any{"runner": map[string]any{"kind": "reference", "version": "1.0.0"}, "timeout": (50 * time.Millisecond).String()}
	_, err = b.render(b.naming("short", short))
	require.ErrorContains(t, err, string(gates.RunnerTimeout))
}

func TestNothingIsRenderedOfWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.toRender(b.record)
	require.True(t, b.refused(in, gates.RunnerUnavailable).NonRetryable(), "a worker without runners")
	b.renders(b.reference())

	other := in
	other.Pack.Files = other.Pack.Files[1:]
	require.True(t, b.refused(other, gates.PackUnverified).NonRetryable())
	other = in
	other.Pack.BuildID = "nobody's"
	require.True(t, b.refused(other, gates.NotFound).NonRetryable())
	other = b.with("blocked", func(r *records.BuildRecord) { r.State = records.BuildBlocked })
	require.True(t, b.refused(other, gates.DependencyNotPassed).NonRetryable())
	forged := b.toRender(b.record)
	forged.Pack.BuildID = b.plant("forged", func(r *records.BuildRecord) { r.Trigger.Actor = "mallory" })
	require.True(t, b.refused(forged, gates.LedgerTampered).NonRetryable())

	changed := b.toRender(b.build("changed"))
	for _, file := range changed.Pack.Files {
		if strings.HasPrefix(file.Path, "dictionary/entities") {
			b.tamper(file.Ref)
		}
	}
	require.True(t, b.refused(changed, gates.DigestMismatch).NonRetryable())
	lost := b.toRender(b.build("lost"))
	require.NoError(t, os.Remove(b.file(lost.Pack.Exchange)))
	require.True(t, b.refused(lost, gates.ArtifactMissing).NonRetryable())

	b.act = releases.New(releases.Options{Store: away{b.store}, Artifacts: b.artifacts, Clock: activities.SystemClock{}, Callers: b, Runners: b.reference()})
	require.False(t, b.refused(in, gates.StoreUnavailable).NonRetryable())
}

// repack plants a build that made other statements about the first entity of the real
// one, under manifests that fit.
func (b *bench) repack(key string, statements func(subject, property string) string) releases.StageInput {
	return b.with(key, func(r *records.BuildRecord) {
		var manifest map[string]any
		require.NoError(b.t, json.Unmarshal(b.read(*r.Outputs.RuntimePack), &manifest))
		for i, file := range r.Outputs.PackFiles {
			if !strings.HasPrefix(file.Path, "data/statements") {
				continue
			}
			row := linesOf[struct{ Subject, Property string }](b, file.Ref)[0]
			ref, err := b.artifacts.PutBytes(b.t.Context(), records.MediaJSONLines, []byte(statements(row.Subject, row.Property)+"\n"))
			require.NoError(b.t, err)
			r.Outputs.PackFiles[i].Ref = ref
			for _, listed := range manifest["files"].([]any) {
				if listed := listed.(map[string]any); listed["path"] == file.Path {
					listed["sha256"], listed["size_bytes"] = ref.Value, ref.Size
				}
			}
		}
		ref := b.put(manifest)
		r.Outputs.RuntimePack = &ref
	})
}

func TestHostilePacks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.renders(b.reference())
	row := func(evidence, value string) func(string, string) string {
		return func(subject, property string) string {
			states := fmt.Sprintf(`{"object":{"kind":"string","value":%s},"property":"%s","subject":"%s"}`, value, property, subject)
			return fmt.Sprintf(`{"evidence":%s,"id":"sha256:%x",%s`, evidence, sha256.Sum256([]byte(states)), states[1:])
		}
	}
	markup := `"\n# owned\n<script>alert(1)</script> [x](javascript:x)"`
	page := must(b, b.act.Render, b.repack("markup", row(`[{"claim_id":"c"}]`, markup))).Outputs[0].Ref
	require.Contains(t, string(b.read(page)), `&#10;\# owned&#10;&lt;script&gt;alert(1)&lt;/script&gt; \[x\](javascript\:x)`)
	require.True(t, b.refused(b.repack("untraced", row(`[]`, `"x"`)), gates.EvidenceMissing).NonRetryable())
	require.True(t, b.refused(b.repack("nonsense", func(string, string) string { return "x" }), gates.ContractViolation).NonRetryable())
}
