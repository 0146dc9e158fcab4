package render

import (
	"context"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

var (
	named     = "local:" + strings.Repeat("0", 32)
	ambiguous = "local:" + strings.Repeat("1", 32)
)

// page is a pack with every kind of value and of entity.
func page() parts {
	rows := []string{
		stating("Q1", "P2", `{"kind":"item","value":"`+named+`"}`, `[{"claim_id":"c1"},{"claim_id":"c2","quote":"so","source":{"source_id":"elsewhere"}},{"claim_id":"c1"}]`),
		stating("Q1", "P3", `{"kind":"quantity","value":{"amount":1.5,"lower_bound":1,"unit_qid":"Q12","upper_bound":2}}`, by("c")),
		stating("Q1", "P4", `{"kind":"time","value":{"calendar":"julian","iso8601":"1890-03-04","precision":"day"}}`, by("c")),
		stating("Q1", "P5", `{"kind":"monolingual_text","value":{"lang":"en","text":"a motto"}}`, by("c")),
		stating("Q1", "P6", `{"kind":"coord","value":{"globe":"Q2","lat":55.75,"lon":-3.5}}`, by("c")),
		stating("Q1", "P7", `{"kind":"url","value":"https://example.org/_x_"}`, by("c")),
		stating(named, "P2", said("x"), by("d")),
	}
	return parts{
		statementsFile: rows[:3], "data/statements-00001.jsonl": rows[3:],
		entitiesFile: {
			entity("Q1", "resolved", "One", "Uno"), entity("Q12", "resolved"),
			entity(named, "unresolved", "Somebody"),
			strings.Replace(entity(ambiguous, "ambiguous", "Mercury"), `{`, `{"candidates":[{"id":"Q308","label":"Mercury","score":1},{"id":"Q925","score":1}],`, 1),
		},
		propertiesFile: {entity("P2", "resolved", "knows")},
		shardsPath:     {`{}`},
	}
}

func TestAPageAndItsTrace(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	in := inputs(t, b, page(), nil)
	lines, traced := rendered(t, b, New(b.Store), in)
	hash := strings.Repeat("a", 64)
	from := `  - claim c, from sha256\:` + hash + `\#row\=2 (in/a.csv)`
	require.Equal(t, []string{
		"# Rendered bundle",
		"",
		`- Runtime pack: sha256\:` + in[len(in)-1].Ref.Value,
		"- Exchange: feed",
		`- Source snapshot: sha256\:beef`,
		`- Resolved claims: sha256\:cafe`,
		"",
		"## One (Q1)",
		"",
		"Also: Uno",
		"",
		`- **knows (P2)**: Somebody (local\:` + named[6:] + `)`,
		"  - claim c1",
		"  - claim c2, from elsewhere, quoting: so",
		"  - claim c1",
		"- **P3**: 1.5 Q12, at least 1, at most 2",
		from,
		"- **P4**: 1890-03-04 (day, julian)",
		from,
		"- **P5**: a motto (en)",
		from,
		"- **P6**: 55.75, -3.5 (Q2)",
		from,
		`- **P7**: https\://example.org/\_x\_`,
		from,
		"",
		"## Q12",
		"",
		"No statement is about it.",
		"",
		`## Somebody (local\:` + named[6:] + `)`,
		"",
		"Unresolved: the name means no item that is known.",
		"",
		"- **knows (P2)**: x",
		strings.Replace(from, "claim c,", "claim d,", 1),
		"",
		`## Mercury (local\:` + ambiguous[6:] + `)`,
		"",
		"Ambiguous: the name may mean Mercury (Q308), (Q925)",
		"",
		"No statement is about it.",
		"",
	}, lines)
	source := []records.Digest{{Alg: records.SHA256, Value: hash}}
	require.Len(t, traced, 7)
	require.Equal(t, []string{"c1", "c2"}, traced[0].ClaimIDs)
	require.Empty(t, traced[0].SourceDigests, "the pack has none of them")
	require.Equal(t, []string{"d"}, traced[6].ClaimIDs)
	for i, line := range []int64{12, 16, 18, 20, 22, 24, 35} {
		require.Equal(t, line, traced[i].Line)
		if i > 0 {
			require.Equal(t, source, traced[i].SourceDigests)
		}
	}
}

func TestEveryStatementOfARealPackIsTraced(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	pack := compiled(t, b, 300)
	lines, traced := rendered(t, b, New(b.Store), pack)
	begin := 0
	for _, line := range lines {
		if strings.HasPrefix(line, "- **") {
			begin++
		}
	}
	require.Equal(t, 1200, begin)
	result := b.Run(t, New(b.Store), b.Request(records.Render, ``, pack...))
	require.NoError(t, Check(t.Context(), b.Store, result.Outputs[0].Ref, result.Outputs[1].Ref))
	require.Len(t, traced, begin)
	for _, one := range traced {
		require.True(t, strings.HasPrefix(lines[one.Line-1], "- **"))
		require.NotEmpty(t, one.ClaimIDs)
		require.Equal(t, []records.Digest{records.DigestOf([]byte("rows"))}, one.SourceDigests)
	}
	other := reftest.New(t)
	again := other.Run(t, New(other.Store), other.Request(records.Render, ``, compiled(t, other, 300)...))
	require.Equal(t, result, again, "another directory, the same bytes")
}

// A trace is believed for what it says alone, whoever made it.
func TestTracesAreChecked(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	page := b.Put(t, records.OutRendered, "a\nb\nc").Ref
	line := func(line, claims, more string) string {
		return `{"line":` + line + `,"statement_id":"s","claim_ids":` + claims + `,"source_digests":[]` + more + "}\n"
	}
	good := line("1", `["c"]`, "") + line("3", `["c","d"]`, "")
	require.NoError(t, Check(t.Context(), b.Store, page, b.Put(t, records.OutTrace, good).Ref))
	require.NoError(t, Check(t.Context(), b.Store, page, b.Put(t, records.OutTrace, "").Ref))
	for trace, code := range map[string]gates.Code{
		line("4", `["c"]`, ""): gates.RunnerOutputInvalid, line("0", `["c"]`, ""): gates.RunnerOutputInvalid,
		good + line("3", `["c"]`, ""): gates.RunnerOutputInvalid, "x": gates.RunnerOutputInvalid, "{}": gates.RunnerOutputInvalid,
		line("1", `["c"]`, `,"more":1`):                   gates.RunnerOutputInvalid,
		strings.Replace(good, `[]`, `[{"alg":"md5"}]`, 1): gates.RunnerOutputInvalid,
		strings.Replace(good, `"s"`, `""`, 1):             gates.RunnerOutputInvalid,
		line("1", `[]`, ""):                               gates.EvidenceMissing,
		line("1", `["c",""]`, ""):                         gates.EvidenceMissing,
	} {
		reftest.RequireCode(t, Check(t.Context(), b.Store, page, b.Put(t, records.OutTrace, trace).Ref), code)
	}
	page.Size--
	reftest.RequireCode(t, Check(t.Context(), b.Store, page, b.Put(t, records.OutTrace, good).Ref), gates.DigestMismatch)
}

// Nobody who reads the page finds anything in a value but its text.
func TestValuesAreNoMarkup(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	hostile := "\n\n# h\r\n- [x](javascript:alert(1)) <script>&lt; `c` **b** ~~d~~ | www.evil.example a@b.example $x$ ![i](u) \\ \u202eabc\u2028\x00\u00a0\u200d"
	shown := `&#10;&#10;\# h&#13;&#10;- \[x\](javascript\:alert(1)) &lt;script&gt;&amp;lt; \` + "`c\\`" + ` \*\*b\*\* \~\~d\~\~ \| www\.evil.example a\@b.example \$x\$ \!\[i\](u) \\ ` +
		"\\[U+202E\\]abc\\[U+2028\\]\\[U+0000\\]\u00a0\u200d"
	require.Equal(t, shown, escape(hostile))
	pack := small()
	pack[entitiesFile] = []string{entity("Q1", "resolved", hostile, hostile)}
	pack[propertiesFile] = []string{entity("P2", "resolved", hostile)}
	evidence := `[{"claim_id":` + jsonOf(hostile) + `,"quote":` + jsonOf(hostile) + `,"source":{"source_id":` + jsonOf(hostile) + `,"title":` + jsonOf(hostile) + `}}]`
	pack[statementsFile] = []string{
		stating("Q1", "P2", said(hostile), evidence),
		stating("Q1", "P3", `{"kind":"quantity","value":{"amount":1,"unit_qid":`+jsonOf(hostile)+`}}`, evidence),
		stating("Q1", "P4", `{"kind":"time","value":{"calendar":`+jsonOf(hostile)+`,"iso8601":`+jsonOf(hostile)+`,"precision":`+jsonOf(hostile)+`}}`, evidence),
	}
	lines, traced := rendered(t, b, New(b.Store), inputs(t, b, pack, nil))
	require.Len(t, lines, 18)
	require.Equal(t, []string{hostile}, traced[0].ClaimIDs, "the trace has it as it is")
	text := strings.Join(lines, "\n")
	require.NotContains(t, text, "<")
	require.NotContains(t, strings.ReplaceAll(text, `\]`, ""), "]")
	for _, r := range "\r\u202e\u2028\x00" {
		require.NotContains(t, text, string(r))
	}
}

func TestWhatIsNotTracedIsNotRendered(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	for name, evidence := range map[string]string{
		"no evidence": `[]`, "null": `null`, "evidence of no claim": `[{"source":{"source_id":"s"}}]`, "one of two names none": `[{"claim_id":"c"},{"claim_id":""}]`,
	} {
		pack := small()
		pack[statementsFile] = append(pack[statementsFile], stating("Q1", "P3", said("y"), evidence))
		failure := b.Refuse(t, New(b.Store), b.Request(records.Render, ``, inputs(t, b, pack, nil)...), gates.EvidenceMissing)
		require.True(t, failure.Final, name)
		require.Contains(t, string(failure.Details), `"line":2`, name)
	}
}

func TestPacksThatDoNotHoldTogether(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	with := func(file string, rows ...string) func(parts) { return func(p parts) { p[file] = rows } }
	one := small()[statementsFile][0]
	object := func(object string) func(parts) { return with(statementsFile, stating("Q1", "P2", object, by("c"))) }
	for name, change := range map[string]func(parts){
		"not json":                   with(statementsFile, "x"),
		"blank line":                 with(statementsFile, one, ""),
		"unknown member":             with(statementsFile, strings.Replace(one, `{`, `{"hidden":1,`, 1)),
		"member twice":               with(statementsFile, strings.Replace(one, `"subject":`, `"subject":"Q1","subject":`, 1)),
		"another id":                 with(statementsFile, strings.Replace(one, `"id":"sha256:`, `"id":"sha256:0`, 1)),
		"another value under its id": with(statementsFile, strings.Replace(one, `"value":"x"`, `"value":"y"`, 1)),
		"statement twice":            with(statementsFile, one, one),
		"unknown subject":            with(statementsFile, stating("Q2", "P2", said("x"), by("c"))),
		"subject before its turn": func(p parts) {
			p[entitiesFile] = append(p[entitiesFile], entity("Q2", "resolved"))
			p[statementsFile] = []string{stating("Q2", "P2", said("x"), by("c")), one}
		},
		"subject is markup":             with(statementsFile, stating("Q1<b>", "P2", said("x"), by("c"))),
		"property is an item":           with(statementsFile, stating("Q1", "Q2", said("x"), by("c"))),
		"entity twice":                  with(entitiesFile, entity("Q1", "resolved"), entity("Q1", "resolved")),
		"entities not in order":         with(entitiesFile, entity("Q2", "resolved"), entity("Q1", "resolved")),
		"entity is a property":          with(entitiesFile, entity("P1", "resolved")),
		"numbered and unresolved":       with(entitiesFile, entity("Q1", "unresolved")),
		"named and resolved":            with(entitiesFile, entity("Q1", "resolved"), entity(named, "resolved")),
		"no status":                     with(entitiesFile, entity("Q1", "")),
		"short local id":                with(entitiesFile, entity("Q1", "resolved"), entity("local:00", "unresolved")),
		"kind that nobody knows":        object(`{"kind":"html","value":"<b>"}`),
		"no value":                      object(`{"kind":"string"}`),
		"null":                          object(`{"kind":"string","value":null}`),
		"a number that is a text":       object(`{"kind":"quantity","value":{"amount":"1"}}`),
		"quantity of nothing":           object(`{"kind":"quantity","value":{}}`),
		"time of nothing":               object(`{"kind":"time","value":{"precision":"day"}}`),
		"half a place":                  object(`{"kind":"coord","value":{"lat":1}}`),
		"value with more than is shown": object(`{"kind":"monolingual_text","value":{"lang":"en","text":"x","note":"y"}}`),
		"item that is none":             object(`{"kind":"item","value":"P1"}`),
		"file that nobody knows":        with("data/more.jsonl", "{}"),
		"table in another form":         with("data/statements-00001.parquet", "{}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack := small()
			change(pack)
			failure := b.Refuse(t, New(b.Store), b.Request(records.Render, ``, inputs(t, b, pack, nil)...), gates.ContractViolation)
			require.True(t, failure.Final)
		})
	}
}

func TestManifestsBindThePack(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	refuse := func(code gates.Code, in ...records.Artifact) {
		t.Helper()
		b.Refuse(t, New(b.Store), b.Request(records.Render, ``, in...), code)
	}
	good := inputs(t, b, small(), nil)
	rendered(t, b, New(b.Store), good)
	refuse(gates.DependencyMissing, good[1:]...)
	refuse(gates.DependencyMissing, good[:len(good)-1]...)
	refuse(gates.ContractViolation, append([]records.Artifact{good[0]}, good[2:]...)...)
	refuse(gates.ContractViolation, append([]records.Artifact{good[1]}, good...)...)
	refuse(gates.ContractViolation, inputs(t, b, small(), func(m map[string]any) { m["files"] = m["files"].([]any)[1:] })...)
	refuse(gates.ContractViolation, inputs(t, b, small(), func(m map[string]any) { m["files"].([]any)[0].(map[string]any)["sha256"] = "0" })...)
	refuse(gates.ContractViolation, inputs(t, b, small(), func(m map[string]any) { m["exchange_ref"] = map[string]any{} })...)
	other := b.PutJSON(t, records.OutExchangeManifest, map[string]any{"kristal_id": "feed"})
	refuse(gates.ContractViolation, append([]records.Artifact{other}, good[1:]...)...)
	notOne := b.Put(t, records.OutExchangeManifest, "x")
	refuse(gates.ContractViolation, append([]records.Artifact{notOne}, good[1:]...)...)

	forged := append([]records.Artifact{}, good...)
	forged[0].Ref.Size++
	refuse(gates.DigestMismatch, forged...)
}

// Beyond the room for names things are shown by their ids, and the page is whole.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	in := inputs(t, b, page(), nil)
	few := &Stage{store: b.Store, names: 80}
	lines, traced := rendered(t, b, few, in)
	require.Len(t, traced, 7)
	require.Equal(t, `- **knows (P2)**: local\:`+named[6:], lines[11])
}

func TestCheckConfig(t *testing.T) {
	t.Parallel()
	for _, config := range []string{``, `{}`} {
		require.NoError(t, CheckConfig([]byte(config)))
	}
	for _, config := range []string{`{"title":"x"}`, `[]`, `{`} {
		reftest.RequireCode(t, CheckConfig([]byte(config)), gates.PinInvalid)
		b := reftest.NewInMemory(t)
		b.Refuse(t, New(b.Store), b.Request(records.Render, config), gates.PinInvalid)
	}
}

func TestItStopsWithItsContext(t *testing.T) {
	t.Parallel()
	b := reftest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := New(b.Store).Run(ctx, b.Request(records.Render, ``, compiled(t, b, 300)...), func(int64, int64) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
}

// FuzzEscape holds that no text is seen as markup, and that none of it is lost.
func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "a\nb", "<a href=x>", "](x)", "www.x", "\\[", "&amp;", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		shown := escape(text)
		require.NotContains(t, shown, "\n")
		require.NotContains(t, shown, "<")
		var plain strings.Builder
		for i := 0; i < len(shown); i++ {
			if shown[i] == '\\' {
				i++
				require.Less(t, i, len(shown))
				continue
			}
			plain.WriteByte(shown[i])
		}
		require.False(t, strings.ContainsAny(plain.String(), "\\`*_{}[]|~$^@:=!>"), shown)
		_, err := json.Marshal(shown)
		require.NoError(t, err)
	})
}
