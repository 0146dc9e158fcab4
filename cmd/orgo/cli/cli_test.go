package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/records"
)

// What the environment of whoever runs the tests says must not count.
func TestMain(m *testing.M) {
	for _, variable := range []string{"ORGO_URL", "ORGO_TOKEN", "ORGO_DATA", "ORGO_OUTPUT", "ORGO_CONFIG"} {
		os.Unsetenv(variable)
	}
	empty, err := os.MkdirTemp("", "orgo-cli-test")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_CONFIG_HOME", empty)
	os.Setenv("HOME", empty)
	code := m.Run()
	os.RemoveAll(empty)
	os.Exit(code)
}

// buffer may be read while a command writes to it.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// bench is a server and a data directory that leads to it.
type bench struct {
	*apitest.Stack
	data string
}

func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{Stack: apitest.New(t), data: t.TempDir()}
	require.NoError(t, client.SaveDirectory(b.data, client.Options{URL: b.URL, Token: apitest.TokenAlice}))
	return b
}

// result is what a command did.
type result struct {
	code     int
	out, err string
}

// run runs the real command tree.
func run(ctx context.Context, args ...string) result {
	var out, err buffer
	code := cli.Run(ctx, args, cli.Streams{Out: &out, Err: &err})
	return result{code, out.String(), err.String()}
}

// orgo runs a command against the bench.
func (b *bench) orgo(t *testing.T, args ...string) result {
	t.Helper()
	return run(t.Context(), append(args, "--data", b.data)...)
}

// must runs a command that has to succeed, with JSON output.
func (b *bench) must(t *testing.T, into any, args ...string) {
	t.Helper()
	r := b.orgo(t, append(args, "-o", "json")...)
	require.Zero(t, r.code, "%s%s", r.out, r.err)
	require.NoError(t, json.Unmarshal([]byte(r.out), into), r.out)
}

// start starts a build of the given outcome.
func (b *bench) start(t *testing.T, outcome apitest.Outcome) records.BuildView {
	t.Helper()
	b.Builds.Next(outcome)
	var view records.BuildView
	b.must(t, &view, "build", "start", "--input", "/data")
	return view
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestBadUsage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	broken := write(t, dir, "broken.yaml", "a: 1\na: 2\n")
	list := write(t, dir, "list.yaml", "- 1\n")
	dangling := write(t, dir, "dangling.yaml", "stages:\n  resolve:\n    config: {index: {path: nowhere.jsonl}}\n")
	settings := write(t, dir, "settings.yaml", "uri: http://host\n")
	write(t, dir, "schemas/a.schema.json", `{"type": "object", "type": "array"}`)

	for name, tc := range map[string]struct {
		args    []string
		message string
	}{
		"unknown command":       {[]string{"deploy"}, `no command "deploy"`},
		"unknown command below": {[]string{"build", "deploy"}, `no command "deploy"`},
		"unknown flag":          {[]string{"build", "list", "--frobnicate"}, "unknown flag: --frobnicate"},
		"unknown flag of start": {[]string{"build", "start", "--input", "x", "--skip-validation"}, "unknown flag: --skip-validation"},
		"flag of another type":  {[]string{"build", "list", "--limit", "all"}, "invalid argument"},
		"no input":              {[]string{"build", "start"}, "--input PATH"},
		"empty input":           {[]string{"build", "start", "--input", ""}, "input is empty"},
		"no id":                 {[]string{"build", "get"}, "the id of one build"},
		"two ids":               {[]string{"build", "get", "a", "b"}, "the id of one build"},
		"list with argument":    {[]string{"build", "list", "a"}, "no argument"},
		"unknown output":        {[]string{"build", "list", "-o", "xml"}, "table, json or yaml"},
		"unknown record format": {[]string{"build", "record", "a", "--format", "pdf"}, "json or koa"},
		"stop without reason":   {[]string{"build", "stop", "a"}, "--reason"},
		"retry without stage":   {[]string{"build", "retry", "a", "--reason", "r"}, "--stage"},
		"retry of no stage":     {[]string{"build", "retry", "a", "--reason", "r", "--stage", "activate"}, "ingest, extract"},
		"no pipeline file":      {[]string{"build", "start", "--input", "x", "--pipeline", dir + "/none.yaml"}, "none.yaml"},
		"broken pipeline file":  {[]string{"build", "start", "--input", "x", "--pipeline", broken}, "line 2"},
		"pipeline is a list":    {[]string{"build", "start", "--input", "x", "--pipeline", list}, "must be a mapping"},
		"file of a pipeline":    {[]string{"build", "start", "--input", "x", "--pipeline", dangling}, "nowhere.jsonl"},
		"no policy file":        {[]string{"build", "start", "--input", "x", "--policy", dir + "/none.yaml"}, "none.yaml"},
		"unknown pipeline":      {[]string{"pipeline", "show", "latest"}, `"latest"`},
		"two codes":             {[]string{"explain", "A", "B"}, "one reason code"},
		"no settings file":      {[]string{"version", "--config", dir + "/none.yaml"}, "none.yaml"},
		"unknown setting":       {[]string{"version", "--config", settings}, "uri"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := b.orgo(t, tc.args...)
			require.Equal(t, 2, r.code, "%s%s", r.out, r.err)
			require.Contains(t, r.err, tc.message)
			require.Empty(t, r.out)
		})
	}
	t.Cleanup(func() { require.Zero(t, b.Builds.Starts()) })
}

