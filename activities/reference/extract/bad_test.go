package extract_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/extract"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// badInput is a file that cannot be extracted: the code, the place as in the
// failure's details, and a part of the error.
type badInput struct {
	path, content, config string
	code                  gates.Code
	place                 string
	says                  string
}

func (b badInput) check(t *testing.T) {
	t.Helper()
	bench := reftest.New(t)
	_, err := run(t, bench, b.config, source{b.path, b.content})
	failure := reftest.RequireCode(t, err, b.code)
	require.True(t, failure.Final)
	require.ErrorContains(t, err, "file "+b.path+" at ")
	var details map[string]any
	require.NoError(t, json.Unmarshal(failure.Details, &details))
	require.Contains(t, details["error"], b.says)
	require.Equal(t, b.path, details["path"])
	delete(details, "error")
	delete(details, "path")
	place, err := json.Marshal(details)
	require.NoError(t, err)
	require.JSONEq(t, b.place, string(place), failure.Error())
}

func checkAll(t *testing.T, all map[string]badInput) {
	t.Helper()
	for name, bad := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad.check(t)
		})
	}
}

const (
	unparsable = gates.InputUnparsable
	tooLarge   = gates.InputTooLarge
	misfit     = gates.MappingInvalid
)

func mapped(mapping string) string { return `{"mappings":[{"files":"*",` + mapping + `}]}` }

func TestBadTables(t *testing.T) {
	t.Parallel()
	checkAll(t, map[string]badInput{
		"row too short":          {"a.csv", "a,b\n1,2\n3\n", "", unparsable, `{"row":3,"line":3,"column":1}`, "the row has 1 cells, the header 2"},
		"row too long":           {"a.csv", "a,b\n\n1,2,3\n", "", unparsable, `{"row":2,"line":3,"column":1}`, "the row has 3 cells, the header 2"},
		"bare quote":             {"a.csv", "a,b\n1,x\"y\n", "", unparsable, `{"row":2,"line":2,"column":4}`, `bare "`},
		"quote not doubled":      {"a.csv", "a,b\n1,\"x\"y\"\n", "", unparsable, `{"row":2,"line":2,"column":5}`, "extraneous"},
		"quote not closed":       {"a.csv", "a,b\n1,2\n3,\"x\ny\n", "", unparsable, `{"row":3,"line":4,"column":3}`, "extraneous"},
		"cell not UTF-8":         {"a.csv", "a,b\n1,\"x\n\"\n2,\xff\n", "", unparsable, `{"row":3,"line":4,"column":3}`, "not UTF-8"},
		"name not UTF-8":         {"a.csv", "a,\xffb\n", "", unparsable, `{"row":1,"line":1,"column":3}`, "not UTF-8"},
		"UTF-16":                 {"a.csv", "\xff\xfea\x00,\x00b\x00\n\x00", "", unparsable, `{"row":1,"line":1,"column":1}`, "not UTF-8"},
		"tab table":              {"a.tsv", "a\tb\n1\n", "", unparsable, `{"row":2,"line":2,"column":1}`, "the row has 1 cells"},
		"row too large":          {"a.csv", "a\n1\n" + strings.Repeat("x", 200) + "\n", `{"limits":{"record_bytes":100}}`, tooLarge, `{"row":3}`, "record_bytes"},
		"endless quote":          {"a.csv", "a\n1\n\"" + strings.Repeat("x\n", 200_000), `{"limits":{"record_bytes":100}}`, tooLarge, `{"row":3}`, "a quote that is not closed"},
		"cell too large":         {"a.csv", "a,b\n1," + strings.Repeat("x", 200) + "\n", `{"limits":{"value_bytes":100}}`, tooLarge, `{"row":2,"line":2,"column":3}`, "value_bytes"},
		"too many columns":       {"a.csv", "a,b,c\n", `{"limits":{"fields":2}}`, tooLarge, `{"row":1,"line":1}`, "3 columns"},
		"mapped column missing":  {"a.csv", "a,b\n1,2\n", mapped(`"fields":{"c":{}}`), misfit, `{"row":1,"line":1}`, `a field "c"`},
		"subject column missing": {"a.csv", "a,b\n1,2\n", mapped(`"subject":"{a} {x}"`), misfit, `{"row":1,"line":1}`, `a field "x"`},
		"not a quantity":         {"a.csv", "a,b\n1,2\n2,tall\n", mapped(`"fields":{"b":{"kind":"quantity"}}`), misfit, `{"row":3,"line":3}`, `field "b" is mapped to kind quantity: "tall"`},
		"not an exact quantity":  {"a.csv", "a,b\n2,9007199254740993\n", mapped(`"fields":{"b":{"kind":"quantity"}}`), misfit, `{"row":2,"line":2}`, "exactly"},
		"not a time":             {"a.csv", "a,b\n1,2001-02-29\n", mapped(`"fields":{"b":{"kind":"time"}}`), misfit, `{"row":2,"line":2}`, "2001-02-29"},
		"not a URI":              {"a.csv", "a,b\n1,no uri\n", mapped(`"fields":{"b":{"kind":"url"}}`), misfit, `{"row":2,"line":2}`, "no uri"},
		"not on the globe":       {"a.csv", "a,b\n1,\"91,0\"\n", mapped(`"fields":{"b":{"kind":"coord"}}`), misfit, `{"row":2,"line":2}`, "91,0"},
		"records in a table":     {"a.csv", "a\n", mapped(`"records":""`), misfit, `{}`, "read as csv"},
		"delimiter of an object": {"a.json", "{}", mapped(`"delimiter":";"`), misfit, `{}`, "read as json"},
		"not a Q-id":             {"a.csv", "a,b\n1,17\n", mapped(`"subject_qid":"b"`), misfit, `{"row":2,"line":2}`, `"17"`},
	})
}

