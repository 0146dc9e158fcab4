package validate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

var (
	inSnapshot = records.DigestOf([]byte("a,b\n"))
	elsewhere  = records.DigestOf([]byte("elsewhere"))
)

func testSnapshot() records.Snapshot {
	return records.Snapshot{
		Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion,
		Files: []records.SnapshotFile{
			{Path: "in/a.csv", Digest: inSnapshot, Size: 4, MediaType: "text/csv"},
			{Path: "in/b.csv", Digest: records.DigestOf([]byte("b")), Size: 1, MediaType: "text/csv"},
		},
		Exclusions: []records.SnapshotExclusion{{Path: "in/.git", Reason: "hidden"}},
	}
}

// row returns a document that nothing is wrong with; each is of its own subject.
func row(n int, claims ...claim.ResolvedClaim) claim.Resolved {
	hash := records.DigestOf(fmt.Append(nil, "row ", n))
	return claim.Resolved{
		SchemaVersion: claim.SchemaVersion,
		Input:         claim.ResolvedInput{ClaimIRRef: claim.ClaimIRRef{DocID: fmt.Sprintf("in/a.csv#row=%d", n)}, ClaimIRHash: &hash},
		Resolution:    claim.Resolution{RunID: "r", CreatedAt: "2024-01-02T03:04:05Z", Resolver: claim.Resolver{Name: "n", Version: "1"}},
		Subject:       claim.ResolvedEntity{Status: claim.StatusResolved, QID: fmt.Sprint("Q", n), Surface: fmt.Sprint("subject ", n)},
		Claims:        claims,
	}
}

func stating(id string, value any) claim.ResolvedClaim {
	kind := claim.KindString
	switch value.(type) {
	case claim.Quantity:
		kind = claim.KindQuantity
	case claim.Time:
		kind = claim.KindTime
	case claim.ResolvedEntity:
		kind = claim.KindItem
	}
	return claim.ResolvedClaim{
		ClaimID:   id,
		Predicate: claim.ResolvedPredicate{Status: claim.StatusResolved, PID: "P1", Surface: "length"},
		Object:    claim.Object{Kind: kind, Value: value},
		Evidence:  []claim.Evidence{{Source: claim.EvidenceSource{SourceID: inSnapshot.String() + "#row=2", Title: "in/a.csv"}}},
	}
}

func item(status, qid, surface string, candidates ...claim.Candidate) claim.ResolvedEntity {
	return claim.ResolvedEntity{Status: status, QID: qid, Surface: surface, Candidates: candidates}
}

// reportOf is a report, as a reader sees it.
type reportOf struct {
	Report
	text string
}

// codes returns the codes of the listed issues, in order.
func (r reportOf) codes() []Code {
	codes := []Code{}
	for _, one := range r.Issues {
		codes = append(codes, one.Code)
	}
	return codes
}

func run(t *testing.T, config string, lines ...string) reportOf {
	t.Helper()
	bench := reftest.New(t)
	if strings.Contains(config, "INDEX") {
		index := bench.Put(t, "index", `{"id":"P1","label":"length","single_valued":true,"datatype":"quantity"}`+"\n"+`{"id":"Q1","label":"x"}`)
		ref, err := records.Canonical(index.Ref)
		require.NoError(t, err)
		config = strings.ReplaceAll(config, "INDEX", string(ref))
	}
	snapshot := bench.PutJSON(t, records.OutSnapshot, testSnapshot())
	resolved := bench.Put(t, records.OutResolved, strings.Join(lines, ""))
	result := bench.Run(t, New(bench.Store), bench.Request(records.Validate, config, snapshot, resolved))
	text := bench.Read(t, reftest.Output(t, result, records.OutReport).Ref)
	reftest.SchemaOf(t, records.RoleValidationReport).Require(t, text)
	var report reportOf
	require.NoError(t, json.Unmarshal(text, &report.Report))
	report.text = string(text)
	require.Equal(t, Validated{Resolved: resolved.Ref.Digest, Snapshot: snapshot.Ref.Digest}, report.Extensions.Validated)
	return report
}

