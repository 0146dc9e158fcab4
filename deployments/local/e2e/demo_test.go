//go:build linux

package e2e_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// The files of the shipped demo.
const (
	demoPipeline = "../demo/pipeline.yaml"
	demoBlocked  = "../demo/blocked-pipeline.yaml"
	demoPolicy   = "../demo/policy.yaml"
	demoCorpus   = "../demo/corpus"
	demoIndex    = "../demo/index.jsonl"
)

// startDemo is the command line that builds a corpus with one of the demo's
// pipelines.
func startDemo(corpus, pipeline string, more ...string) []string {
	return append([]string{"build", "start", "--input", corpus, "--pipeline", pipeline, "--policy", demoPolicy}, more...)
}

// change changes a pipeline before a test uses it.
type change func(*records.Pipeline)

// demoRequest asks for a build of a corpus with the demo's pipeline, changed.
func demoRequest(t *testing.T, s *stack, corpus string, changes ...change) client.StartBuild {
	t.Helper()
	var pipeline records.Pipeline
	require.NoError(t, json.Unmarshal(readYAML(t, demoPipeline), &pipeline))
	index, err := os.Open(demoIndex)
	require.NoError(t, err)
	defer index.Close()
	ref, err := s.orgo.PutArtifact(t.Context(), records.MediaJSONLines, index)
	require.NoError(t, err)
	for _, stage := range []records.Stage{records.Resolve, records.Validate} {
		settings := pipeline.Stages[stage]
		settings.Config = marshal(t, map[string]any{"index": ref})
		pipeline.Stages[stage] = settings
	}
	for _, c := range changes {
		c(&pipeline)
	}
	corpus, err = filepath.Abs(corpus)
	require.NoError(t, err)
	return client.StartBuild{
		Inputs:   []records.Input{{URI: "file://" + corpus}},
		Pipeline: marshal(t, pipeline), Policy: readYAML(t, demoPolicy),
		Trigger: client.BuildTrigger{Reason: t.Name()},
	}
}

// executed makes every stage run inline, or every stage remote.
func executed(execution records.Execution) change {
	return func(p *records.Pipeline) {
		for stage, settings := range p.Stages {
			settings.Execution = execution
			p.Stages[stage] = settings
		}
	}
}

// waiting makes a build that ends badly wait for an operator.
func waiting(d records.Duration) change {
	return func(p *records.Pipeline) { p.WaitForOperator = d }
}

// doneBy has a stage done by a runner, which is tried once.
func doneBy(stage records.Stage, runner records.RunnerSettings) change {
	return func(p *records.Pipeline) {
		settings := p.Stages[stage]
		settings.Runner, settings.Config = runner, nil
		settings.Retry.MaxAttempts = 1
		p.Stages[stage] = settings
	}
}

func readYAML(t *testing.T, path string) json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	document, err := schemas.DecodeYAML(text)
	require.NoError(t, err)
	return document
}

func marshal(t *testing.T, value any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return data
}

// copyCorpus copies the demo's corpus to a place of its own.
func copyCorpus(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(demoCorpus))
	require.NoError(t, os.CopyFS(dir, os.DirFS(demoCorpus)))
	return dir
}

// content fetches an artifact.
func (s *stack) content(t *testing.T, digest records.Digest) []byte {
	t.Helper()
	r, err := s.orgo.OpenArtifact(t.Context(), digest)
	require.NoError(t, err)
	defer r.Close()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return data
}

// snapshot fetches the manifest of what a build read.
func (s *stack) snapshot(t *testing.T, view records.BuildView) records.Snapshot {
	t.Helper()
	var snapshot records.Snapshot
	require.NoError(t, json.Unmarshal(s.content(t, output(t, view, records.Ingest, records.OutSnapshot).Digest), &snapshot))
	return snapshot
}

// output returns the named output of a stage.
func output(t *testing.T, view records.BuildView, stage records.Stage, name string) records.Ref {
	t.Helper()
	for _, artifact := range view.Step(stage).Outputs {
		if artifact.Name == name {
			return artifact.Ref
		}
	}
	require.FailNow(t, "no such output", "%s of %s in build %s", name, stage, view.BuildID)
	return records.Ref{}
}

// outputs returns what every stage of a build yielded.
func outputs(view records.BuildView) map[records.Stage][]records.Artifact {
	all := map[records.Stage][]records.Artifact{}
	for _, spec := range records.BuildSpine() {
		all[spec.Stage] = view.Step(spec.Stage).Outputs
	}
	return all
}