func TestBadJSON(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":[`, 4) + `1` + strings.Repeat(`]}`, 4)
	checkAll(t, map[string]badInput{
		"nothing":                    {"a.json", "", "", unparsable, `{"line":1,"column":1}`, "no value"},
		"white space":                {"a.json", " \n", "", unparsable, `{"line":1,"column":1}`, "no value"},
		"not JSON":                   {"a.json", "hello", "", unparsable, `{"line":1,"column":1}`, "invalid character"},
		"broken inside":              {"a.json", "{\"a\": [\n  {\"b\": 1},\n  {\"b\": x}\n]}", "", unparsable, `{"offset":28,"line":3,"column":9,"pointer":"/a/1/b"}`, "invalid character"},
		"cut off":                    {"a.json", "[{\"a\": 1},\n", "", unparsable, `{"offset":11,"line":2,"column":1}`, "EOF"},
		"name twice":                 {"a.json", "[{\"a\": 1,\n\"a\": 2}]", "", unparsable, `{"offset":10,"line":2,"column":1,"pointer":"/0/a"}`, "duplicate"},
		"not UTF-8":                  {"a.json", "[{\"a\": \"\xff\"}]", "", unparsable, `{"offset":8,"line":1,"column":9,"pointer":"/0/a"}`, "UTF-8"},
		"behind a mark":              {"a.json", "\ufeff{\"a\": x}", "", unparsable, `{"offset":9,"line":1,"column":10,"pointer":"/a"}`, "invalid character"},
		"two values":                 {"a.json", "{\"a\":1}\n{\"a\":2}\n", "", unparsable, `{"offset":8,"line":2,"column":1}`, "name it .jsonl"},
		"garbage at the end":         {"a.json", "{\"a\":1}\n}", "", unparsable, `{"offset":8,"line":2,"column":1}`, "invalid character"},
		"late error makes no claims": {"a.json", "[{\"name\":\"a\",\"b\":1},\n]", "", unparsable, `{"offset":19,"line":1,"column":20}`, "invalid character"},
		"too deep":                   {"a.json", deep, `{"limits":{"depth":5}}`, tooLarge, `{"pointer":"/a/0/a/0/a"}`, "depth"},
		"string too large":           {"a.json", `{"a":["` + strings.Repeat("x", 101) + `"]}`, `{"limits":{"value_bytes":100}}`, tooLarge, `{"pointer":"/a/0"}`, "value_bytes"},
		"record too large":           {"a.json", `{"a":[{"b":1},{"c":"` + strings.Repeat("x", 101) + `"}]}`, `{"limits":{"record_bytes":100}}`, tooLarge, `{"pointer":"/a/1"}`, "record_bytes"},
		"huge record":                {"a.json", `[{"b":[` + strings.Repeat("1,", 200_000) + `1]}]`, `{"limits":{"record_bytes":100}}`, tooLarge, `{"pointer":"/0"}`, "record_bytes"},
		"huge string":                {"a.json", `["` + strings.Repeat("x", 400_000) + `"]`, `{"limits":{"record_bytes":100}}`, tooLarge, `{"offset":1,"line":1,"column":2}`, "record_bytes"},
		"too many fields":            {"a.json", `[{"a":[1,2,3]}]`, `{"limits":{"fields":2}}`, tooLarge, `{"pointer":"/0"}`, "3 fields"},
		"records not there":          {"a.json", `{"a":{"c":[]}}`, mapped(`"records":"/a/b"`), misfit, `{"pointer":"/a"}`, `no member "b"`},
		"item not there":             {"a.json", `{"a":[1]}`, mapped(`"records":"/a/1"`), misfit, `{"pointer":"/a"}`, `no item "1"`},
		"records in a text":          {"a.json", `{"a":"b"}`, mapped(`"records":"/a/1"`), misfit, `{"pointer":"/a"}`, "neither an object nor an array"},
		"records not objects":        {"a.json", `{"a":[{"name":"x"},7]}`, mapped(`"records":"/a"`), misfit, `{"pointer":"/a/1"}`, "not an object"},
		"value does not fit":         {"a.json", `{"a":[{"name":"x","b":"tall"}]}`, mapped(`"records":"/a","fields":{"b":{"kind":"quantity"}}`), misfit, `{"pointer":"/a/0"}`, "tall"},
	})
}

