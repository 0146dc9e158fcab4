package resolve

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

const testIndex = `{"id":"Q308","label":"Mercury","aliases":["Planet Mercury"],"lang":"en"}
{"id":"Q925","label":"mercury","aliases":["Quicksilver"]}

{"id":"Q405","label":"Moon","aliases":["Luna"]}
{"id":"Q2","label":"Earth"}
{"id":"P2067","label":"mass","single_valued":true,"datatype":"quantity"}
{"id":"P397","label":"parent astronomical body","aliases":["orbits"]}
{"id":"P398","label":"child astronomical body","aliases":["orbits"]}
`

func about(subject claim.Entity, claims ...claim.Claim) claim.Document {
	return claim.Document{
		SchemaVersion: claim.SchemaVersion,
		Document:      &claim.Source{DocID: "moons.csv#row=2", SourceID: "sha256:" + strings.Repeat("a", 64)},
		Subject:       subject,
		Claims:        claims,
	}
}

func stating(id, predicate string, object claim.Object) claim.Claim {
	return claim.Claim{
		ClaimID: id, Predicate: claim.Predicate{Surface: predicate}, Object: object,
		Evidence: []claim.Evidence{{Source: claim.EvidenceSource{SourceID: "sha256:" + strings.Repeat("a", 64) + "#row=2"}}},
	}
}

func item(e claim.Entity) claim.Object { return claim.Object{Kind: claim.KindItem, Value: e} }

// run resolves documents and returns the outcome, decoded.
func run(t *testing.T, config string, docs ...claim.Document) ([]document.Resolved, runner.Result) {
	t.Helper()
	bench := reftest.New(t)
	claims := reftest.PutLines(t, bench, records.OutClaims, docs...)
	if strings.Contains(config, "INDEX") {
		config = strings.ReplaceAll(config, "INDEX", refJSON(t, bench.Put(t, "index", testIndex).Ref))
	}
	result := bench.Run(t, New(bench.Store), bench.Request(records.Resolve, config, claims))
	schema := reftest.SchemaOf(t, records.RoleResolvedClaimIR)
	var resolved []document.Resolved
	for _, line := range bench.Lines(t, reftest.Output(t, result, records.OutResolved).Ref) {
		schema.Require(t, []byte(line))
		doc, err := document.ReadResolved([]byte(line))
		require.NoError(t, err)
		resolved = append(resolved, doc)
	}
	return resolved, result
}

func refJSON(t *testing.T, ref records.Ref) string {
	t.Helper()
	text, err := records.Canonical(ref)
	require.NoError(t, err)
	return string(text)
}

func ids(candidates []claim.Candidate) string {
	var list []string
	for _, c := range candidates {
		list = append(list, fmt.Sprintf("%s=%g/%s", c.ID, c.Score, c.Source))
	}
	return strings.Join(list, " ")
}