func TestErrorsAreProblemDetails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tc := range map[string]struct {
		args     []string
		code     int
		reason   string
		location string
	}{
		"of the server":   {[]string{"build", "get", "00000000-0000-4000-8000-00000000ffff"}, 1, "NOT_FOUND", ""},
		"with a location": {[]string{"build", "get", "latest"}, 1, "REQUEST_INVALID", "path.id"},
		"of usage":        {[]string{"build", "get"}, 2, "REQUEST_INVALID", ""},
		"of explain":      {[]string{"explain", "OOPS"}, 1, "NOT_FOUND", ""},
		"unreachable":     {[]string{"build", "list", "--url", "http://127.0.0.1:1"}, 1, client.CodeUnreachable, ""},
	} {
		for _, format := range []string{"json", "yaml"} {
			t.Run(name+" as "+format, func(t *testing.T) {
				t.Parallel()
				r := b.orgo(t, append(tc.args, "-o", format)...)
				require.Equal(t, tc.code, r.code)
				require.Empty(t, r.out)
				if format == "yaml" {
					require.Contains(t, r.err, "reason_code: "+tc.reason+"\n")
					return
				}
				var problem client.Problem
				require.NoError(t, json.Unmarshal([]byte(r.err), &problem), r.err)
				require.Equal(t, tc.reason, problem.ReasonCode)
				require.NotEmpty(t, problem.Remedy)
				if tc.location != "" {
					require.Equal(t, tc.location, problem.Errors[0].Location)
				}
			})
		}
	}
	r := b.orgo(t, "build", "get", "latest")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "at path.id: ")
	require.Contains(t, r.err, "reason: REQUEST_INVALID (governance)")
	require.Contains(t, r.err, "remedy: ")
}

func TestWithoutAServerItSaysHowToStartOne(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"nothing known":  {"build", "list", "--data", t.TempDir()},
		"nobody answers": {"build", "list", "--url", "http://127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t.Context(), args...)
			require.Equal(t, 1, r.code)
			require.Contains(t, r.err, "go run ./deployments/local")
		})
	}
}

func TestSettings(t *testing.T) {
	b := setup(t)
	nowhere := "http://127.0.0.1:1"
	file := write(t, t.TempDir(), "orgo.yaml", "url: "+b.URL+"\ntoken: "+apitest.TokenAlice+"\noutput: json\n")

	r := run(t.Context(), "build", "list", "--config", file)
	require.Zero(t, r.code, r.err)
	require.JSONEq(t, `{"builds":[]}`, r.out)

	// The environment goes before the file, a flag before both.
	t.Setenv("ORGO_CONFIG", file)
	t.Setenv("ORGO_OUTPUT", "yaml")
	r = run(t.Context(), "build", "list")
	require.Equal(t, "builds: []\n", r.out, r.err)
	r = run(t.Context(), "build", "list", "-o", "json")
	require.JSONEq(t, `{"builds":[]}`, r.out)
	t.Setenv("ORGO_URL", nowhere)
	require.Equal(t, 1, run(t.Context(), "build", "list").code)
	require.Zero(t, run(t.Context(), "build", "list", "--url", b.URL).code)
	require.Zero(t, run(t.Context(), "build", "list", "--data", b.data).code)
	t.Setenv("ORGO_TOKEN", "wrong")
	r = run(t.Context(), "build", "list", "--url", b.URL, "-o", "table")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "UNAUTHORIZED")
}

func TestCommandsWithoutAServer(t *testing.T) {
	t.Parallel()
	var version struct{ Version string }
	r := run(t.Context(), "version", "-o", "json")
	require.Zero(t, r.code)
	require.NoError(t, json.Unmarshal([]byte(r.out), &version))
	require.Equal(t, records.OrgoVersion, version.Version)

	r = run(t.Context(), "explain", "validation_failed")
	require.Zero(t, r.code)
	require.Contains(t, r.out, "correct the inputs")
	r = run(t.Context(), "explain")
	require.Zero(t, r.code)
	require.Contains(t, r.out, "STAGE_OUTPUT_CONFLICT")

	r = run(t.Context(), "pipeline", "show", "default")
	require.Zero(t, r.code)
	require.Contains(t, r.out, "# The pipeline of builds that name none")
	r = run(t.Context(), "pipeline", "show", "default", "-o", "json")
	require.Zero(t, r.code)
	var pipeline records.Pipeline
	require.NoError(t, json.Unmarshal([]byte(r.out), &pipeline))
	require.Len(t, pipeline.Stages, 6, "those of a build, and render")

	for _, args := range [][]string{{}, {"build"}, {"--help"}, {"build", "start", "--help"}} {
		r = run(t.Context(), args...)
		require.Zero(t, r.code, "%v", args)
		require.Contains(t, r.out, "Examples:", "%v", args)
	}
}

func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	for _, command := range strings.Fields("start get list watch stop retry override record reproduce why") {
		r := run(t.Context(), "build", command, "--help")
		require.Zero(t, r.code)
		require.Contains(t, r.out, "Examples:\n  orgo build "+command)
	}
}