func lines(t *testing.T, docs ...claim.Resolved) []string {
	t.Helper()
	var text []string
	for _, doc := range docs {
		canonical, err := records.Canonical(doc)
		require.NoError(t, err)
		text = append(text, string(canonical)+"\n")
	}
	return text
}

func TestCodes(t *testing.T) {
	t.Parallel()
	noEvidence := stating("c", "x")
	noEvidence.Evidence = nil
	strange := stating("c", "x")
	strange.Evidence = append(strange.Evidence, claim.Evidence{Source: claim.EvidenceSource{SourceID: elsewhere.String() + "#row=1"}})
	notADigest := stating("c", "x")
	notADigest.Evidence[0].Source.SourceID = "https://example.org/"
	unknown := stating("c", "x")
	unknown.Predicate = claim.ResolvedPredicate{Status: claim.StatusUnresolved, Surface: "length"}
	either := stating("c", "x")
	either.Predicate = claim.ResolvedPredicate{Status: claim.StatusAmbiguous, Surface: "length", Candidates: []claim.Candidate{{ID: "P1", Score: 1}, {ID: "P2", Score: 1}}}
	failed := row(1, stating("c", item("failed", "", "x")))
	coerced := item(claim.StatusResolved, "Q1", "x", claim.Candidate{ID: "Q1", Score: 1}, claim.Candidate{ID: "Q2", Score: 1})
	coerced.Decision = &claim.Choice{Method: "exact_match"}
	better := coerced
	better.Candidates = []claim.Candidate{{ID: "Q2", Score: 1}, {ID: "Q1", Score: 0.5}}
	stranger := coerced
	stranger.Candidates = []claim.Candidate{{ID: "Q7", Score: 0}}
	judged := coerced
	judged.Decision = &claim.Choice{Method: "human"}
	fair := coerced
	fair.Candidates = []claim.Candidate{{ID: "Q1", Score: 1}, {ID: "Q2", Score: 0.5}}
	qualified := stating("c", "x")
	qualified.Qualifiers = []claim.ResolvedQualifier{{Predicate: unknown.Predicate, Object: stating("", claim.Time{ISO8601: "1890-02-30"}).Object}}

	typed := `{"datatypes":{"LENGTH":"quantity"},"single_valued":["P1"]}`
	for name, tc := range map[string]struct {
		config string
		docs   []claim.Resolved
		codes  []Code
		status string
	}{
		"nothing":                        {docs: []claim.Resolved{row(1, stating("c", "x"))}, status: Passed},
		"no document":                    {codes: []Code{NoClaimsAtAll}, status: Failed},
		"no claim":                       {docs: []claim.Resolved{row(1)}, codes: []Code{NoClaimsAtAll, NoClaims}, status: Failed},
		"one without claims":             {docs: []claim.Resolved{row(1), row(2, stating("c", "x"))}, codes: []Code{NoClaims}, status: Passed},
		"no evidence":                    {docs: []claim.Resolved{row(1, noEvidence)}, codes: []Code{EvidenceMissing}, status: Failed},
		"evidence from elsewhere":        {docs: []claim.Resolved{row(1, strange)}, codes: []Code{EvidenceUnknownSource}, status: Failed},
		"evidence that names no file":    {docs: []claim.Resolved{row(1, notADigest)}, codes: []Code{EvidenceUnknownSource}, status: Failed},
		"unresolved property":            {docs: []claim.Resolved{row(1, unknown)}, codes: []Code{PropertyUnresolved}, status: Passed},
		"ambiguous property":             {docs: []claim.Resolved{row(1, either)}, codes: []Code{PropertyAmbiguous}, status: Passed},
		"unresolved item":                {docs: []claim.Resolved{row(1, stating("c", item("unresolved", "", "x")))}, codes: []Code{EntityUnresolved}, status: Passed},
		"ambiguous item":                 {docs: []claim.Resolved{row(1, stating("c", item("ambiguous", "", "x")))}, codes: []Code{EntityAmbiguous}, status: Passed},
		"partial on warning":             {config: `{"partial_on_warning":true}`, docs: []claim.Resolved{row(1, either)}, codes: []Code{PropertyAmbiguous}, status: Partial},
		"information is not partial":     {config: `{"partial_on_warning":true}`, docs: []claim.Resolved{row(1, unknown)}, codes: []Code{PropertyUnresolved}, status: Passed},
		"severity raised":                {config: `{"severities":{"ENTITY_AMBIGUOUS":"ERROR"}}`, docs: []claim.Resolved{row(1, stating("c", item("ambiguous", "", "x")))}, codes: []Code{EntityAmbiguous}, status: Failed},
		"severity lowered":               {config: `{"severities":{"EVIDENCE_MISSING":"WARNING"}}`, docs: []claim.Resolved{row(1, noEvidence)}, codes: []Code{EvidenceMissing}, status: Passed},
		"off":                            {config: `{"severities":{"PROPERTY_UNRESOLVED":"OFF","DUPLICATE_CLAIM":"OFF","CONTRADICTING_VALUES":"OFF"},"single_valued":["P1"]}`, docs: []claim.Resolved{row(1, unknown, stating("a", "x"), stating("b", "x"), stating("c", "y"))}, status: Passed},
		"resolution failed":              {docs: []claim.Resolved{failed}, codes: []Code{ResolutionFailed}, status: Failed},
		"ambiguity coerced":              {docs: []claim.Resolved{row(1, stating("c", coerced))}, codes: []Code{AmbiguityCoerced}, status: Failed},
		"better candidate passed over":   {docs: []claim.Resolved{row(1, stating("c", better))}, codes: []Code{AmbiguityCoerced}, status: Failed},
		"resolved to no candidate":       {docs: []claim.Resolved{row(1, stating("c", stranger))}, codes: []Code{AmbiguityCoerced}, status: Failed},
		"somebody judged":                {docs: []claim.Resolved{row(1, stating("c", judged))}, status: Passed},
		"strictly the best":              {docs: []claim.Resolved{row(1, stating("c", fair))}, status: Passed},
		"item without id":                {docs: []claim.Resolved{row(1, stating("c", item("resolved", "", "x")))}, codes: []Code{SchemaViolation}, status: Failed},
		"qualifiers are looked at":       {docs: []claim.Resolved{row(1, qualified)}, codes: []Code{ValueInvalid, PropertyUnresolved}, status: Passed},
		"no such day":                    {docs: []claim.Resolved{row(1, stating("c", claim.Time{ISO8601: "1900-02-29"}))}, codes: []Code{ValueInvalid}, status: Passed},
		"only the year is known":         {docs: []claim.Resolved{row(1, stating("c", claim.Time{ISO8601: "-0044-00-00", Precision: "year"}))}, status: Passed},
		"another kind than the property": {config: typed, docs: []claim.Resolved{row(1, stating("c", "x"))}, codes: []Code{ValueType}, status: Failed},
		"the kind of the property":       {config: typed, docs: []claim.Resolved{row(1, stating("c", claim.Quantity{Amount: 1}))}, status: Passed},
		"kind and number by the index":   {config: `{"index":INDEX}`, docs: []claim.Resolved{row(1, stating("c", "x"), stating("d", "y"))}, codes: []Code{ContradictingValues, ValueType, ValueType}, status: Failed},
		"said twice":                     {docs: []claim.Resolved{row(1, stating("c", "x"), stating("d", "x"))}, codes: []Code{DuplicateClaim}, status: Passed},
		"two values":                     {config: `{"single_valued":["P1"]}`, docs: []claim.Resolved{row(1, stating("c", "x"), stating("d", "y"))}, codes: []Code{ContradictingValues}, status: Failed},
		"two values, by name":            {config: `{"single_valued":["Length"]}`, docs: []claim.Resolved{row(1, stating("c", "x"), stating("d", "y"))}, codes: []Code{ContradictingValues}, status: Failed},
		"two values of one with many":    {config: `{"single_valued":["P2"]}`, docs: []claim.Resolved{row(1, stating("c", "x"), stating("d", "y"))}, status: Passed},
		"one value of two subjects each": {config: `{"single_valued":["P1"]}`, docs: []claim.Resolved{row(1, stating("c", "x")), row(2, stating("d", "y"))}, status: Passed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := run(t, tc.config, lines(t, tc.docs...)...)
			if tc.codes == nil {
				tc.codes = []Code{}
			}
			require.Equal(t, tc.codes, report.codes(), report.text)
			require.Equal(t, tc.status, report.Status)
		})
	}
}