func TestEntities(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mention    claim.Entity
		status     string
		qid        string
		method     string
		candidates string
		warning    string
	}{
		"label as written beats the other case": {
			mention: claim.Entity{Surface: "Mercury"}, status: "resolved", qid: "Q308", method: "exact_match",
			candidates: "Q308=1/index Q925=0.9375/index",
		},
		"white space does not count": {
			mention: claim.Entity{Surface: " mercury\t"}, status: "resolved", qid: "Q925", method: "exact_match",
			candidates: "Q925=1/index Q308=0.9375/index",
		},
		"neither case is right": {
			mention: claim.Entity{Surface: "MERCURY"}, status: "ambiguous",
			candidates: "Q308=0.9375/index Q925=0.9375/index", warning: "LOW_CONFIDENCE_RESOLUTION",
		},
		"alias": {
			mention: claim.Entity{Surface: "Quicksilver"}, status: "resolved", qid: "Q925", method: "alias_match",
			candidates: "Q925=0.875/index",
		},
		"alias in another case": {
			mention: claim.Entity{Surface: "planet mercury"}, status: "resolved", qid: "Q308", method: "alias_match",
			candidates: "Q308=0.8125/index",
		},
		"the corpus knows it": {
			mention: claim.Entity{Surface: "Io"}, status: "resolved", qid: "Q3123", method: "exact_match", candidates: "Q3123=1/corpus",
		},
		"index and corpus know it": {
			mention: claim.Entity{Surface: "Moon"}, status: "resolved", qid: "Q405", method: "exact_match", candidates: "Q405=1/index",
		},
		"index and corpus disagree": {
			mention: claim.Entity{Surface: "Earth"}, status: "ambiguous", candidates: "Q2=1/index Q999=1/corpus", warning: "LOW_CONFIDENCE_RESOLUTION",
		},
		"nobody knows it": {
			mention: claim.Entity{Surface: "Vulcan"}, status: "unresolved", warning: "UNRESOLVED_QID",
		},
		"an id stays": {
			mention: claim.Entity{QID: "Q405", Surface: "Luna"}, status: "resolved", qid: "Q405",
		},
		"an id stays, whatever it is called": {
			mention: claim.Entity{QID: "Q405", Surface: "Mercury"}, status: "resolved", qid: "Q405", warning: "LOW_CONFIDENCE_RESOLUTION",
		},
		"a better candidate that was brought along stands in the way": {
			mention: claim.Entity{Surface: "Quicksilver", Candidates: []claim.Candidate{{ID: "Q77", Score: 0.9}}},
			status:  "ambiguous", candidates: "Q77=0.9/ Q925=0.875/index", warning: "LOW_CONFIDENCE_RESOLUTION",
		},
		"a lesser one is kept": {
			mention: claim.Entity{Surface: "Quicksilver", Candidates: []claim.Candidate{{ID: "Q77", Score: 0.5}, {ID: "Q925", Score: 0.1}}},
			status:  "resolved", qid: "Q925", method: "alias_match", candidates: "Q925=0.875/index Q77=0.5/",
		},
		"one that was brought along makes no resolution": {
			mention: claim.Entity{Surface: "Vulcan", Candidates: []claim.Candidate{{ID: "Q77", Score: 1}}},
			status:  "unresolved", candidates: "Q77=1/", warning: "UNRESOLVED_QID",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolved, _ := run(t, `{"index":INDEX}`,
				about(claim.Entity{QID: "Q3123", Surface: "Io"}, stating("c1", "mass", item(tc.mention))),
				about(claim.Entity{QID: "Q405", Surface: "Moon"}),
				about(claim.Entity{QID: "Q999", Surface: "Earth"}),
			)
			got := resolved[0].Claims[0].Object.Value.(claim.ResolvedEntity)
			require.Equal(t, tc.status, got.Status)
			require.Equal(t, tc.qid, got.QID)
			require.Equal(t, tc.mention.Surface, got.Surface)
			require.Equal(t, tc.candidates, ids(got.Candidates))
			if tc.method == "" {
				require.Nil(t, got.Decision)
			} else {
				require.Equal(t, &claim.Choice{Method: tc.method}, got.Decision)
			}
			if tc.warning == "" {
				require.Empty(t, resolved[0].Warnings)
			} else {
				require.Len(t, resolved[0].Warnings, 1)
				require.Equal(t, tc.warning, resolved[0].Warnings[0].Code)
				require.Equal(t, "/claims/0/object/value", resolved[0].Warnings[0].Path)
			}
		})
	}
}

