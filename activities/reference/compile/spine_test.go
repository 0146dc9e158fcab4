package compile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/compile"
	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/reference/resolve"
	"github.com/initkoa/orgo/activities/reference/validate"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

var update = flag.Bool("update", false, "write the golden files anew")

// spine is what resolve, validate and compile made of some claims.
type spine struct {
	resolved, report records.Artifact
	compiled         runner.Result
}

// configs are the configs of the three stages.
type configs struct{ resolve, validate, compile string }

func run(t testing.TB, bench *reftest.Bench, in reftest.Inputs, c configs) spine {
	t.Helper()
	var made spine
	result := bench.Run(t, resolve.New(bench.Store), bench.Request(records.Resolve, c.resolve, in.Snapshot, in.Claims))
	made.resolved = reftest.Output(t, result, records.OutResolved)
	result = bench.Run(t, validate.New(bench.Store), bench.Request(records.Validate, c.validate, in.Snapshot, made.resolved))
	made.report = reftest.Output(t, result, records.OutReport)
	made.compiled = bench.Run(t, compile.New(bench.Store), bench.Request(records.Compile, c.compile, in.Snapshot, made.resolved, made.report))
	return made
}

// golden returns the small corpus under testdata, stored.
func golden(t testing.TB, bench *reftest.Bench) (reftest.Inputs, configs) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("testdata", "golden", name))
		require.NoError(t, err)
		return string(text)
	}
	index, err := records.Canonical(bench.Put(t, "index", read("index.jsonl")).Ref)
	require.NoError(t, err)
	return reftest.Inputs{
		Snapshot: bench.Put(t, records.OutSnapshot, read("snapshot.json")),
		Claims:   bench.Put(t, records.OutClaims, read("claims.jsonl")),
	}, configs{resolve: fmt.Sprintf(`{"index":%s}`, index), validate: fmt.Sprintf(`{"index":%s}`, index)}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	in, c := golden(t, bench)
	made := run(t, bench, in, c)
	outputs := append([]records.Artifact{made.resolved, made.report}, made.compiled.Outputs...)
	for _, output := range outputs {
		name := strings.ReplaceAll(output.Name+"/"+output.Path, "/", "_")
		path := filepath.Join("testdata", "golden", "out_"+strings.Trim(name, "_"))
		content := bench.Read(t, output.Ref)
		if *update {
			require.NoError(t, os.WriteFile(path, content, 0o644))
			continue
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err, "run the test with -update to write golden files")
		require.True(t, bytes.Equal(want, content), "%s differs from what the stages make now; if that is meant, run the test with -update and look at the diff", path)
	}
}

func TestOutputsSatisfyTheSchemas(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	in, c := golden(t, bench)
	for _, line := range bench.Lines(t, in.Claims.Ref) {
		reftest.SchemaOf(t, records.RoleClaimIR).Require(t, []byte(line))
	}
	made := run(t, bench, in, c)
	for _, line := range bench.Lines(t, made.resolved.Ref) {
		reftest.SchemaOf(t, records.RoleResolvedClaimIR).Require(t, []byte(line))
	}
	reftest.SchemaOf(t, records.RoleValidationReport).Require(t, bench.Read(t, made.report.Ref))
	for name, role := range map[string]string{
		records.OutExchangeManifest:    records.RoleExchangeManifest,
		records.OutRuntimePackManifest: records.RoleRuntimePackManifest,
	} {
		reftest.SchemaOf(t, role).Require(t, bench.Read(t, reftest.Output(t, made.compiled, name).Ref))
	}
}

// digests is everything that the golden corpus comes to.
func digests(t testing.TB) string {
	t.Helper()
	bench := reftest.New(t)
	in, c := golden(t, bench)
	made := run(t, bench, in, c)
	var list strings.Builder
	for _, output := range append([]records.Artifact{made.resolved, made.report}, made.compiled.Outputs...) {
		fmt.Fprintf(&list, "%s %s %s\n", output.Name, output.Path, output.Ref.Digest)
	}
	synthetic := run(t, bench, bench.Synthetic(t, 300), configs{})
	fmt.Fprintln(&list, reftest.Output(t, synthetic.compiled, records.OutRuntimePackManifest).Ref.Digest)
	return list.String()
}

const childVariable = "ORGO_TEST_PRINT_DIGESTS"