func TestWhatTheSchemaCannotSay(t *testing.T) {
	t.Parallel()
	good := lines(t, row(1, stating("c", "x")))[0]
	for name, bad := range map[string]string{
		"not json":        "{\n",
		"blank":           "\n",
		"other version":   strings.Replace(good, `"schema_version":"3.0"`, `"schema_version":"2.0"`, 1),
		"unknown kind":    strings.Replace(good, `"kind":"string"`, `"kind":"shape"`, 1),
		"member twice":    strings.Replace(good, `"claims":`, `"claims":[],"claims":`, 1),
		"nameless entity": strings.Replace(good, `"qid":"Q1","status":"resolved","surface":"subject 1"`, `"status":"unresolved"`, 1),
	} {
		require.NotEqual(t, good, bad, name)
		report := run(t, ``, good, bad, good)
		require.Equal(t, Failed, report.Status, name)
		require.Equal(t, SchemaViolation, report.Issues[0].Code, name)
		require.EqualValues(t, 2, report.Issues[0].Details["line"], name)
		require.EqualValues(t, 3, report.Extensions.Documents, name)
	}
}

func TestErrorsLeftByTheResolver(t *testing.T) {
	t.Parallel()
	line := strings.Replace(lines(t, row(1, stating("c", "x")))[0], `"input":`, `"errors":[{"code":"RESOLUTION_FAILED","message":"no answer"}],"input":`, 1)
	report := run(t, ``, line)
	require.Equal(t, []Code{ResolutionFailed}, report.codes())
	require.Equal(t, Failed, report.Status)
}