func TestPredicatesAndWhatPassesThrough(t *testing.T) {
	t.Parallel()
	quantity := claim.Object{Kind: claim.KindQuantity, Value: claim.Quantity{Amount: 7.35e19, UnitQID: "Q11570"}}
	with := stating("c1", "Mass", quantity)
	with.Qualifiers = []claim.Qualifier{{Predicate: claim.Predicate{Surface: "orbits"}, Object: item(claim.Entity{Surface: "MERCURY"})}}
	explicit := stating("", "anything", quantity)
	explicit.Predicate.PID = "P1"
	resolved, result := run(t, `{"index":INDEX}`, about(claim.Entity{Surface: "MERCURY"}, with, explicit, stating("c3", "colour", quantity)))

	doc := resolved[0]
	require.Equal(t, claim.ResolvedPredicate{
		Status: "resolved", PID: "P2067", Surface: "Mass", Decision: &claim.Choice{Method: "exact_match"},
		Candidates: []claim.Candidate{{ID: "P2067", Score: 0.9375, Label: "mass", Source: "index"}},
	}, doc.Claims[0].Predicate)
	require.Equal(t, quantity, doc.Claims[0].Object)
	require.Equal(t, with.Evidence, doc.Claims[0].Evidence)
	require.Equal(t, "ambiguous", doc.Claims[0].Qualifiers[0].Predicate.Status)
	require.Equal(t, "P397=0.875/index P398=0.875/index", ids(doc.Claims[0].Qualifiers[0].Predicate.Candidates))
	require.Equal(t, "ambiguous", doc.Claims[0].Qualifiers[0].Object.Value.(claim.ResolvedEntity).Status)
	require.Equal(t, claim.ResolvedPredicate{Status: "resolved", PID: "P1", Surface: "anything"}, doc.Claims[1].Predicate)
	require.Equal(t, doc.Input.ClaimIRHash.String()+"#/claims/1", doc.Claims[1].ClaimID, "a claim without id gets one")
	require.Equal(t, "unresolved", doc.Claims[2].Predicate.Status)

	require.Equal(t, "moons.csv#row=2", doc.Input.ClaimIRRef.DocID)
	require.Equal(t, claim.Resolution{
		RunID: "recipe:" + reftest.Recipe().Value, CreatedAt: "2024-01-02T03:04:05Z",
		Resolver: claim.Resolver{Name: "orgo-resolve", Version: Version},
	}, doc.Resolution)
	var warnings []string
	for _, w := range doc.Warnings {
		warnings = append(warnings, w.Code+" "+w.Path)
	}
	require.Equal(t, []string{
		"AMBIGUOUS_SUBJECT /subject", "AMBIGUOUS_PREDICATE /claims/0/qualifiers/0/predicate",
		"LOW_CONFIDENCE_RESOLUTION /claims/0/qualifiers/0/object/value", "UNRESOLVED_PID /claims/2/predicate",
	}, warnings)
	require.EqualValues(t, 1, result.Metrics["entities_ambiguous"])
	require.EqualValues(t, 3, result.Metrics["claims"])
}

func TestOrderIsThatOfTheInput(t *testing.T) {
	t.Parallel()
	var docs []claim.Document
	for i := range 700 {
		docs = append(docs, about(claim.Entity{Surface: fmt.Sprint("moon ", (i*37)%700)}))
	}
	resolved, _ := run(t, `{}`, docs...)
	for i, doc := range resolved {
		require.Equal(t, docs[i].Subject.Surface, doc.Subject.Surface)
	}
}

func TestWarningsOfTheExtractorThatStillHold(t *testing.T) {
	t.Parallel()
	doc := about(claim.Entity{QID: "Q1", Surface: "Universe"})
	doc.Warnings = []claim.Notice{{Code: "EVIDENCE_WEAK", Message: "m"}, {Code: "NO_CLAIMS_EXTRACTED", Message: "m"}}
	resolved, _ := run(t, ``, doc)
	require.Equal(t, doc.Warnings[:1], resolved[0].Warnings)
}

