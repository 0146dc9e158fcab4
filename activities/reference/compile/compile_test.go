package compile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// setup is a bench with inputs that compile.
type setup struct {
	*reftest.Bench
	stage              *Stage
	snapshot, resolved records.Artifact
}

func doc(n int, subject claim.ResolvedEntity, claims ...claim.ResolvedClaim) claim.Resolved {
	hash := records.DigestOf(fmt.Append(nil, n))
	return claim.Resolved{
		SchemaVersion: claim.SchemaVersion, Input: claim.ResolvedInput{ClaimIRHash: &hash},
		Resolution: claim.Resolution{RunID: "r", CreatedAt: "2024-01-02T03:04:05Z", Resolver: claim.Resolver{Name: "n", Version: "1"}},
		Subject:    subject, Claims: claims,
	}
}

func stating(id, pid, text, source string) claim.ResolvedClaim {
	return claim.ResolvedClaim{
		ClaimID: id, Predicate: claim.ResolvedPredicate{Status: claim.StatusResolved, PID: pid},
		Object:   claim.Object{Kind: claim.KindString, Value: text},
		Evidence: []claim.Evidence{{Source: claim.EvidenceSource{SourceID: source}}},
	}
}

func known(qid string) claim.ResolvedEntity {
	return claim.ResolvedEntity{Status: claim.StatusResolved, QID: qid}
}

func newSetup(t *testing.T, docs ...claim.Resolved) setup {
	t.Helper()
	bench := reftest.New(t)
	return setup{
		Bench: bench, stage: New(bench.Store),
		snapshot: bench.Put(t, records.OutSnapshot, `{"files":[]}`),
		resolved: reftest.PutLines(t, bench, records.OutResolved, docs...),
	}
}

// report returns a report about the inputs of s, changed as edit says.
func (s setup) report(t *testing.T, edit func(map[string]any)) records.Artifact {
	t.Helper()
	report := map[string]any{
		"schema_version": "3.0", "validation_status": "passed", "issues": []any{},
		"stats": map[string]any{"error_count": 0, "warning_count": 0, "info_count": 0},
		"extensions": map[string]any{"validated": map[string]any{
			"resolved": s.resolved.Ref.Digest, "snapshot": s.snapshot.Ref.Digest,
		}},
	}
	if edit != nil {
		edit(report)
	}
	return s.PutJSON(t, records.OutReport, report)
}

func (s setup) request(config string, report records.Artifact) runner.Request {
	return s.Request(records.Compile, config, s.snapshot, s.resolved, report)
}

func (s setup) exchange(t *testing.T, result runner.Result) string {
	t.Helper()
	return string(s.Read(t, reftest.Output(t, result, records.OutExchange).Ref))
}

func TestReportsThatAreRefused(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(map[string]any) {
		return func(report map[string]any) { report[name] = value }
	}
	about := func(resolved, snapshot any) func(map[string]any) {
		return set("extensions", map[string]any{"validated": map[string]any{"resolved": resolved, "snapshot": snapshot}})
	}
	s := newSetup(t, doc(1, known("Q1"), stating("c", "P1", "x", "s")))
	other := records.DigestOf([]byte("other"))
	here := s.resolved.Ref.Digest
	for name, tc := range map[string]struct {
		edit   func(map[string]any)
		config string
		code   gates.Code
	}{
		"failed":                       {edit: set("validation_status", "failed"), code: gates.ValidationFailed},
		"failed, and partial admitted": {edit: set("validation_status", "failed"), config: `{"admit_partial":true}`, code: gates.ValidationFailed},
		"partial":                      {edit: set("validation_status", "partial"), code: gates.ValidationPartial},
		"of other claims":              {edit: about(other, s.snapshot.Ref.Digest), code: gates.ValidationOtherInputs},
		"of another snapshot":          {edit: about(here, other), code: gates.ValidationOtherInputs},
		"of the two the wrong way":     {edit: about(s.snapshot.Ref.Digest, here), code: gates.ValidationOtherInputs},
		"failed and of others":         {edit: func(r map[string]any) { set("validation_status", "failed")(r); about(other, other)(r) }, code: gates.ValidationOtherInputs},
		"of nothing":                   {edit: set("extensions", map[string]any{}), code: gates.ValidationMalformed},
		"of something by another hash": {edit: about(map[string]any{"alg": "md5", "value": "x"}, here), code: gates.ValidationMalformed},
		"no status":                    {edit: func(r map[string]any) { delete(r, "validation_status") }, code: gates.ValidationMalformed},
		"status in another case":       {edit: set("validation_status", "PASSED"), code: gates.ValidationMalformed},
		"other version":                {edit: set("schema_version", "4.0"), code: gates.ValidationMalformed},
		"no issues":                    {edit: func(r map[string]any) { delete(r, "issues") }, code: gates.ValidationMalformed},
		"issues are null":              {edit: set("issues", nil), code: gates.ValidationMalformed},
		"passed with errors counted":   {edit: set("stats", map[string]any{"error_count": 1}), code: gates.ValidationMalformed},
		"passed with an error":         {edit: set("issues", []any{map[string]any{"severity": "ERROR"}}), code: gates.ValidationMalformed},
		"passed with a strange issue":  {edit: set("issues", []any{map[string]any{"severity": "fatal"}}), code: gates.ValidationMalformed},
		"passed with a nameless issue": {edit: set("issues", []any{map[string]any{}}), code: gates.ValidationMalformed},
		"partial, admitted, with error": {edit: func(r map[string]any) {
			set("validation_status", "partial")(r)
			set("stats", map[string]any{"error_count": 2})(r)
		}, config: `{"admit_partial":true}`, code: gates.ValidationMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failure := s.Refuse(t, s.stage, s.request(tc.config, s.report(t, tc.edit)), tc.code)
			require.True(t, failure.Final)
		})
	}
	t.Run("not json", func(t *testing.T) {
		t.Parallel()
		s.Refuse(t, s.stage, s.request(``, s.Put(t, records.OutReport, "passed")), gates.ValidationMalformed)
	})
	t.Run("not there", func(t *testing.T) {
		t.Parallel()
		s.Refuse(t, s.stage, s.Request(records.Compile, ``, s.snapshot, s.resolved), gates.DependencyMissing)
	})
}