func TestContradictionsAcrossDocuments(t *testing.T) {
	t.Parallel()
	// One thing that only has a name, in three documents and two spellings.
	about := func(n int, surface, claimID string, value any) claim.Resolved {
		doc := row(n, stating(claimID, value))
		doc.Subject = item(claim.StatusUnresolved, "", surface)
		return doc
	}
	ambiguous := row(9, stating("c9", "other"))
	ambiguous.Subject = item(claim.StatusAmbiguous, "", "Tay Bridge")
	report := run(t, `{"single_valued":["P1"],"severities":{"ENTITY_UNRESOLVED":"OFF","ENTITY_AMBIGUOUS":"OFF","DUPLICATE_CLAIM":"OFF"}}`, lines(t,
		about(1, "Tay Bridge", "c1", claim.Quantity{Amount: 3264}),
		ambiguous,
		about(2, "tay  bridge", "c2", claim.Quantity{Amount: 3264}),
		about(3, "TAY BRIDGE", "c3", claim.Quantity{Amount: 3286}),
	)...)
	require.Equal(t, []Code{ContradictingValues}, report.codes(), report.text)
	issue := report.Issues[0]
	require.Equal(t, "P1", issue.Details["property"])
	require.EqualValues(t, 2, issue.Details["value_count"])
	require.Regexp(t, "^local:", issue.Location.EntityID)
	require.Contains(t, report.text, `in/a.csv#row=3`)
	require.Contains(t, report.text, `3286`)

	sometimes := stating("c2", "y")
	sometimes.Qualifiers = []claim.ResolvedQualifier{{Predicate: sometimes.Predicate, Object: sometimes.Object}}
	report = run(t, `{"single_valued":["P1"]}`, lines(t, row(1, stating("c1", "x"), sometimes))...)
	require.Empty(t, report.codes(), "a value that is qualified does not contradict one that is not")
}

