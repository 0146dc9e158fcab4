//go:build linux

package command_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/activities/runner/command"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// TestMain lets the test binary be the program that is run: with helperArgument
// first, it acts as the helper named next.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == helperArgument {
		os.Exit(helpers[os.Args[2]](os.Args[3:]))
	}
	for name, value := range map[string]string{"ORGO_TEST_LISTED": "listed", "ORGO_TEST_SECRET": "secret"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// bench has a runner and what it stands on.
type bench struct {
	store   *artifacts.Store
	runner  *command.Runner
	scratch string
}

func setup(t *testing.T) bench {
	t.Helper()
	store, err := artifacts.Open(t.Context(), "file://"+t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	b := bench{store: store, scratch: t.TempDir()}
	b.runner, err = command.New(store, command.Options{Dir: b.scratch, Grace: 200 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.Empty(t, b.attempts(t), "a scratch directory was left behind")
		require.NoError(t, b.runner.Close())
		left, err := os.ReadDir(b.scratch)
		require.NoError(t, err)
		require.Empty(t, left)
	})
	return b
}

func (b bench) attempts(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.scratch, "*", "attempt-*"))
	require.NoError(t, err)
	return found
}

// script writes an executable shell script.
func script(t *testing.T, body string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program.sh")
	require.NoError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+body+"\n"), 0o700))
	return name
}

func (b bench) pin(t *testing.T, settings records.CommandRunner) records.CommandRunner {
	t.Helper()
	pinned, err := b.runner.Pin(t.Context(), settings)
	require.NoError(t, err)
	return pinned
}

func (b bench) request(t *testing.T, settings records.CommandRunner, inputs ...records.Artifact) runner.Request {
	t.Helper()
	pinned := b.pin(t, settings)
	return runner.Request{
		Organization: records.DefaultOrganization, BuildID: "b-1", Stage: records.Extract, Generation: 1, Attempt: 1,
		IdempotencyKey: "sha256:key", Inputs: inputs, Config: json.RawMessage(`{"depth":2}`),
		SourceDate: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC),
		Runner:     records.RunnerSettings{Kind: records.RunnerCommand, Version: "1.0.0", Command: &pinned},
	}
}

// executable is the test binary, which is the helper as well.
func executable(t *testing.T) string {
	t.Helper()
	name, err := os.Executable()
	require.NoError(t, err)
	return name
}

func ignoreProgress(int64, int64) {}

// sh runs a shell script as a program.
func (b bench) sh(t *testing.T, body string) (runner.Result, error) {
	t.Helper()
	return b.runner.Run(t.Context(), b.request(t, records.CommandRunner{Program: script(t, body)}), ignoreProgress)
}

func (b bench) put(t *testing.T, name, content string) records.Artifact {
	t.Helper()
	ref, err := b.store.PutBytes(t.Context(), "text/plain", []byte(content))
	require.NoError(t, err)
	return records.Artifact{Name: name, Ref: ref}
}

func (b bench) content(t *testing.T, ref records.Ref) string {
	t.Helper()
	content, err := b.store.ReadAll(t.Context(), ref, 1<<20)
	require.NoError(t, err)
	return string(content)
}

func requireFailure(t *testing.T, want gates.Code, err error) *runner.Failure {
	t.Helper()
	var failure *runner.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, want, failure.Code, "%v", err)
	return failure
}

type details struct {
	ExitCode   int    `json:"exit_code"`
	Signal     string `json:"signal"`
	StderrTail string `json:"stderr_tail"`
}

func detailsOf(t *testing.T, failure *runner.Failure) details {
	t.Helper()
	var d details
	require.NoError(t, json.Unmarshal(failure.Details, &d))
	return d
}