func TestReportsThatAreAdmitted(t *testing.T) {
	t.Parallel()
	s := newSetup(t, doc(1, known("Q1"), stating("c", "P1", "x", "s")))
	s.Run(t, s.stage, s.request(``, s.report(t, nil)))
	partial := s.report(t, func(r map[string]any) { r["validation_status"] = "partial" })
	s.Run(t, s.stage, s.request(`{"admit_partial":true}`, partial))
}

// A planted fault: what is stored under the report's digest was changed after
// it was validated.
func TestChangedReportIsNotRead(t *testing.T) {
	t.Parallel()
	s := newSetup(t, doc(1, known("Q1")))
	failed := s.report(t, func(r map[string]any) { r["validation_status"] = "failed" })
	forged := failed
	forged.Ref.Digest = s.report(t, nil).Ref.Digest
	forged.Ref.Size++
	s.Refuse(t, s.stage, s.request(``, forged), gates.DigestMismatch)
}

func TestMergingAndOrder(t *testing.T) {
	t.Parallel()
	named := claim.ResolvedEntity{Status: claim.StatusUnresolved, Surface: "Some Bridge"}
	s := newSetup(t,
		doc(1, known("Q10"), stating("b", "P2", "x", "s2"), stating("a", "P10", "x", "s1")),
		doc(2, known("Q2"), stating("c", "P1", "x", "s1")),
		doc(3, named, stating("e", "P1", "y", "s1")),
		doc(4, known("Q10"), stating("d", "P2", "x", "s1"), stating("b", "P2", "x", "s2")),
		doc(5, claim.ResolvedEntity{Status: claim.StatusUnresolved, Surface: "some  bridge"}),
	)
	result := s.Run(t, s.stage, s.request(``, s.report(t, nil)))
	var exchange struct {
		Entities []struct {
			ID     string `json:"id"`
			Labels []struct {
				Text string `json:"text"`
			} `json:"labels"`
			Statements []struct {
				Property string `json:"property"`
				Evidence []struct {
					ClaimID string `json:"claim_id"`
				} `json:"evidence"`
			} `json:"statements"`
		} `json:"entities"`
		Properties []struct {
			ID string `json:"id"`
		} `json:"properties"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.exchange(t, result)), &exchange))
	var order []string
	for _, entity := range exchange.Entities {
		order = append(order, strings.SplitN(entity.ID, ":", 2)[0])
		for _, label := range entity.Labels {
			order = append(order, "“"+label.Text+"”")
		}
		for _, statement := range entity.Statements {
			order = append(order, statement.Property)
			for _, evidence := range statement.Evidence {
				order = append(order, evidence.ClaimID)
			}
		}
	}
	require.Equal(t, strings.Fields("Q2 P1 c Q10 P2 b d P10 a local “Some_Bridge” “some_bridge” P1 e"), underscored(order))
	require.Equal(t, []string{"P1", "P2", "P10"}, []string{exchange.Properties[0].ID, exchange.Properties[1].ID, exchange.Properties[2].ID})
	require.Equal(t, map[string]int64{"entities": 3, "properties": 3, "statements": 4, "evidence": 5}, result.Metrics)
}

func underscored(words []string) []string {
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], " ", "_")
	}
	return words
}

func TestIDsAreHashesOfContent(t *testing.T) {
	t.Parallel()
	s := newSetup(t, doc(1, known("Q1"), stating("c", "P1", "é\n\"<", "s")), doc(2, claim.ResolvedEntity{Status: claim.StatusAmbiguous, Surface: "x"}))
	result := s.Run(t, s.stage, s.request(``, s.report(t, nil)))
	text := s.exchange(t, result)
	canonical, err := schemas.CanonicalizeJSON([]byte(text))
	require.NoError(t, err)
	require.Equal(t, string(canonical), text, "the Exchange is canonical, though it is written piece by piece")
	exchange := reftest.Output(t, result, records.OutExchange).Ref.Digest

	var manifest map[string]any
	manifestRef := reftest.Output(t, result, records.OutExchangeManifest).Ref
	require.NoError(t, json.Unmarshal(s.Read(t, manifestRef), &manifest))
	require.Equal(t, exchange.Value, manifest["kristal_id"])
	require.Equal(t, map[string]any{"algo": "sha256", "value": exchange.Value}, manifest["content_hash"])
	require.Equal(t, s.snapshot.Ref.Digest.String(), manifest["inputs"].(map[string]any)["source_snapshot_id"])

	var packManifest map[string]any
	require.NoError(t, json.Unmarshal(s.Read(t, reftest.Output(t, result, records.OutRuntimePackManifest).Ref), &packManifest))
	id := packManifest["runtime_pack_id"]
	delete(packManifest, "runtime_pack_id")
	digest, err := records.CanonicalDigest(packManifest)
	require.NoError(t, err)
	require.Equal(t, digest.Value, id)
	require.Equal(t, map[string]any{"exchange_id": exchange.Value, "exchange_manifest_hash": manifestRef.Value}, packManifest["exchange_ref"])

	files := map[string]records.Ref{}
	for _, output := range result.Outputs {
		if output.Name == records.OutPackFile {
			files[output.Path] = output.Ref
		}
	}
	for _, listed := range packManifest["files"].([]any) {
		file := listed.(map[string]any)
		ref := files[file["path"].(string)]
		require.Equal(t, ref.Value, file["sha256"])
		require.EqualValues(t, ref.Size, file["size_bytes"])
		delete(files, file["path"].(string))
	}
	require.Empty(t, files, "files that the manifest does not list")
}

func TestFilesOfAFixedNumberOfRows(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	rows := &table{ctx: t.Context(), store: bench.Store, name: "data/statements", role: roleOther, limit: 2}
	for i := range 5 {
		out, err := rows.row(fmt.Sprint("Q", i))
		require.NoError(t, err)
		out.put(fmt.Sprint(i), "\n")
	}
	require.NoError(t, rows.finish())
	var got []string
	for _, file := range rows.files {
		got = append(got, fmt.Sprintf("%s %d %s-%s %q", file.Path, file.Rows, file.First, file.Last, bench.Read(t, file.ref)))
	}
	require.Equal(t, []string{
		`data/statements-00000.jsonl 2 Q0-Q1 "0\n1\n"`,
		`data/statements-00001.jsonl 2 Q2-Q3 "2\n3\n"`,
		`data/statements-00002.jsonl 1 Q4-Q4 "4\n"`,
	}, got)
}

func TestDocumentsThatCannotBeCompiled(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]claim.Resolved{
		"nameless subject": doc(1, claim.ResolvedEntity{Status: claim.StatusUnresolved}),
		"resolved to none": doc(1, claim.ResolvedEntity{Status: claim.StatusResolved, Surface: "x"}),
		"no property":      doc(1, known("Q1"), claim.ResolvedClaim{ClaimID: "c", Object: claim.Object{Kind: claim.KindString, Value: "x"}}),
	} {
		s := newSetup(t, doc(0, known("Q1")), bad)
		failure := s.Refuse(t, s.stage, s.request(``, s.report(t, nil)), gates.ClaimInvalid)
		require.Contains(t, string(failure.Details), `"line":2`, name)
	}
}

// many returns more documents than some memory holds.
func many(t *testing.T) setup {
	t.Helper()
	var docs []claim.Resolved
	for n := range 2000 {
		docs = append(docs, doc(n, known(fmt.Sprint("Q", 1+n*7919%997)), stating(fmt.Sprint("c", n), "P1", fmt.Sprint(n%3), "s")))
	}
	return newSetup(t, docs...)
}

func TestMemoryDoesNotMatter(t *testing.T) {
	t.Parallel()
	s := many(t)
	want := s.exchange(t, s.Run(t, s.stage, s.request(``, s.report(t, nil))))
	for _, memory := range []int{1000, 50_000} {
		small := &Stage{store: s.Store, memory: memory}
		require.Equal(t, want, s.exchange(t, s.Run(t, small, s.request(``, s.report(t, nil)))))
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := many(t)
	small := &Stage{store: s.Store, memory: 10_000}
	report := s.report(t, nil)
	for name, when := range map[string]func(total int64) bool{
		"while reading": func(total int64) bool { return total == 0 },
		"while writing": func(total int64) bool { return total > 0 },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := small.Run(ctx, s.request(``, report), func(_, total int64) {
			if when(total) {
				cancel()
			}
		})
		require.ErrorIs(t, err, context.Canceled, name)
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, name)
	}
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	for _, config := range []string{``, `{}`, `{"admit_partial":true}`} {
		require.NoError(t, CheckConfig([]byte(config)))
	}
	for _, config := range []string{`{"admit":true}`, `{"admit_partial":"yes"}`, `[]`, `{`} {
		reftest.RequireCode(t, CheckConfig([]byte(config)), gates.PinInvalid)
	}
}