func TestPlacesOfIssues(t *testing.T) {
	t.Parallel()
	unknown := stating("c1", item("ambiguous", "", "Mercury", claim.Candidate{ID: "Q308", Score: 1}, claim.Candidate{ID: "Q925", Score: 1}))
	report := run(t, ``, lines(t, row(1, stating("c0", "x")), row(2, stating("c", "x"), unknown, unknown))...)
	require.Equal(t, []Code{EntityAmbiguous, DuplicateClaim}, report.codes())
	first := report.Issues[0]
	require.Equal(t, &location{JSONPointer: "/claims/1/object/value", EntityID: "Q2", ClaimID: "c1"}, first.Location)
	require.Equal(t, map[string]any{
		"document": "in/a.csv#row=2", "line": 2.0, "surface": "Mercury", "references": 2.0,
		"candidates": []any{"Q308", "Q925"}, "candidate_count": 2.0,
	}, first.Details)
}

func TestOrderCapAndCounts(t *testing.T) {
	t.Parallel()
	var docs []claim.Resolved
	for n := 1; n <= 40; n++ {
		noEvidence := stating(fmt.Sprint("e", n), fmt.Sprint(n))
		noEvidence.Evidence = nil
		docs = append(docs, row(n, stating("c", item("unresolved", "", fmt.Sprint("x", n))), stating("d", item("ambiguous", "", "y")), noEvidence))
	}
	report := run(t, `{"max_issues":50,"severities":{"ENTITY_AMBIGUOUS":"INFO","ENTITY_UNRESOLVED":"WARNING"}}`, lines(t, docs...)...)
	want := slices.Concat(slices.Repeat([]Code{EvidenceMissing}, 40), slices.Repeat([]Code{EntityUnresolved}, 10))
	require.Equal(t, want, report.codes())
	for i, one := range report.Issues {
		require.EqualValues(t, i%40+1, one.Details["line"])
	}
	require.Equal(t, stats{Errors: 40, Warnings: 40, Infos: 40}, report.Stats)
	require.Equal(t, map[Code]int64{EvidenceMissing: 40, EntityUnresolved: 40, EntityAmbiguous: 40}, report.Extensions.CountsByCode)
	require.EqualValues(t, 70, report.Extensions.IssuesOmitted)
	require.EqualValues(t, 120, report.Extensions.Claims)
}

// What comes late may belong among the first; the collector keeps it.
func TestFirstIssuesInAnyOrder(t *testing.T) {
	t.Parallel()
	collect := newCollector(Config{MaxIssues: 3})
	built := 0
	for i := range 1000 {
		n := int64((i * 7919) % 1000)
		collect.add(NoClaims, place{line: n}, func() issue { built++; return issue{Message: fmt.Sprint(n)} })
	}
	var kept []string
	for _, one := range collect.list() {
		kept = append(kept, one.Message)
	}
	require.Equal(t, []string{"0", "1", "2"}, kept)
	require.EqualValues(t, 1000, collect.counts[NoClaims])
	require.Less(t, built, 100, "issues that nobody will see are not made")
}

