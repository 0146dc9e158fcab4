//go:build linux

package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// rendering makes a pipeline name what renders, or nothing.
func rendering(settings *records.StageSettings) change {
	return func(p *records.Pipeline) {
		delete(p.Stages, records.Render)
		if settings != nil {
			p.Stages[records.Render] = *settings
		}
	}
}

// program writes a program that fails, and names it with its digest.
func program(t *testing.T) records.RunnerSettings {
	t.Helper()
	text := []byte("#!/bin/sh\necho 'the pen broke' >&2\nexit 3\n")
	path := filepath.Join(t.TempDir(), "render.sh")
	require.NoError(t, os.WriteFile(path, text, 0o700))
	digest := records.DigestOf(text)
	return records.RunnerSettings{Kind: records.RunnerCommand, Version: "1.0.0", Command: &records.CommandRunner{Program: path, Digest: &digest}}
}

func (s *stack) read(t *testing.T, ref records.Ref) []byte {
	t.Helper()
	content, err := s.orgo.OpenArtifact(t.Context(), ref.Digest)
	require.NoError(t, err)
	defer content.Close()
	data, err := io.ReadAll(content)
	require.NoError(t, err)
	require.Equal(t, ref.Digest, records.DigestOf(data))
	return data
}

// stageEvents counts the events about a stage of a release.
func (s *stack) stageEvents(t *testing.T, id string, stage records.Stage) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for after := int64(0); ; {
		page, err := s.orgo.ReleaseEntries(t.Context(), id, after, 1000)
		require.NoError(t, err)
		if len(page.Entries) == 0 {
			return counts
		}
		for _, entry := range page.Entries {
			if strings.HasPrefix(entry.Type, "orgo.stage.") && entry.Correlation.Stage == stage {
				counts[entry.Type]++
			}
		}
		after = page.Next
	}
}

// One release renders, one has a renderer that fails, and one renders nothing. Each
// closes well, and says so.
func TestAReleaseRendersItsPackBackToClaims(t *testing.T) {
	t.Parallel()
	o := &shop{stack: newStack(t), builds: map[string]string{}, faults: filepath.Join(t.TempDir(), "faults.json")}
	reference := records.StageSettings{Runner: records.RunnerSettings{Kind: records.RunnerReference, Version: "1.0.0"}}
	broken := records.StageSettings{Runner: program(t), Retry: records.RetrySettings{MaxAttempts: 2, InitialInterval: 1e7, MaxInterval: 1e7, Coefficient: 1}}
	for version, settings := range map[string]*records.StageSettings{"1.0.0": &reference, "2.0.0": &broken, "3.0.0": nil} {
		request := demoRequest(t, o.stack, numbered(t, int(version[0])), rendering(settings))
		o.builds[version] = o.begin(t, request, version)
	}
	for _, id := range o.builds {
		o.end(t, id, records.BuildPassed)
	}
	o.play(t)
	closed := map[string]release.Record{}
	for channel, version := range map[string]string{"reads": "1.0.0", "breaks": "2.0.0", "silent": "3.0.0"} {
		id := o.send(t, o.order(channel, version, staged()))
		closed[channel] = o.reaches(t, id, rollout.PhaseClosedGood)
		o.requireActive(t, channel, id)
	}

	// Every stage: by what, of which pin, what went in and came out.
	reads := closed["reads"]
	require.Len(t, reads.Spine, 5)
	for _, row := range reads.Spine {
		require.Equal(t, records.StagePass, row.Status, "%s %s", row.Stage, row.Message)
		pinned, is := reads.Pinned(row.Stage)
		require.True(t, is)
		require.Equal(t, pinned.Digest, *row.Pin)
		require.Equal(t, release.SpineInputs(*reads.Pack), row.Inputs)
		require.NotEmpty(t, row.Outputs, row.Stage)
		require.Len(t, row.Attempts, 2, row.Stage)
		require.False(t, row.EndedAt.Before(*row.StartedAt))
	}
	require.Equal(t, "directory", reads.SpineStage(records.Activate, "first").Runner.Target.Name)
	published, err := o.published(t, "reads").Digest()
	require.NoError(t, err)
	require.Equal(t, published, reads.SpineStage(records.Activate, "all").Outputs[0].Ref.Digest, "what was read back is what lies there")
	for stage, times := range map[records.Stage]int{records.Distribute: 2, records.Activate: 2, records.Render: 1} {
		require.Equal(t, map[string]int{records.TypeStageStarted: times, records.TypeStageFinished: times}, o.stageEvents(t, reads.ReleaseID, stage))
	}
	require.Len(t, reads.SpineStage(records.Render, "").Attempts, 2)
	o.tracesToClaims(t, reads)

	// What cannot be rendered is told, and moves nothing.
	breaks, silent := closed["breaks"], closed["silent"]
	row := breaks.SpineStage(records.Render, "")
	require.Equal(t, records.StageFail, row.Status)
	require.Equal(t, []string{string(gates.RunnerFailed)}, row.Codes)
	require.Len(t, row.Attempts, 4, "two, each of which began and failed")
	require.Empty(t, row.Outputs)
	require.Equal(t, records.StageSkip, silent.SpineStage(records.Render, "").Status)
	require.Empty(t, o.stageEvents(t, silent.ReleaseID, records.Render))

	shown := o.cli(t, "release", "get", reads.ReleaseID)
	require.Zero(t, shown.code, shown.err)
	require.Regexp(t, `render +- +PASS +reference@1\.0\.0`, shown.out)
	shown = o.cli(t, "events", "tail", "--after", "-1", "--follow=false", "--type", "orgo.stage.*")
	require.Zero(t, shown.code, shown.err)
	require.Contains(t, shown.out, reads.ReleaseID)
	o.verify(t)
}