// The helper reads the request, as a program in any language would, and upper-cases
// the inputs.
func TestProgramDoesAStage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	file := b.put(t, "", "a,b\n")
	manifest, err := json.Marshal(records.Snapshot{
		Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion,
		Files: []records.SnapshotFile{{Path: "data/deep/a.csv", Digest: file.Ref.Digest, Size: file.Ref.Size, MediaType: "text/csv"}},
	})
	require.NoError(t, err)
	request := b.request(t, records.CommandRunner{Program: executable(t), Args: []string{helperArgument, "upper"}},
		b.put(t, records.OutSnapshot, string(manifest)), b.put(t, records.OutClaims, "claim"))
	var told []int64
	result, err := b.runner.Run(t.Context(), request, func(done, total int64) { told = append(told, done, total) })
	require.NoError(t, err)

	require.Len(t, result.Outputs, 2)
	require.Equal(t, "CLAIM", b.content(t, result.Outputs[0].Ref))
	require.Equal(t, records.Artifact{
		Name: "out", Path: "sub/file.txt",
		Ref: records.Ref{Digest: records.DigestOf([]byte("A,B\n")), Size: 4, MediaType: "text/plain"},
	}, result.Outputs[1])
	require.Equal(t, map[string]int64{"files": 2}, result.Metrics)
	require.Equal(t, "depth 2 of sha256:key", result.Notes)
	require.Len(t, result.Attachments, 2)
	require.Equal(t, "log", result.Attachments[0].Name)
	require.Equal(t, "stderr", result.Attachments[1].Name)
	require.Equal(t, "all went well\n", b.content(t, result.Attachments[1].Ref))
	_, err = b.store.ReadAll(t.Context(), records.Ref{Digest: records.DigestOf([]byte("extra")), Size: 5}, 5)
	require.NoError(t, err, "contents are stored")
	require.Equal(t, []int64{1, 3, 2, 3, 3, 3}, told)
}

func TestEnvironmentIsAnAllowList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request := b.request(t, records.CommandRunner{
		Program:     script(t, `env | sort > outputs/env; pwd >> outputs/env; echo '{"outputs":[{"name":"env","media_type":"text/plain","file":"env"}]}'`),
		Environment: []string{"ORGO_TEST_LISTED", "ORGO_TEST_UNSET"},
	})
	result, err := b.runner.Run(t.Context(), request, ignoreProgress)
	require.NoError(t, err)
	env := b.content(t, result.Outputs[0].Ref)
	require.Contains(t, env, "ORGO_TEST_LISTED=listed\n")
	require.Contains(t, env, "SOURCE_DATE_EPOCH=1577923200\n")
	require.Contains(t, env, "PATH=/usr/local/bin:/usr/bin:/bin\n")
	require.NotContains(t, env, "secret")
	require.NotContains(t, env, "ORGO_TEST_UNSET")
	require.Contains(t, env, "\n"+b.scratch, "the working directory is the scratch directory")
}

