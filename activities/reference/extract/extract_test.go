package extract_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/extract"
	"github.com/initkoa/orgo/activities/reference/ingest"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

var update = flag.Bool("update", false, "write the golden files anew")

// source is a file of a snapshot.
type source struct{ path, content string }

// take stores files and returns the snapshot of them, as ingest would.
func take(t testing.TB, bench *reftest.Bench, files ...source) records.Artifact {
	t.Helper()
	snapshot := records.Snapshot{
		Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion,
		Files: []records.SnapshotFile{}, Exclusions: []records.SnapshotExclusion{},
	}
	for _, f := range files {
		ref, err := bench.Store.Put(t.Context(), ingest.MediaType(f.path), strings.NewReader(f.content))
		require.NoError(t, err)
		snapshot.Files = append(snapshot.Files, records.SnapshotFile{
			Path: f.path, Digest: ref.Digest, Size: ref.Size, MediaType: ref.MediaType,
		})
	}
	return bench.PutJSON(t, records.OutSnapshot, snapshot)
}

// run extracts files and returns the result or the failure.
func run(t testing.TB, bench *reftest.Bench, config string, files ...source) (runner.Result, error) {
	t.Helper()
	req := bench.Request(records.Extract, config, take(t, bench, files...))
	return extract.New(bench.Store).Run(t.Context(), req, reftest.Silent)
}

// claims extracts files, which must succeed, and returns the output.
func claims(t testing.TB, config string, files ...source) string {
	t.Helper()
	bench := reftest.New(t)
	result, err := run(t, bench, config, files...)
	require.NoError(t, err)
	output := reftest.Output(t, result, records.OutClaims)
	require.Equal(t, records.MediaJSONLines, output.Ref.MediaType)
	return string(bench.Read(t, output.Ref))
}

// Every file of testdata/inputs is extracted by itself and compared with the
// golden file of its name, one indented document after the other.
func TestGolden(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/inputs/*")
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	for _, input := range inputs {
		name := filepath.Base(input)
		if strings.HasSuffix(name, ".config.json") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(input)
			require.NoError(t, err)
			config, err := os.ReadFile("testdata/inputs/" + name + ".config.json")
			if !os.IsNotExist(err) {
				require.NoError(t, err)
			}
			got := claims(t, string(config), source{"in/" + name, string(content)})
			requireGolden(t, "testdata/golden/"+name+".txt", indented(t, got))
			schema := reftest.SchemaOf(t, records.RoleClaimIR)
			for line := range strings.Lines(got) {
				schema.Require(t, []byte(line))
				canonical, err := records.Canonical(json.RawMessage(line))
				require.NoError(t, err)
				require.Equal(t, string(canonical)+"\n", line)
			}
		})
	}
}

func requireGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func indented(t *testing.T, lines string) string {
	t.Helper()
	var out bytes.Buffer
	for line := range strings.Lines(lines) {
		require.NoError(t, json.Indent(&out, []byte(line), "", "  "))
	}
	return out.String()
}
