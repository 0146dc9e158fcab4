//go:build linux

package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func TestTheSameRequestYieldsTheSameArtifactsOnAnyDataDirectory(t *testing.T) {
	views := make([]records.BuildView, 2)
	recorded := make([]records.BuildRecord, len(views))
	for i := range views {
		s := newStack(t)
		r := s.cli(t, startDemo(copyCorpus(t), demoPipeline, "--wait", "-o", "json")...)
		require.Equal(t, 0, r.code, r.err)
		require.NoError(t, json.Unmarshal([]byte(r.out), &views[i]))
		document, err := s.orgo.Record(t.Context(), views[i].BuildID, client.FormatOrgo)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(document, &recorded[i]))
	}
	require.NotEqual(t, views[0].BuildID, views[1].BuildID)
	require.Equal(t, outputs(views[0]), outputs(views[1]))
	require.NotNil(t, recorded[0].Outputs.Exchange)
	require.NotNil(t, recorded[0].Outputs.RuntimePack)
	require.Equal(t, recorded[0].Outputs, recorded[1].Outputs)
}

func TestAChangedInputIsNeverBuiltFrom(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	original := s.end(t, s.begin(t, demoRequest(t, s, demoCorpus), "original"), records.BuildPassed)
	reproduce := []string{"build", "reproduce", original.BuildID, "--wait"}
	r := s.cli(t, reproduce...)
	require.Equal(t, 0, r.code, "%s%s", r.out, r.err)
	require.Contains(t, r.out, "identical: all ")

	// Another build of the same files has come to its last stage and waits there.
	compiler := newPlayer(t, s, original, records.Compile)
	compiler.set(t, "fail")
	request := demoRequest(t, s, demoCorpus, waiting(records.Duration(time.Hour)), doneBy(records.Compile, compiler.runner()))
	id := s.begin(t, request, "waiting")
	waits := s.waits(t, id, 1)
	require.Equal(t, records.Compile, waits.Stage)
	require.Equal(t, []string{string(gates.RunnerFailed)}, waits.Codes)

	file := s.snapshot(t, original).Files[0]
	restore := flipByte(t, s, file.Digest)
	const code = string(gates.DigestMismatch)
	r = s.cli(t, reproduce...)
	require.Equal(t, 1, r.code, "%s%s", r.out, r.err)
	require.Contains(t, r.out, code)
	require.Contains(t, r.err, code)
	require.Contains(t, r.out, file.Digest.Value, "it says which file")

	// From the last stage to the first: a build cannot be retried beyond the stage
	// that has just refused.
	generation := 1
	for _, stage := range []records.Stage{records.Compile, records.Validate, records.Resolve, records.Extract, records.Ingest} {
		retry(t, s, id, stage)
		generation++
		refused := s.waits(t, id, generation)
		require.Equal(t, stage, refused.Stage)
		require.Equal(t, []string{code}, refused.Codes, stage)
		require.Equal(t, records.StageError, refused.Step(stage).Status)
		require.Empty(t, refused.Step(stage).Outputs, stage)
	}

	// It was that one byte: without it every stage does its work again.
	restore()
	compiler.unset(t, "fail")
	compiler.set(t, "go")
	retry(t, s, id, records.Ingest)
	require.Equal(t, outputs(original)[records.Compile], outputs(s.end(t, id, records.BuildPassed))[records.Compile])
	r = s.cli(t, reproduce...)
	require.Equal(t, 0, r.code, "%s%s", r.out, r.err)
}

func retry(t *testing.T, s *stack, id string, stage records.Stage) {
	t.Helper()
	r := s.cli(t, "build", "retry", id, "--stage", string(stage), "--reason", "see whether it refuses")
	require.Equal(t, 0, r.code, "%s%s", r.out, r.err)
}

// flipByte changes one bit of a stored artifact behind the store's back. What it
// returns undoes that.
func flipByte(t *testing.T, s *stack, digest records.Digest) (restore func()) {
	t.Helper()
	path := filepath.Join(s.dir, "artifacts", digest.Alg, digest.Value[:2], digest.Value)
	flip := func() {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}
	flip()
	return flip
}
