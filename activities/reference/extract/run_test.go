package extract_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/reference/extract"
	"github.com/initkoa/orgo/activities/reference/ingest"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var mixed = []source{
	{"a/bad.csv", "name,x\nA,1\nB\n"},
	{"a/good.csv", "name,x\nA,1\n,\nB,2\n"},
	{"b/bad.json", `[{"name":"C","x":1},{"name":]`},
	{"b/bad.jsonl", "{\"name\":\"D\",\"x\":1}\nnot json\n"},
	{"c/bad.md", "---\nname: [\n---\n"},
	{"c/image.png", "\x89PNG"},
	{"c/props.json", `{"entities":{"P31":{"id":"P31","labels":{},"claims":{}}}}`},
	{"c/set.json", `{"generated":"today","count":1,"items":[{"name":"E","x":5}]}`},
}

// exclusions is the form of the attachment, as its readers see it.
type exclusions struct {
	Kind  string `json:"kind"`
	Files []struct {
		Path      string `json:"path"`
		Code      string `json:"code"`
		MediaType string `json:"media_type"`
		Row       int    `json:"row"`
		Line      int    `json:"line"`
		Column    int    `json:"column"`
		Error     string `json:"error"`
	} `json:"files"`
	Records []struct{ Path, Place, Reason string } `json:"records"`
	Unused  []string                               `json:"unused_mappings"`
	Counts  map[string]int64                       `json:"counts"`
}

func TestWhatIsLeftOutIsRecorded(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	result, err := run(t, bench, `{"on_parse_error":"exclude","mappings":[{"files":"none/*"}]}`, mixed...)
	require.NoError(t, err)

	// Not one claim of a file that does not parse, though its beginning does.
	output := string(bench.Read(t, reftest.Output(t, result, records.OutClaims).Ref))
	require.Equal(t, 3, strings.Count(output, "\n"))
	require.NotContains(t, output, "bad.")

	require.Equal(t, extract.AttachExclusions, result.Attachments[0].Name)
	var left exclusions
	require.NoError(t, json.Unmarshal(bench.Read(t, result.Attachments[0].Ref), &left))
	var files []string
	for _, f := range left.Files {
		require.NotEmpty(t, f.Error)
		files = append(files, fmt.Sprintf("%s %s %s %d %d %d", f.Path, f.Code, f.MediaType, f.Row, f.Line, f.Column))
	}
	require.Equal(t, []string{
		"a/bad.csv INPUT_UNPARSABLE text/csv 3 3 1",
		"b/bad.json INPUT_UNPARSABLE application/json 0 1 29",
		"b/bad.jsonl INPUT_UNPARSABLE application/jsonl 0 2 1",
		"c/bad.md INPUT_UNPARSABLE text/markdown 0 2 0",
		"c/image.png UNSUPPORTED_MEDIA_TYPE image/png 0 0 0",
	}, files)
	require.Equal(t, []struct{ Path, Place, Reason string }{
		{"a/good.csv", "#row=3", "no field names the subject"},
		{"c/props.json", "#/entities/P31", "entity P31 is not an item"},
	}, left.Records)
	require.Equal(t, []string{"none/*"}, left.Unused)
	require.Equal(t, map[string]int64{
		"files": 3, "documents": 3, "claims": 3, "files_unsupported": 1, "files_unparsable": 4,
		"records_left_out": 2, "values_outside_records": 2, "statements_outranked": 0,
	}, result.Metrics)
	require.Equal(t, result.Metrics, left.Counts)
	require.Equal(t, "left out: 4 files do not parse, 1 files are of no supported media type, 2 records are about nothing that can be named, "+
		"2 values stand outside of every record, 1 mappings match no file", result.Notes)

	// Without it, the first of them ends the stage.
	_, err = run(t, bench, `{}`, mixed...)
	require.ErrorContains(t, reftest.RequireCode(t, err, gates.InputUnparsable), "a/bad.csv at row 3")
}