func TestEndingsOfAProgram(t *testing.T) {
	t.Parallel()
	const one = `"name":"o","media_type":"text/plain"`
	tests := map[string]struct {
		body  string
		code  gates.Code
		final bool
		says  string
	}{
		"exit status":          {`echo trouble >&2; exit 3`, gates.RunnerFailed, false, "exited with status 3"},
		"exit after result":    {`echo '{"outputs":[]}'; exit 1`, gates.RunnerFailed, false, "exited with status 1"},
		"signal":               {`kill -9 $$`, gates.RunnerFailed, false, "signal killed"},
		"reports a known code": {`echo '{"error":{"code":"INPUT_UNPARSABLE","message":"line 3"}}'; exit 1`, gates.InputUnparsable, true, "line 3"},
		"reports with exit 0":  {`printf '%s' '{"error":{"message":"line\n3","final":true}}'`, gates.RunnerFailed, true, "reports: line 3"},
		"invents a code":       {`echo '{"error":{"code":"ALL_IS_WELL","message":"m"}}'`, gates.RunnerFailed, false, "ALL_IS_WELL: m"},
		"borrows a code":       {`echo '{"error":{"code":"STOPPED_BY_OPERATOR","message":"m"}}'`, gates.RunnerFailed, false, "STOPPED_BY_OPERATOR: m"},
		"says nothing":         {`:`, gates.RunnerOutputInvalid, true, "not a result"},
		"not json":             {`echo done`, gates.RunnerOutputInvalid, true, "not a result"},
		"null":                 {`echo null`, gates.RunnerOutputInvalid, true, "either outputs or an error"},
		"no outputs":           {`echo '{"notes":"n"}'`, gates.RunnerOutputInvalid, true, "either outputs or an error"},
		"outputs and error":    {`echo '{"outputs":[],"error":{"message":"m"}}'`, gates.RunnerOutputInvalid, true, "either outputs or an error"},
		"unknown member":       {`echo '{"outputs":[],"output":[]}'`, gates.RunnerOutputInvalid, true, "output"},
		"member twice":         {`echo '{"outputs":[],"outputs":[]}'`, gates.RunnerOutputInvalid, true, "duplicate"},
		"two results":          {`echo '{"outputs":[]}{"outputs":[]}'`, gates.RunnerOutputInvalid, true, "not a result"},
		"fraction in metrics":  {`echo '{"outputs":[],"metrics":{"m":0.5}}'`, gates.RunnerOutputInvalid, true, "metrics"},
		"no such file":         {`echo '{"outputs":[{` + one + `,"file":"absent"}]}'`, gates.RunnerOutputInvalid, true, `"absent"`},
		"no file named":        {`echo '{"outputs":[{` + one + `}]}'`, gates.RunnerOutputInvalid, true, `file ""`},
		"no media type":        {`touch outputs/f; echo '{"outputs":[{"name":"o","file":"f"}]}'`, gates.RunnerOutputInvalid, true, "no media_type"},
		"no name":              {`touch outputs/f; echo '{"outputs":[{"media_type":"a/b","file":"f"}]}'`, gates.RunnerOutputInvalid, true, "not well named"},
		"path upwards":         {`touch outputs/f; echo '{"outputs":[{` + one + `,"path":"../x","file":"f"}]}'`, gates.RunnerOutputInvalid, true, "not well named"},
		"directory":            {`mkdir outputs/d; echo '{"outputs":[{` + one + `,"file":"d"}]}'`, gates.RunnerOutputInvalid, true, "not a regular file"},
		"named pipe":           {`mkfifo outputs/p; echo '{"outputs":[{` + one + `,"file":"p"}]}'`, gates.RunnerOutputInvalid, true, "not a regular file"},
		"file upwards":         {`echo '{"outputs":[{` + one + `,"file":"../inputs/x"}]}'`, gates.RunnerOutputInvalid, true, "cannot be opened"},
		"file from the root":   {`echo '{"outputs":[{` + one + `,"file":"/etc/passwd"}]}'`, gates.RunnerOutputInvalid, true, "cannot be opened"},
		"link to a file":       {`ln -s /etc/passwd outputs/l; echo '{"outputs":[{` + one + `,"file":"l"}]}'`, gates.RunnerOutputInvalid, true, "cannot be opened"},
		"link to a directory":  {`ln -s /etc outputs/l; echo '{"outputs":[{` + one + `,"file":"l/passwd"}]}'`, gates.RunnerOutputInvalid, true, "cannot be opened"},
		"outputs is a link":    {`rmdir outputs; ln -s /etc outputs; echo '{"outputs":[{` + one + `,"file":"passwd"}]}'`, gates.RunnerOutputInvalid, true, "cannot be read"},
		"unwritable directory": {`mkdir -p outputs/d/e; chmod 0 outputs/d/e outputs/d; exit 1`, gates.RunnerFailed, false, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t).sh(t, test.body)
			failure := requireFailure(t, test.code, err)
			require.Equal(t, test.final, failure.Final)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestFailureTellsHowTheProgramEnded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.sh(t, `head -c 20000 /dev/zero | tr '\0' x >&2; printf 'at last\377' >&2; exit 7`)
	d := detailsOf(t, requireFailure(t, gates.RunnerFailed, err))
	require.Equal(t, 7, d.ExitCode)
	require.True(t, strings.HasSuffix(d.StderrTail, "xat last\ufffd"), "the end is kept, as valid text")
	require.Len(t, d.StderrTail, 16<<10+2, "one bad byte becomes three")

	_, err = b.sh(t, `kill -ABRT $$`)
	d = detailsOf(t, requireFailure(t, gates.RunnerFailed, err))
	require.Equal(t, "aborted", d.Signal)
	require.Equal(t, -1, d.ExitCode)
}

func TestOutputLimits(t *testing.T) {
	t.Parallel()
	const answer = `echo '{"outputs":[{"name":"a","media_type":"a/b","file":"a"},{"name":"b","media_type":"a/b","file":"b"}]}'`
	fill := func(a, b string) string {
		return `head -c ` + a + ` /dev/zero > outputs/a && head -c ` + b + ` /dev/zero > outputs/b || exit 1; ` + answer
	}
	tests := map[string]string{
		"one file":           fill("10001", "0"),
		"one without end":    `cat /dev/zero > outputs/a; exit 1`,
		"both together":      fill("5000", "5000"),
		"undeclared file":    `head -c 10001 /dev/zero > outputs/other; ` + answer,
		"stdout":             `head -c 10001 /dev/zero`,
		"stdout without end": `exec cat /dev/zero`,
		"one file twice":     `head -c 6000 /dev/zero > outputs/a; ` + strings.ReplaceAll(answer, `"file":"b"`, `"file":"a"`),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			request := b.request(t, records.CommandRunner{Program: script(t, body), MaxOutput: 10_000})
			_, err := b.runner.Run(t.Context(), request, ignoreProgress)
			require.True(t, requireFailure(t, gates.RunnerOutputTooLarge, err).Final)
		})
	}
	t.Run("just within", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		request := b.request(t, records.CommandRunner{Program: script(t, fill("5000", "4800")), MaxOutput: 10_000})
		_, err := b.runner.Run(t.Context(), request, ignoreProgress)
		require.NoError(t, err)
	})
}

