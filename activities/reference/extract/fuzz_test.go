package extract_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/extract"
	"github.com/initkoa/orgo/activities/reference/ingest"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// fuzz feeds content of one file to the stage: whatever it holds, the stage
// yields valid documents, the same ones twice, or names what is wrong.
func fuzz(f *testing.F, path string, seeds ...string) {
	inputs, err := filepath.Glob("testdata/inputs/*" + filepath.Ext(path))
	require.NoError(f, err)
	for _, input := range inputs {
		content, err := os.ReadFile(input)
		require.NoError(f, err)
		f.Add(content)
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	schema := reftest.SchemaOf(f, records.RoleClaimIR)
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<16 {
			t.Skip("large inputs make fuzzing slow and nothing else")
		}
		extractOnce := func() (string, error) {
			store := memory{}
			req := runner.Request{Stage: records.Extract, Config: json.RawMessage(`{}`), Inputs: []records.Artifact{store.snapshot(t, path, content)}}
			result, err := extract.New(store).Run(t.Context(), req, reftest.Silent)
			if err != nil {
				return "", err
			}
			return store[reftest.Output(t, result, records.OutClaims).Ref.Digest], nil
		}
		output, err := extractOnce()
		again, errAgain := extractOnce()
		require.Equal(t, err == nil, errAgain == nil)
		require.Equal(t, output, again)
		if err != nil {
			requireNamed(t, err)
			return
		}
		for line := range strings.Lines(output) {
			schema.Require(t, []byte(line))
			canonical, err := records.Canonical(json.RawMessage(line))
			require.NoError(t, err)
			require.Equal(t, string(canonical)+"\n", line)
		}
	})
}

// memory is an artifact store for fuzzing, which a disk would slow down.
type memory map[records.Digest]string

func (m memory) Put(_ context.Context, mediaType string, r io.Reader) (records.Ref, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return records.Ref{}, err
	}
	ref := records.Ref{Digest: records.DigestOf(content), MediaType: mediaType, Size: int64(len(content))}
	m[ref.Digest] = string(content)
	return ref, nil
}

func (m memory) Open(_ context.Context, ref records.Ref) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(m[ref.Digest])), nil
}

// snapshot stores a snapshot of one file.
func (m memory) snapshot(t *testing.T, path string, content []byte) records.Artifact {
	t.Helper()
	file, err := m.Put(t.Context(), ingest.MediaType(path), bytes.NewReader(content))
	require.NoError(t, err)
	manifest, err := records.Canonical(records.Snapshot{
		Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion,
		Files:      []records.SnapshotFile{{Path: path, Digest: file.Digest, Size: file.Size, MediaType: file.MediaType}},
		Exclusions: []records.SnapshotExclusion{},
	})
	require.NoError(t, err)
	ref, err := m.Put(t.Context(), records.MediaJSON, bytes.NewReader(manifest))
	require.NoError(t, err)
	return records.Artifact{Name: records.OutSnapshot, Ref: ref}
}

// requireNamed requires that a failure is about the input and final.
func requireNamed(t *testing.T, err error) {
	t.Helper()
	var failure *runner.Failure
	require.True(t, errors.As(err, &failure), err)
	require.Contains(t, []gates.Code{gates.InputUnparsable, gates.InputTooLarge, gates.InputEmpty}, failure.Code, err)
}

func FuzzCSV(f *testing.F) {
	fuzz(f, "f.csv", "", "a", "a\n\"", "a,a,\n1,2,3\n", "\ufeff\"a\"\n\"\"\"\"\n", "name\n1e999\n-0\n", "a\r\nb\r\r\n", "x\nhttp://[::1/\n")
}

func FuzzTSV(f *testing.F) { fuzz(f, "f.tsv", "a\tb\n1\t2\n") }

func FuzzJSON(f *testing.F) {
	fuzz(f, "f.json", `{}`, `[]`, `[[[{"a":[{}]}]]]`, `{"":""}`, `{"name":{"name":[]}}`, `[{"a":1e400,"b":-0,"c":"\ud800"}]`, `{"entities":{"Q1":{}}}`, `{"a":[{"b":{"c":[{"d":[1,{"e":null}]}]}}]}`)
}

func FuzzJSONLines(f *testing.F) {
	fuzz(f, "f.jsonl", "{}\n\n{\"a\":[{}]}\n", "{\"id\":\"Q1\",\"claims\":{}}")
}

func FuzzMarkdown(f *testing.F) {
	fuzz(f, "f.md", "", "---\n---\n", "---\na: *b\n---\n", "# \n\n#\n===\n", "---\n? a\n: b\n...\ntext", "---\n&a a: !!binary x\n---", "```\n", "---\n\"\\x00\": \"\\0\"\n---\n")
}

func FuzzWikidata(f *testing.F) {
	entity := `{"id":"Q1","labels":{},"claims":{"P1":[{"rank":"normal","mainsnak":{"snaktype":"value","datavalue":{"type":"%","value":@}}}]}}`
	for kind, value := range map[string]string{
		"time":              `{"time":"+2001-01-01T00:00:00Z","precision":14,"calendarmodel":"x"}`,
		"quantity":          `{"amount":"+1e9","unit":"x","lowerBound":1}`,
		"globecoordinate":   `{"latitude":1e-400,"longitude":180}`,
		"monolingualtext":   `{"text":"","language":"en"}`,
		"wikibase-entityid": `{"entity-type":"item","numeric-id":1e3}`,
		"string":            `"http://%"`,
	} {
		f.Add([]byte(strings.NewReplacer("%", kind, "@", value).Replace(entity)))
	}
	fuzz(f, "f.json", `{"id":"Q1","labels":{"en":{}},"claims":[]}`, `{"id":"Q1","labels":{"en":{"value":" "}}}`)
}