func TestBadLines(t *testing.T) {
	t.Parallel()
	checkAll(t, map[string]badInput{
		"not an object": {"a.jsonl", "{\"a\":1}\n\n[1]\n", "", unparsable, `{"offset":9,"line":3,"column":1}`, "not a JSON object"},
		"broken":        {"a.jsonl", "{\"a\":1}\n  {\"a\":tru}\n", "", unparsable, `{"offset":18,"line":2,"column":11,"pointer":"/a"}`, "invalid"},
		"cut off":       {"a.jsonl", "{\"a\":1}\n{\"a\":", "", unparsable, `{"offset":13,"line":2,"column":6,"pointer":"/a"}`, "EOF"},
		"two values":    {"a.jsonl", "{\"a\":1} {\"a\":2}\n", "", unparsable, `{"offset":7,"line":1,"column":8}`, "something follows"},
		"too long":      {"a.jsonl", "{\"a\":1}\n{\"a\":\"" + strings.Repeat("x", 100) + "\"}", `{"limits":{"record_bytes":100}}`, tooLarge, `{"line":2}`, "record_bytes"},
		"much too long": {"a.jsonl", "{\"a\":1}\n{\"a\":\"" + strings.Repeat("x", 1_000_000) + "\"}", `{"limits":{"record_bytes":100}}`, tooLarge, `{"line":2}`, "record_bytes"},
		"too deep":      {"a.jsonl", "{\"a\":1}\n{\"a\":{\"b\":{}}}", `{"limits":{"depth":2}}`, tooLarge, `{"line":2,"pointer":"/a/b"}`, "depth"},
	})
}

