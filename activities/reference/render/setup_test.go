package render

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/compile"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/reference/resolve"
	"github.com/initkoa/orgo/activities/reference/validate"
	"github.com/initkoa/orgo/records"
)

// parts is a pack that is made by hand: rows by path.
type parts map[string][]string

const (
	statementsFile = "data/statements-00000.jsonl"
	entitiesFile   = "dictionary/entities-00000.jsonl"
	propertiesFile = "dictionary/properties-00000.jsonl"
)

// entity returns a row of a dictionary.
func entity(id, status string, labels ...string) string {
	list := []label{}
	for _, text := range labels {
		list = append(list, label{Text: text})
	}
	return jsonOf(map[string]any{"id": id, "labels": list, "status": status})
}

// stating returns a row of the statements with the id that it must have.
func stating(subject, property, object, evidence string) string {
	states := fmt.Sprintf(`{"object":%s,"property":"%s","subject":"%s"}`, object, property, subject)
	return fmt.Sprintf(`{"evidence":%s,"id":"sha256:%x","object":%s,"property":"%s","subject":"%s"}`,
		evidence, sha256.Sum256([]byte(states)), object, property, subject)
}

// said is the object of a text.
func said(text string) string { return `{"kind":"string","value":` + jsonOf(text) + `}` }

// by is evidence of a claim.
func by(claimID string) string {
	return `[{"claim_id":` + jsonOf(claimID) + `,"source":{"source_id":"sha256:` + strings.Repeat("a", 64) + `#row=2","title":"in/a.csv"}}]`
}

func jsonOf(v any) string {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(err) // only values that a test writes down
	}
	return string(text)
}

// small is a pack that can be rendered.
func small() parts {
	return parts{
		statementsFile: {stating("Q1", "P2", said("x"), by("c1"))},
		entitiesFile:   {entity("Q1", "resolved", "One")},
		propertiesFile: {entity("P2", "resolved", "two")},
		shardsPath:     {`{}`},
	}
}

// inputs stores a pack, with manifests that fit it, changed as edit says.
func inputs(t testing.TB, b *reftest.Bench, pack parts, edit func(manifest map[string]any)) []records.Artifact {
	t.Helper()
	exchange := b.PutJSON(t, records.OutExchangeManifest, map[string]any{
		"kristal_id": "feed", "inputs": map[string]any{"source_snapshot_id": "sha256:beef", "resolved_claim_ir_ids": []string{"sha256:cafe"}},
	})
	list := []records.Artifact{exchange}
	files := []any{}
	for path, rows := range pack {
		file := b.Put(t, records.OutPackFile, strings.Join(append(slices.Clone(rows), ""), "\n"))
		file.Path = path
		list = append(list, file)
		files = append(files, map[string]any{"path": path, "sha256": file.Ref.Value, "size_bytes": file.Ref.Size})
	}
	manifest := map[string]any{
		"exchange_ref": map[string]any{"exchange_id": "feed", "exchange_manifest_hash": exchange.Ref.Value}, "files": files,
	}
	if edit != nil {
		edit(manifest)
	}
	return append(list, b.PutJSON(t, records.OutRuntimePackManifest, manifest))
}

// compiled returns what the stages before make of a corpus.
func compiled(t testing.TB, b *reftest.Bench, documents int) []records.Artifact {
	t.Helper()
	in := b.Synthetic(t, documents)
	resolved := reftest.Output(t, b.Run(t, resolve.New(b.Store), b.Request(records.Resolve, `{}`, in.Snapshot, in.Claims)), records.OutResolved)
	report := reftest.Output(t, b.Run(t, validate.New(b.Store), b.Request(records.Validate, `{}`, in.Snapshot, resolved)), records.OutReport)
	return b.Run(t, compile.New(b.Store), b.Request(records.Compile, `{}`, in.Snapshot, resolved, report)).Outputs
}

// rendered returns the lines of the page, and the trace.
func rendered(t testing.TB, b *reftest.Bench, stage *Stage, in []records.Artifact) ([]string, []Traced) {
	t.Helper()
	result := b.Run(t, stage, b.Request(records.Render, `{}`, in...))
	require.Len(t, result.Outputs, 2)
	page, trace := reftest.Output(t, result, records.OutRendered), reftest.Output(t, result, records.OutTrace)
	require.Equal(t, records.MediaMarkdown, page.Ref.MediaType)
	require.Equal(t, records.MediaJSONLines, trace.Ref.MediaType)
	traced := []Traced{}
	for _, line := range b.Lines(t, trace.Ref) {
		var one Traced
		require.NoError(t, json.Unmarshal([]byte(line), &one, json.RejectUnknownMembers(true)))
		traced = append(traced, one)
	}
	require.EqualValues(t, len(traced), result.Metrics["statements"])
	return strings.Split(string(b.Read(t, page.Ref)), "\n"), traced
}
