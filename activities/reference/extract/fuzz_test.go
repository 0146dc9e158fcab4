package extract_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/extract"
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
	bench := reftest.New(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<16 {
			t.Skip("large inputs make fuzzing slow and nothing else")
		}
		input := take(t, bench, source{path, string(content)})
		extractOnce := func() (string, error) {
			result, err := extract.New(bench.Store).Run(context.Background(), bench.Request(records.Extract, `{}`, input), reftest.Silent)
			if err != nil {
				return "", err
			}
			return string(bench.Read(t, reftest.Output(t, result, records.OutClaims).Ref)), nil
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