func TestManyCandidatesAreCutWithAWord(t *testing.T) {
	t.Parallel()
	var docs []claim.Document
	for i := range 50 {
		docs = append(docs, about(claim.Entity{QID: fmt.Sprint("Q", 100-i), Surface: "Untitled"}))
	}
	docs = append(docs, about(claim.Entity{Surface: "Untitled"}))
	resolved, _ := run(t, `{"max_candidates":3}`, docs...)
	last := resolved[50]
	require.Equal(t, "ambiguous", last.Subject.Status)
	require.Equal(t, "Q51=1/corpus Q52=1/corpus Q53=1/corpus", ids(last.Subject.Candidates))
	require.Equal(t, "LIMIT_REACHED", last.Warnings[1].Code)
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	good := `{"claims":[],"schema_version":"3.0","subject":{"surface":"a"}}` + "\n"
	for name, tc := range map[string]struct {
		claims, index string
		code          gates.Code
		line          int
	}{
		"not json":                      {claims: good + "{\n", code: gates.ClaimInvalid, line: 2},
		"blank line":                    {claims: good + "\n" + good, code: gates.ClaimInvalid, line: 2},
		"no subject":                    {claims: good + good + `{"claims":[],"subject":{"lang":"en"}}` + "\n", code: gates.ClaimInvalid, line: 3},
		"would lose a member":           {claims: `{"claims":[{"predicate":{"pid":"P1"},"object":{"kind":"string","value":"x"},"alternatives":[]}],"subject":{"surface":"a"}}`, code: gates.ClaimInvalid, line: 1},
		"errors of extract":             {claims: `{"claims":[],"subject":{"surface":"a"},"errors":[{"code":"UNSUPPORTED_KIND","message":"m"}]}`, code: gates.ClaimInvalid, line: 1},
		"number that no double carries": {claims: good + `{"claims":[{"predicate":{"pid":"P1"},"object":{"kind":"quantity","value":{"amount":9007199254740993}}}],"subject":{"surface":"a"}}`, code: gates.ClaimInvalid, line: 2},
		"number of an item":             {claims: good + `{"claims":[],"subject":{"qid":"Q1234567890123456789","surface":"a"}}`, code: gates.ClaimInvalid, line: 2},
		"index: not json":               {index: `{"id":"Q1","label":"a"}` + "\nx\n", code: gates.IndexInvalid, line: 2},
		"index: unknown member":         {index: `{"id":"Q1","label":"a","rank":1}`, code: gates.IndexInvalid, line: 1},
		"index: no id":                  {index: `{"label":"a"}`, code: gates.IndexInvalid, line: 1},
		"index: wrong id":               {index: `{"id":"L1","label":"a"}`, code: gates.IndexInvalid, line: 1},
		"index: no label":               {index: `{"id":"Q1"}`, code: gates.IndexInvalid, line: 1},
		"index: empty alias":            {index: `{"id":"Q1","label":"a","aliases":[" "]}`, code: gates.IndexInvalid, line: 1},
		"index: datatype":               {index: `{"id":"P1","label":"a","datatype":"number"}`, code: gates.IndexInvalid, line: 1},
		"index: item's":                 {index: `{"id":"Q1","label":"a","single_valued":true}`, code: gates.IndexInvalid, line: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bench := reftest.New(t)
			config := `{}`
			if tc.index != "" {
				config = fmt.Sprintf(`{"index":%s}`, refJSON(t, bench.Put(t, "index", tc.index).Ref))
			}
			claims := bench.Put(t, records.OutClaims, tc.claims+good)
			if tc.claims != "" {
				claims = bench.Put(t, records.OutClaims, tc.claims)
			}
			failure := bench.Refuse(t, New(bench.Store), bench.Request(records.Resolve, config, claims), tc.code)
			require.True(t, failure.Final)
			require.Contains(t, string(failure.Details), fmt.Sprintf(`"line":%d`, tc.line), failure.Error())
		})
	}
}

func TestInputsThatAreNotThere(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	stage := New(bench.Store)
	bench.Refuse(t, stage, bench.Request(records.Resolve, `{}`), gates.DependencyMissing)
	lost := records.Artifact{Name: records.OutClaims, Ref: records.Ref{Digest: records.DigestOf([]byte("lost"))}}
	bench.Refuse(t, stage, bench.Request(records.Resolve, `{}`, lost), gates.ArtifactMissing)
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	digest := fmt.Sprintf(`"alg":"sha256","value":%q`, strings.Repeat("0", 64))
	for config, code := range map[string]gates.Code{
		``:   "",
		`{}`: "",
		`{"index":{` + digest + `,"media_type":"application/jsonl","size":3}}`: "",
		`{"max_candidates":2}`:                          "",
		`{"max_candidates":1}`:                          gates.PinInvalid,
		`{"max_candidates":1000000}`:                    gates.PinInvalid,
		`{"maxCandidates":5}`:                           gates.PinInvalid,
		`[]`:                                            gates.PinInvalid,
		`{"index":{"path":"index.jsonl"}}`:              gates.PinFloating,
		`{"index":{` + digest + `,"path":"x.jsonl"}}`:   gates.PinFloating,
		`{"index":{"uri":"https://example.org/i"}}`:     gates.PinFloating,
		`{"index":{"alg":"sha256","value":"latest"}}`:   gates.PinFloating,
		`{"index":{"alg":"sha256","version":"latest"}}`: gates.PinInvalid,
	} {
		err := CheckConfig([]byte(config))
		if code == "" {
			require.NoError(t, err, config)
			continue
		}
		reftest.RequireCode(t, err, code)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	var docs []claim.Document
	for range 2000 {
		docs = append(docs, about(claim.Entity{Surface: "a"}))
	}
	claims := reftest.PutLines(t, bench, records.OutClaims, docs...)
	ctx, cancel := context.WithCancel(t.Context())
	stopLate := func(_, total int64) {
		if total > 0 { // in the second reading, while the output is being written
			cancel()
		}
	}
	_, err := New(bench.Store).Run(ctx, bench.Request(records.Resolve, `{}`, claims), stopLate)
	require.ErrorIs(t, err, context.Canceled)
}