// Another process, another directory, another number of processors: the same
// bytes.
func TestSameBytesInAnotherProcess(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		fmt.Print("<digests>", digests(t), "</digests>")
		return
	}
	t.Parallel()
	here := digests(t)
	for _, processors := range []string{"1", "2"} {
		child := exec.Command(os.Args[0], "-test.run=^TestSameBytesInAnotherProcess$")
		child.Env = append(os.Environ(), childVariable+"=1", "GOMAXPROCS="+processors)
		output, err := child.CombinedOutput()
		require.NoError(t, err, string(output))
		_, rest, _ := strings.Cut(string(output), "<digests>")
		there, _, found := strings.Cut(rest, "</digests>")
		require.True(t, found, string(output))
		require.Equal(t, here, there)
	}
}

// The order of the documents says nothing, so it changes nothing.
func TestOrderOfDocumentsDoesNotMatter(t *testing.T) {
	t.Parallel()
	bench := reftest.NewInMemory(t)
	in, c := golden(t, bench)
	want := reftest.Output(t, run(t, bench, in, c).compiled, records.OutExchange).Ref.Digest
	docs := bench.Lines(t, in.Claims.Ref)
	rapid.Check(t, func(rt *rapid.T) {
		shuffled := rapid.Permutation(docs).Draw(rt, "order")
		in := reftest.Inputs{Snapshot: in.Snapshot, Claims: bench.Put(t, records.OutClaims, strings.Join(shuffled, "\n")+"\n")}
		require.Equal(rt, want, reftest.Output(t, run(t, bench, in, c).compiled, records.OutExchange).Ref.Digest)
	})
}

// A claim that is read twice, from the same place, is one claim.
func TestRepeatedDocumentsChangeNothing(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	in, c := golden(t, bench)
	want := reftest.Output(t, run(t, bench, in, c).compiled, records.OutExchange).Ref.Digest
	text := string(bench.Read(t, in.Claims.Ref))
	in.Claims = bench.Put(t, records.OutClaims, text+text)
	require.Equal(t, want, reftest.Output(t, run(t, bench, in, c).compiled, records.OutExchange).Ref.Digest)
}

// The golden corpus has an ambiguous name: from the index to the Exchange, no
// stage picks one of its candidates.
func TestAmbiguityIsKeptToTheEnd(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	in, c := golden(t, bench)
	made := run(t, bench, in, c)
	var exchange struct {
		Entities []struct {
			ID         string            `json:"id"`
			Status     string            `json:"status"`
			Candidates []claim.Candidate `json:"candidates"`
		} `json:"entities"`
	}
	require.NoError(t, json.Unmarshal(bench.Read(t, reftest.Output(t, made.compiled, records.OutExchange).Ref), &exchange))
	ambiguous := 0
	for _, entity := range exchange.Entities {
		if entity.Status != claim.StatusAmbiguous {
			continue
		}
		ambiguous++
		require.True(t, strings.HasPrefix(entity.ID, "local:"))
		require.Len(t, entity.Candidates, 2)
	}
	require.Equal(t, 2, ambiguous, "one for each document that has the name")
	require.Contains(t, string(bench.Read(t, made.report.Ref)), "ENTITY_AMBIGUOUS")
}

// BenchmarkStages runs the three stages over synthetic rows and says how many
// documents a second each does, and the most memory that the process had. For
// a million:
//
//	go test ./activities/reference/compile -run '^$' -bench Stages/1000000 -benchtime 1x -timeout 1h
func BenchmarkStages(b *testing.B) {
	for _, documents := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(documents), func(b *testing.B) {
			bench := reftest.New(b)
			in := bench.Synthetic(b, documents)
			stage := func(name string, r runner.Runner, req runner.Request) runner.Result {
				before := b.Elapsed()
				result := bench.Run(b, r, req)
				b.ReportMetric(float64(documents)/(b.Elapsed()-before).Seconds(), name+"-docs/s")
				return result
			}
			b.ResetTimer()
			for range b.N {
				resolved := reftest.Output(b, stage("resolve", resolve.New(bench.Store), bench.Request(records.Resolve, ``, in.Snapshot, in.Claims)), records.OutResolved)
				report := reftest.Output(b, stage("validate", validate.New(bench.Store), bench.Request(records.Validate, ``, in.Snapshot, resolved)), records.OutReport)
				stage("compile", compile.New(bench.Store), bench.Request(records.Compile, ``, in.Snapshot, resolved, report))
			}
			b.ReportMetric(peakMegabytes(b), "peak-MB")
		})
	}
}

// peakMegabytes returns the largest resident set that the process had, where the
// system tells it.
func peakMegabytes(b *testing.B) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Logf("peak memory is not known: %v", err)
		return 0
	}
	var kilobytes float64
	for line := range bytes.Lines(status) {
		if _, err := fmt.Sscanf(string(line), "VmHWM: %f kB", &kilobytes); err == nil {
			break
		}
	}
	return kilobytes / 1024
}
