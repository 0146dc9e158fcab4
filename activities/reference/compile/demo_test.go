package compile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/compile"
	"github.com/initkoa/orgo/activities/reference/extract"
	"github.com/initkoa/orgo/activities/reference/ingest"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/reference/resolve"
	"github.com/initkoa/orgo/activities/reference/validate"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

const demo = "../../../deployments/local/demo"

type fixedClock struct{}

func (fixedClock) Now() time.Time { return reftest.SourceDate() }

// demoStages reads a pipeline of the demo, with the index as the command line
// would send it: uploaded, and referred to by digest.
func demoStages(t *testing.T, bench *reftest.Bench, name string) records.Pipeline {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(demo, name))
	require.NoError(t, err)
	document, err := schemas.DecodeYAML(text)
	require.NoError(t, err)
	require.NoError(t, schemas.ValidatePipeline(document))
	require.Contains(t, string(document), `{"path":"index.jsonl"}`)
	index, err := os.ReadFile(filepath.Join(demo, "index.jsonl"))
	require.NoError(t, err)
	ref, err := bench.Store.Put(context.Background(), records.MediaJSONLines, bytes.NewReader(index))
	require.NoError(t, err)
	pinned, err := records.Canonical(ref)
	require.NoError(t, err)
	var pipeline records.Pipeline
	require.NoError(t, json.Unmarshal(bytes.ReplaceAll(document, []byte(`{"path":"index.jsonl"}`), pinned), &pipeline))
	return pipeline
}

// runDemo runs the stages of a pipeline of the demo up to validate, and returns
// what compile would get.
func runDemo(t *testing.T, bench *reftest.Bench, pipeline records.Pipeline) []records.Artifact {
	t.Helper()
	input, err := filepath.Abs(filepath.Join(demo, "corpus"))
	require.NoError(t, err)
	location := url.URL{Scheme: "file", Path: input}
	made := map[string]records.Artifact{}
	for _, stage := range []struct {
		name   records.Stage
		runner runner.Runner
		output string
	}{
		{records.Ingest, ingest.New(bench.Store, fixedClock{}, ingest.Settings{}), records.OutSnapshot},
		{records.Extract, extract.New(bench.Store), records.OutClaims},
		{records.Resolve, resolve.New(bench.Store), records.OutResolved},
		{records.Validate, validate.New(bench.Store), records.OutReport},
	} {
		req := bench.Request(stage.name, string(pipeline.Stages[stage.name].Config))
		for _, input := range made {
			req.Inputs = append(req.Inputs, input)
		}
		if stage.name == records.Ingest {
			req.Sources = []records.Input{{URI: location.String()}}
		}
		made[stage.output] = reftest.Output(t, bench.Run(t, stage.runner, req), stage.output)
	}
	return []records.Artifact{made[records.OutSnapshot], made[records.OutResolved], made[records.OutReport]}
}

func TestDemoPasses(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	pipeline := demoStages(t, bench, "pipeline.yaml")
	inputs := runDemo(t, bench, pipeline)
	report := string(bench.Read(t, inputs[2].Ref))
	require.Contains(t, report, `"validation_status":"passed"`)
	result := bench.Run(t, compile.New(bench.Store), bench.Request(records.Compile, string(pipeline.Stages[records.Compile].Config), inputs...))
	require.GreaterOrEqual(t, result.Metrics["entities"], int64(30))

	var exchange struct {
		Entities []struct {
			ID         string            `json:"id"`
			Status     string            `json:"status"`
			Candidates []claim.Candidate `json:"candidates"`
			Statements []struct {
				Evidence []any `json:"evidence"`
			} `json:"statements"`
		} `json:"entities"`
	}
	require.NoError(t, json.Unmarshal(bench.Read(t, reftest.Output(t, result, records.OutExchange).Ref), &exchange))
	var ambiguous [][]claim.Candidate
	agreed := 0
	for _, entity := range exchange.Entities {
		if entity.Status == claim.StatusAmbiguous {
			ambiguous = append(ambiguous, entity.Candidates)
		}
		for _, statement := range entity.Statements {
			if entity.ID == "Q3359" && len(statement.Evidence) == 2 {
				agreed++
			}
		}
	}
	require.Len(t, ambiguous, 1, "one name is ambiguous, on purpose")
	require.Equal(t, "Q313", ambiguous[0][0].ID)
	require.Equal(t, "Q47652", ambiguous[0][1].ID)
	require.Equal(t, 3, agreed, "two files agree about Triton, in two formats")
	require.Equal(t, 1, strings.Count(report, `"code":"ENTITY_AMBIGUOUS"`))
}

func TestBlockedDemoIsBlocked(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	pipeline := demoStages(t, bench, "blocked-pipeline.yaml")
	inputs := runDemo(t, bench, pipeline)
	require.Contains(t, string(bench.Read(t, inputs[2].Ref)), `"validation_status":"failed"`)
	bench.Refuse(t, compile.New(bench.Store), bench.Request(records.Compile, ``, inputs...), gates.ValidationFailed)
}

func TestDemoPolicy(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(demo, "policy.yaml"))
	require.NoError(t, err)
	document, err := schemas.DecodeYAML(text)
	require.NoError(t, err)
	require.NoError(t, schemas.ValidateMandateBundle(document))
	canonical, err := schemas.CanonicalizeJSON(document)
	require.NoError(t, err)
	policy, err := gates.ParsePolicy(records.DigestOf(canonical), canonical)
	require.NoError(t, err)
	var rules []string
	for _, rule := range policy.Rules {
		rules = append(rules, rule.ID)
	}
	require.Equal(t, []string{"validation/report-passed", "release/alone", "release/upgrade", "release/health"}, rules)
}