// tracesToClaims follows every line of the trace from the page to claims of the build,
// and to files of its snapshot.
func (o *shop) tracesToClaims(t *testing.T, r release.Record) {
	t.Helper()
	raw, err := o.orgo.Record(t.Context(), r.Request.BuildID, client.FormatOrgo)
	require.NoError(t, err)
	var made records.BuildRecord
	require.NoError(t, json.Unmarshal(raw, &made))
	var snapshot records.Snapshot
	require.NoError(t, json.Unmarshal(o.read(t, made.Snapshot), &snapshot))
	files, claims := map[records.Digest]bool{}, map[string]bool{}
	for _, file := range snapshot.Files {
		files[file.Digest] = true
	}
	for _, stage := range made.Stages {
		for _, output := range stage.Outputs {
			if output.Name != records.OutResolved {
				continue
			}
			for line := range bytes.Lines(o.read(t, output.Ref)) {
				var document struct {
					Claims []struct {
						ID string `json:"claim_id"`
					} `json:"claims"`
				}
				require.NoError(t, json.Unmarshal(line, &document))
				for _, claim := range document.Claims {
					claims[claim.ID] = true
				}
			}
		}
	}
	outputs := r.SpineStage(records.Render, "").Outputs
	require.Equal(t, []string{records.OutRendered, records.OutTrace}, []string{outputs[0].Name, outputs[1].Name})
	page := strings.Split(string(o.read(t, outputs[0].Ref)), "\n")
	lines := 0
	for line := range bytes.Lines(o.read(t, outputs[1].Ref)) {
		var traced struct {
			Line    int              `json:"line"`
			Claims  []string         `json:"claim_ids"`
			Sources []records.Digest `json:"source_digests"`
		}
		require.NoError(t, json.Unmarshal(line, &traced))
		require.NotEmpty(t, page[traced.Line-1])
		require.NotEmpty(t, traced.Claims)
		for _, id := range traced.Claims {
			require.True(t, claims[id], id)
		}
		for _, source := range traced.Sources {
			require.True(t, files[source], source)
		}
		lines++
	}
	require.Positive(t, lines)
}