func TestOnlyWhatDoesNotParseCanBeExcluded(t *testing.T) {
	t.Parallel()
	files := []source{{"a.csv", "name,x\nA," + strings.Repeat("x", 100) + "\n"}, {"b.csv", "name,x\nB,1\n"}}
	_, err := run(t, reftest.New(t), `{"on_parse_error":"exclude","limits":{"value_bytes":50}}`, files...)
	reftest.RequireCode(t, err, gates.InputTooLarge)
	_, err = run(t, reftest.New(t), `{"on_parse_error":"exclude","mappings":[{"files":"a.csv","fields":{"y":{}}}]}`, files...)
	reftest.RequireCode(t, err, gates.MappingInvalid)
}

func TestNothingLeftOutNeedsNoAttachment(t *testing.T) {
	t.Parallel()
	result, err := run(t, reftest.New(t), `{}`, source{"a.csv", "name,x\nA,1\n"})
	require.NoError(t, err)
	require.Empty(t, result.Attachments)
	require.Empty(t, result.Notes)
}

// A changed byte may make a file unparsable, or leave it parsable. Either way
// the stage must name the damage, not what it seems to read.
func TestChangedContentIsNeverParsed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file     source
		from, to string
	}{
		"csv, still parses":      {source{"a.csv", "name,x\nA,1\n"}, "A,1", "A,2"},
		"csv, no longer":         {source{"a.csv", "name,x\nA,1\nB,2\n"}, "A,1", "A11"},
		"csv, at the start":      {source{"a.csv", "name,x\nA,1\n" + strings.Repeat("B,2\n", 100_000)}, "A,1", "A11"},
		"json, still parses":     {source{"a.json", `[{"name":"A","x":1}]`}, `:1`, `:2`},
		"json, no longer":        {source{"a.json", `[{"name":"A","x":1}]`}, `:1`, `:}`},
		"jsonl, no longer":       {source{"a.jsonl", `{"name":"A","x":1}`}, `:1`, `:}`},
		"markdown, still parses": {source{"a.md", "# A\n\ntext\n"}, "text", "test"},
		"markdown, no longer":    {source{"a.md", "---\nname: A\n---\n"}, "A\n---", "A\n--x"},
	} {
		for _, config := range []string{`{}`, `{"on_parse_error":"exclude"}`} {
			t.Run(name+" "+config, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				store, err := artifacts.Open(t.Context(), "file://"+dir)
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, store.Close()) })
				bench := &reftest.Bench{Store: store}
				snapshot := take(t, bench, tc.file, source{"z.csv", "name,x\nZ,1\n"})
				tamper(t, dir, tc.file.content, strings.Replace(tc.file.content, tc.from, tc.to, 1))
				failure := bench.Refuse(t, extract.New(store), bench.Request(records.Extract, config, snapshot), gates.DigestMismatch)
				require.ErrorContains(t, failure, "is stored as")
			})
		}
	}
}

// tamper replaces the one object below dir that has the given content.
func tamper(t *testing.T, dir, content, changed string) {
	t.Helper()
	require.NotEqual(t, content, changed)
	done := false
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err == nil && string(data) == content {
			done = true
			return os.WriteFile(path, []byte(changed), 0o644)
		}
		return err
	}))
	require.True(t, done)
}

// still is a clock for ingest.
type still struct{}