func TestBadMarkdown(t *testing.T) {
	t.Parallel()
	checkAll(t, map[string]badInput{
		"front matter not closed": {"a.md", "---\na: 1\n# Title\n", "", unparsable, `{"line":1}`, "no end"},
		"TOML":                    {"a.md", "+++\na = 1\n+++\n", "", unparsable, `{"line":1}`, "TOML"},
		"broken YAML":             {"a.md", "---\na: [1\n---\n", "", unparsable, `{"line":2}`, "yaml"},
		"a list":                  {"a.md", "---\n- 1\n---\n", "", unparsable, `{"line":2}`, "not a mapping"},
		"aliases":                 {"a.md", "---\na: &x 1\nb: *x\n---\n", "", unparsable, `{"line":3,"column":4}`, "aliases"},
		"merged mapping":          {"a.md", "---\na: &x {b: 1}\n<<: *x\n---\n", "", unparsable, `{"line":3,"column":1}`, "not a plain text"},
		"name twice":              {"a.md", "---\na: 1\na: 2\n---\n", "", unparsable, `{"line":3,"column":1}`, "twice"},
		"name is a list":          {"a.md", "---\n? [a]\n: 1\n---\n", "", unparsable, `{"line":2,"column":3}`, "not a plain text"},
		"own tag":                 {"a.md", "---\na: !mine 1\n---\n", "", unparsable, `{"line":2,"column":4}`, "!mine"},
		"not UTF-8":               {"a.md", "---\na: 1\n---\n\xff\n", "", unparsable, `{"line":4}`, "not UTF-8"},
		"too deep":                {"a.md", "---\na: {b: {c: 1}}\n---\n", `{"limits":{"depth":2}}`, tooLarge, `{"line":2,"column":8}`, "depth"},
		"front matter too large":  {"a.md", "---\n" + strings.Repeat("# c\n", 50) + "---\n", `{"limits":{"record_bytes":100}}`, tooLarge, `{"line":27}`, "record_bytes"},
		"value too large":         {"a.md", "---\na: " + strings.Repeat("x", 101) + "\n---\n", `{"limits":{"value_bytes":100}}`, tooLarge, `{"line":1}`, "value_bytes"},
	})
}

func TestBadEntities(t *testing.T) {
	t.Parallel()
	entity := func(claims string) string { return `{"id":"Q1","labels":{},"claims":` + claims + `}` }
	snak := func(snak string) string { return entity(`{"P1":[{"rank":"normal","mainsnak":` + snak + `}]}`) }
	value := func(kind, value string) string {
		return snak(fmt.Sprintf(`{"snaktype":"value","datavalue":{"type":%q,"value":%s}}`, kind, value))
	}
	mainsnak := `{"pointer":"/claims/P1/0/mainsnak"}`
	checkAll(t, map[string]badInput{
		"not a property":    {"a.json", entity(`{"X1":[]}`), "", unparsable, `{"pointer":"/claims/X1"}`, "not a property"},
		"not a list":        {"a.json", entity(`{"P1":{}}`), "", unparsable, `{"pointer":"/claims/P1"}`, "list of statements"},
		"no rank":           {"a.json", entity(`{"P1":[{}]}`), "", unparsable, `{"pointer":"/claims/P1/0"}`, "rank"},
		"no main snak":      {"a.json", entity(`{"P1":[{"rank":"normal"}]}`), "", unparsable, mainsnak, "snak's type"},
		"unknown snak type": {"a.json", snak(`{"snaktype":"maybe"}`), "", unparsable, mainsnak, "maybe"},
		"no entity":         {"a.json", value("wikibase-entityid", `{}`), "", unparsable, mainsnak, "no entity id"},
		"no string":         {"a.json", value("string", `{}`), "", unparsable, mainsnak, "not a string"},
		"no amount":         {"a.json", value("quantity", `{}`), "", unparsable, mainsnak, "no amount"},
		"no time":           {"a.json", value("time", `{"time":"+2001-01-01T00:00:00Z"}`), "", unparsable, mainsnak, "no precision"},
		"no longitude":      {"a.json", value("globecoordinate", `{"latitude":1}`), "", unparsable, mainsnak, "longitude"},
		"no text":           {"a.json", value("monolingualtext", `{"language":"en"}`), "", unparsable, mainsnak, "no text"},
		"qualifier no list": {"a.json", entity(`{"P1":[{"rank":"normal","mainsnak":{"snaktype":"value","datavalue":{"type":"string","value":"x"}},"qualifiers":{"P2":1}}]}`),
			"", unparsable, `{"pointer":"/claims/P1/0/qualifiers/P2"}`, "qualifier"},
		"in a line": {"a.jsonl", "\n" + entity(`{"P1":[{}]}`), "", unparsable, `{"line":2,"pointer":"/claims/P1/0"}`, "rank"},
	})
}