func TestChangedInputNeverReachesTheProgram(t *testing.T) {
	t.Parallel()
	b := setup(t)
	input := b.put(t, records.OutClaims, "claim")
	input.Ref.Digest = records.DigestOf([]byte("other"))
	ran := filepath.Join(t.TempDir(), "ran")
	request := b.request(t, records.CommandRunner{Program: script(t, "touch "+ran)}, input)
	_, err := b.runner.Run(t.Context(), request, ignoreProgress)
	requireFailure(t, gates.ArtifactMissing, err)

	input = b.put(t, records.OutClaims, "claim")
	input.Ref.Size++ // the planted fault: content is not what the reference says
	request.Inputs = []records.Artifact{input}
	_, err = b.runner.Run(t.Context(), request, ignoreProgress)
	requireFailure(t, gates.DigestMismatch, err)

	for _, name := range []string{"../up", "/abs", "a//b", ""} {
		request.Inputs = []records.Artifact{b.put(t, name, "claim")}
		_, err = b.runner.Run(t.Context(), request, ignoreProgress)
		requireFailure(t, gates.InputOutsideRoot, err)
	}
	require.NoFileExists(t, ran)
}

func TestInputsAreReadOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request := b.request(t, records.CommandRunner{
		Program: script(t, `stat -c %a inputs/claims > outputs/mode; echo '{"outputs":[{"name":"mode","media_type":"text/plain","file":"mode"}]}'`),
	}, b.put(t, records.OutClaims, "claim"))
	result, err := b.runner.Run(t.Context(), request, ignoreProgress)
	require.NoError(t, err)
	require.Equal(t, "400\n", b.content(t, result.Outputs[0].Ref))
}

func TestWrongKindIsRefused(t *testing.T) {
	t.Parallel()
	_, err := setup(t).runner.Run(context.Background(), runner.Request{Stage: records.Extract}, ignoreProgress)
	requireFailure(t, gates.PinInvalid, err)
}