func (still) Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// The same directory, made elsewhere and in another order, gives the same bytes.
func TestIngestAndExtractAreDeterministic(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/inputs/*")
	require.NoError(t, err)
	var first string
	for range 4 {
		dir := filepath.Join(t.TempDir(), "corpus")
		require.NoError(t, os.Mkdir(dir, 0o755))
		rand.Shuffle(len(inputs), func(i, j int) { inputs[i], inputs[j] = inputs[j], inputs[i] })
		for _, input := range inputs {
			content, err := os.ReadFile(input)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(input)), content, 0o644))
		}
		bench := reftest.New(t)
		ingested := bench.Run(t, ingest.New(bench.Store, still{}, ingest.Settings{}), runner.Request{
			Sources: []records.Input{{URI: (&url.URL{Scheme: "file", Path: dir}).String()}},
		})
		extracted := bench.Run(t, extract.New(bench.Store), bench.Request(records.Extract,
			`{"mappings":[{"files":"mapped.csv","delimiter":";"}]}`, ingested.Outputs...))
		content := string(bench.Read(t, reftest.Output(t, extracted, records.OutClaims).Ref))
		if first == "" {
			first = content
		}
		require.Equal(t, first, content)
	}
}

func TestFilesComeByPathAndIDsAreUnique(t *testing.T) {
	t.Parallel()
	row := "name,x,y\nA,1,1\nA,1,1\n"
	output := claims(t, `{}`, source{"a.csv", row}, source{"b.csv", row}, source{"c/a.jsonl", "{\"name\":\"A\",\"x\":[1,1],\"x.y\":1}\n"})
	var documents, ids []string
	for line := range strings.Lines(output) {
		var doc struct {
			Document struct {
				ID string `json:"doc_id"`
			} `json:"document"`
			Claims []struct {
				ID string `json:"claim_id"`
			} `json:"claims"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &doc))
		documents = append(documents, doc.Document.ID)
		for _, c := range doc.Claims {
			ids = append(ids, c.ID)
		}
	}
	require.Equal(t, []string{"a.csv#row=2", "a.csv#row=3", "b.csv#row=2", "b.csv#row=3", "c/a.jsonl#line=1"}, documents)
	require.Len(t, ids, 2*4+2) // the twice said x of the line is one claim
	slices.Sort(ids)
	require.Len(t, slices.Compact(ids), 2*4+2)
}

func TestExtractStopsWithItsContext(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	input := take(t, bench, source{"a.csv", table(50_000)})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := extract.New(bench.Store).Run(ctx, bench.Request(records.Extract, `{}`, input), func(done, _ int64) {
		if done > 0 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestProgressIsInBytesAndReachesTheTotal(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	files := append([]source{{"a.csv", table(1000)}, {"b.json", `[{"name":"A"}]`}}, mixed[4:]...)
	var total, last int64
	for _, f := range files {
		total += int64(len(f.content))
	}
	req := bench.Request(records.Extract, `{"on_parse_error":"exclude"}`, take(t, bench, files...))
	_, err := extract.New(bench.Store).Run(t.Context(), req, func(done, all int64) {
		require.GreaterOrEqual(t, done, last)
		require.Equal(t, total, all)
		last = done
	})
	require.NoError(t, err)
	require.Equal(t, total, last)
}

// The heap in use while a table is read does not grow with the table.
func TestMemoryDoesNotGrowWithTheTable(t *testing.T) {
	bench := reftest.New(t)
	small, large := peak(t, bench, 5_000), peak(t, bench, 60_000)
	require.Less(t, large, small+(32<<20), "peak heap of a small table is %d bytes, of a large one %d", small, large)
}

func peak(t *testing.T, bench *reftest.Bench, rows int) uint64 {
	t.Helper()
	input := take(t, bench, source{"a.csv", table(rows)})
	runtime.GC()
	var highest uint64
	_, err := extract.New(bench.Store).Run(t.Context(), bench.Request(records.Extract, `{}`, input), func(int64, int64) {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		highest = max(highest, stats.HeapInuse)
	})
	require.NoError(t, err)
	return highest
}

// Names of fields may be as many as there are records.
func TestManyNames(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "{\"name\":\"A\",\"k%d\":1}\n", i)
	}
	require.Equal(t, 20_000, strings.Count(claims(t, `{}`, source{"a.jsonl", text.String()}), "\n"))
}