func TestNothingToExtract(t *testing.T) {
	t.Parallel()
	for name, files := range map[string][]source{
		"no files":     nil,
		"no format":    {{"a.png", "x"}, {"b", "y"}},
		"header only":  {{"a.csv", "a,b\n"}},
		"empty table":  {{"a.csv", ""}},
		"only scalars": {{"a.json", "[1,2]"}, {"b.json", "null"}},
		"no lines":     {{"a.jsonl", "\n\n"}},
		"no subject":   {{"a.json", "[{}]"}, {"b.csv", "a,b\n,\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := run(t, reftest.New(t), "", files...)
			reftest.RequireCode(t, err, gates.InputEmpty)
		})
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	require.NoError(t, extract.CheckConfig(nil))
	require.NoError(t, extract.CheckConfig(json.RawMessage(`{"on_parse_error":"exclude","limits":{"depth":10},"mappings":[
		{"files":"a/**/*.csv","format":"csv","delimiter":"\t","records":"","subject":"x","subject_qid":"q","fields":{"a":{"pid":"P1"}},"ignore":["b"]}]}`)))
	for config, pointer := range map[string]string{
		`{"on_parse_error":"skip"}`:                                 "/on_parse_error",
		`{"unknown":1}`:                                             "/unknown",
		`{"limits":{"depth":0}}`:                                    "/limits/depth",
		`{"limits":{"record_bytes":-1}}`:                            "/limits/record_bytes",
		`{"limits":{"fields":1e9}}`:                                 "/limits/fields",
		`{"mappings":[{}]}`:                                         "/mappings/0/files",
		`{"mappings":[{"files":"*"},{"files":"["}]}`:                "/mappings/1/files",
		mapped(`"format":"xml"`):                                    "/mappings/0/format",
		mapped(`"delimiter":",,"`):                                  "/mappings/0/delimiter",
		mapped(`"delimiter":"\""`):                                  "/mappings/0/delimiter",
		mapped(`"records":"a"`):                                     "/mappings/0/records",
		mapped(`"records":"/a~2"`):                                  "/mappings/0/records",
		mapped(`"subject":"{a"`):                                    "/mappings/0/subject",
		mapped(`"subject":"a}"`):                                    "/mappings/0/subject",
		mapped(`"subject":"{}"`):                                    "/mappings/0/subject",
		mapped(`"subject":"{a{b}"`):                                 "/mappings/0/subject",
		mapped(`"fields":{"a/b":{"pid":"Q1"}}`):                     "/mappings/0/fields/a~1b/pid",
		mapped(`"fields":{"a":{"kind":"number"}}`):                  "/mappings/0/fields/a/kind",
		mapped(`"fields":{"a":{"lang":"english"}}`):                 "/mappings/0/fields/a/lang",
		mapped(`"fields":{"a":{"lang":"en"}}`):                      "/mappings/0/fields/a/lang",
		mapped(`"fields":{"a":{"kind":"monolingual_text"}}`):        "/mappings/0/fields/a/lang",
		mapped(`"fields":{"a":{"kind":"quantity","unit_qid":"m"}}`): "/mappings/0/fields/a/unit_qid",
		mapped(`"fields":{"a":{"kind":"string","unit_qid":"Q1"}}`):  "/mappings/0/fields/a/unit_qid",
		mapped(`"fields":{"a":{"predicate":" a"}}`):                 "/mappings/0/fields/a/predicate",
		mapped(`"fields":{"a":{"typo":"x"}}`):                       "/mappings/0/fields/a/typo",
		mapped(`"fields":{"a":{}},"ignore":["a"]`):                  "/mappings/0/ignore/0",
	} {
		failure := reftest.RequireCode(t, extract.CheckConfig(json.RawMessage(config)), gates.PinInvalid)
		require.JSONEq(t, fmt.Sprintf(`{"stage":"extract","pointer":%q}`, pointer), string(failure.Details), config)
	}
}

func TestSnapshotIsNeeded(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	runner := extract.New(bench.Store)
	bench.Refuse(t, runner, bench.Request(records.Extract, "{}"), gates.DependencyMissing)
	bench.Refuse(t, runner, bench.Request(records.Extract, "{}", bench.PutJSON(t, records.OutSnapshot, 7)), gates.ContractViolation)
	missing := records.Artifact{Name: records.OutSnapshot, Ref: records.Ref{Digest: records.DigestOf([]byte("x"))}}
	bench.Refuse(t, runner, bench.Request(records.Extract, "{}", missing), gates.ArtifactMissing)
}