func TestHeadOfTheReport(t *testing.T) {
	t.Parallel()
	report := run(t, ``, lines(t, row(1, stating("c", "x")))...)
	recipe := "recipe:" + reftest.Recipe().Value
	require.Equal(t, recipe, report.BuildID)
	require.Equal(t, inputs{report.Extensions.Validated.Snapshot.String(), recipe}, report.Inputs)
	require.Equal(t, "2024-01-02T03:04:05Z", report.CreatedAt)
	require.Equal(t, tooling{"orgo-validate", Version, "kristal.v3:jcs-rfc8785", "1"}, report.Tooling)
	require.Regexp(t, "^report:[0-9a-f]{64}$", report.ReportID)
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	stage := New(bench.Store)
	resolved := bench.Put(t, records.OutResolved, "")
	good := bench.PutJSON(t, records.OutSnapshot, testSnapshot())
	bench.Refuse(t, stage, bench.Request(records.Validate, `{}`, good), gates.DependencyMissing)
	bench.Refuse(t, stage, bench.Request(records.Validate, `{}`, resolved), gates.DependencyMissing)
	for name, text := range map[string]string{
		"not json": `{"files":[`, "not an object": `[]`, "files not a list": `{"files":{}}`, "no digest": `{"files":[{"path":"a"}]}`,
		"more after it": `{"files":[]} {}`, "not files": `{"files":["a"]}`,
	} {
		bad := bench.Put(t, records.OutSnapshot, text)
		failure := bench.Refuse(t, stage, bench.Request(records.Validate, `{}`, bad, resolved), gates.ContractViolation)
		require.True(t, failure.Final, name)
	}
	lost := records.Artifact{Name: records.OutResolved, Ref: records.Ref{Digest: elsewhere}}
	bench.Refuse(t, stage, bench.Request(records.Validate, `{}`, good, lost), gates.ArtifactMissing)
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	for config, code := range map[string]gates.Code{
		``:   "",
		`{}`: "",
		`{"severities":{"ENTITY_UNRESOLVED":"ERROR","EVIDENCE_MISSING":"WARNING","CONTRADICTING_VALUES":"OFF"}}`:    "",
		`{"single_valued":["P569","length"],"datatypes":{"P569":"time"},"max_issues":10,"partial_on_warning":true}`: "",
		`{"severity":{}}`:                                      gates.PinInvalid,
		`{"severities":{"NO_SUCH_CODE":"INFO"}}`:               gates.PinInvalid,
		`{"severities":{"NO_CLAIMS":"FATAL"}}`:                 gates.PinInvalid,
		`{"severities":{"NO_CLAIMS":""}}`:                      gates.PinInvalid,
		`{"severities":{"SCHEMA_VIOLATION":"OFF"}}`:            gates.PinInvalid,
		`{"severities":{"EVIDENCE_UNKNOWN_SOURCE":"WARNING"}}`: gates.PinInvalid,
		`{"severities":{"AMBIGUITY_COERCED":"INFO"}}`:          gates.PinInvalid,
		`{"severities":{"NO_CLAIMS_AT_ALL":"WARNING"}}`:        gates.PinInvalid,
		`{"severities":{"EVIDENCE_MISSING":"OFF"}}`:            gates.PinInvalid,
		`{"max_issues":0}`:                                     gates.PinInvalid,
		`{"max_issues":100000}`:                                gates.PinInvalid,
		`{"single_valued":[" "]}`:                              gates.PinInvalid,
		`{"datatypes":{"length":"number"}}`:                    gates.PinInvalid,
		`{"index":{"path":"index.jsonl"}}`:                     gates.PinFloating,
	} {
		err := CheckConfig([]byte(config))
		if code == "" {
			require.NoError(t, err, config)
			continue
		}
		reftest.RequireCode(t, err, code)
	}
}

func TestCodeTable(t *testing.T) {
	t.Parallel()
	for code, row := range codeTable {
		require.Regexp(t, "^[A-Z0-9_]+$", string(code))
		require.NotEmpty(t, row.says, code)
		require.LessOrEqual(t, gravity[row.severity], gravity[row.lowest], code)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	many := strings.Repeat(lines(t, row(1, stating("c", "x")))[0], 1000)
	req := bench.Request(records.Validate, `{}`, bench.PutJSON(t, records.OutSnapshot, testSnapshot()), bench.Put(t, records.OutResolved, many))
	_, err := New(bench.Store).Run(ctx, req, func(int64, int64) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
}
