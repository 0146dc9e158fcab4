package cli_test

import (
	"context"
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
)

// requestOf returns what a build was asked to do.
func (b *bench) requestOf(t *testing.T, view records.BuildView) records.BuildRequest {
	t.Helper()
	var request records.BuildRequest
	b.read(t, view.Request, &request)
	return request
}

func (b *bench) read(t *testing.T, ref records.Ref, into any) {
	t.Helper()
	data, err := b.Artifacts.ReadAll(t.Context(), ref, 1<<20)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, into))
}

func TestStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var view records.BuildView
	b.must(t, &view, "build", "start", "--input", "docs", "/data/a b#c", "--input", "file:///x", "--reason", "because", "--idempotency-key", "k")
	require.Equal(t, records.BuildPending, view.State)
	request := b.requestOf(t, view)
	docs, err := filepath.Abs("docs")
	require.NoError(t, err)
	require.Equal(t, []string{(&url.URL{Scheme: "file", Path: docs}).String(), "file:///x", "file:///data/a%20b%23c"}, uris(request))
	require.Equal(t, "k", request.IdempotencyKey)
	require.Equal(t, records.Trigger{Type: records.TriggerManual, Actor: "alice", Reason: "because"}, request.Trigger)

	// At least these must be there, under these names.
	var fields map[string]any
	b.must(t, &fields, "build", "get", view.BuildID)
	require.Equal(t, view.BuildID, fields["build_id"])
	require.Equal(t, "PENDING", fields["state"])
	require.Equal(t, []any{}, fields["reason_codes"])

	r := b.orgo(t, "build", "start", "--input", "/other", "--idempotency-key", "k")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "IDEMPOTENCY_KEY_REUSED")
	r = b.orgo(t, "build", "start", "--input", "/data")
	require.Zero(t, r.code)
	require.Contains(t, r.out, "to follow it: orgo build watch ")
}

func uris(request records.BuildRequest) []string {
	var uris []string
	for _, input := range request.Inputs {
		uris = append(uris, input.URI)
	}
	return uris
}

func TestStartUploadsTheFilesOfAPipeline(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	index := write(t, dir, "data/index.jsonl", "{}\n")
	pipeline := write(t, dir, "pipeline.yaml", `
pipeline_id: mine
path: {path: left alone}   # not inside a stage's config
stages:
  extract:
    runner: {kind: reference, version: 1.0.0}
    config:
      limit: 12345678901234567890
      mappings: [{path: data/index.jsonl}, {path: a, also: b}]
  resolve:
    config: {index: {path: `+index+`}}
`)
	policy := write(t, dir, "policy.yaml", bundleText)

	b.Builds.Next(apitest.Pending)
	r := b.orgo(t, "build", "start", "--input", "/data", "--pipeline", pipeline, "--policy", policy, "-o", "json")
	require.Zero(t, r.code, r.err)
	require.Equal(t, 1, strings.Count(r.err, "index.jsonl is uploaded as sha256:"), r.err)
	var view records.BuildView
	require.NoError(t, json.Unmarshal([]byte(r.out), &view))
	request := b.requestOf(t, view)

	digest := records.DigestOf([]byte("{}\n"))
	ref := `{"alg":"sha256","value":"` + digest.Value + `","media_type":"application/jsonl","size":3}`
	data, err := b.Artifacts.ReadAll(t.Context(), request.Pipeline, 1<<20)
	require.NoError(t, err)
	require.Contains(t, string(data), "12345678901234567890", "numbers keep their digits")
	require.JSONEq(t, `{"pipeline_id":"mine","path":{"path":"left alone"},"stages":{
		"extract":{"runner":{"kind":"reference","version":"1.0.0"},"config":{"limit":12345678901234567890,"mappings":[`+ref+`,{"path":"a","also":"b"}]}},
		"resolve":{"config":{"index":`+ref+`}}}}`, string(data))
	data, err = b.Artifacts.ReadAll(t.Context(), request.Policy, 1<<20)
	require.NoError(t, err)
	bundle, err := mandate.Read([]byte(bundleText), mandate.Trust{})
	require.NoError(t, err)
	require.Equal(t, string(bundle.Canonical), string(data))
	require.NoError(t, b.Artifacts.Verify(t.Context(), records.Ref{Digest: digest, Size: 3}))
}

func TestWait(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		outcome apitest.Outcome
		code    int
		state   records.BuildState
		reason  string
		printed []string
	}{
		"passed":  {apitest.Passed, 0, records.BuildPassed, "", []string{"runtime pack manifest  sha256:"}},
		"blocked": {apitest.Blocked, 1, records.BuildBlocked, "VALIDATION_FAILED", []string{"compile   SKIP", "validate, gate validation, generation 1", "CONFLICTING_VALUE", "correct the inputs"}},
		"failed":  {apitest.Failed, 1, records.BuildFailed, "INPUT_NOT_FOUND", []string{"ingest    ERROR", "no such file: /nowhere", `{"path":"/nowhere"}`, "correct the path"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.Builds.Next(tc.outcome)
			r := b.orgo(t, "build", "start", "--input", "/data", "--wait")
			require.Equal(t, tc.code, r.code, r.err)
			for _, text := range append(tc.printed, stepNames()...) {
				require.Contains(t, r.out, text)
			}
			require.NotContains(t, r.out, "\x1b", "no control sequences where there is no terminal")
			if tc.code != 0 {
				require.Contains(t, r.err, "ended "+string(tc.state)+": "+tc.reason)
				require.Contains(t, r.out, tc.reason)
			}

			r = b.orgo(t, "build", "start", "--input", "/data", "--wait", "-o", "json")
			require.Equal(t, tc.code, r.code)
			var view records.BuildView
			require.NoError(t, json.Unmarshal([]byte(r.out), &view), "one document and nothing else: %s", r.out)
			require.Equal(t, tc.state, view.State)
			if tc.code == 0 {
				require.Empty(t, r.err)
				return
			}
			var problem client.Problem
			require.NoError(t, json.Unmarshal([]byte(r.err), &problem), r.err)
			require.Equal(t, tc.reason, problem.ReasonCode)
			require.NotEmpty(t, problem.Remedy)
			require.Equal(t, tc.reason, problem.Errors[0].Code)
		})
	}
}

func stepNames() []string {
	var names []string
	for _, step := range records.BuildSteps() {
		names = append(names, "\n"+string(step)+" ")
	}
	return names
}

// A build is followed through a wait and a stop, as lines and as JSON.
func TestWatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	view := b.start(t, apitest.Waiting)
	var lines, documents, nothing buffer
	codes := make(chan int, 2)
	go func() {
		codes <- cli.Run(t.Context(), []string{"build", "watch", view.BuildID, "--data", b.data}, cli.Streams{Out: &lines, Err: &nothing})
	}()
	go func() {
		codes <- cli.Run(t.Context(), []string{"build", "watch", view.BuildID, "--data", b.data, "-o", "json"}, cli.Streams{Out: &documents, Err: &nothing})
	}()
	require.Eventually(t, func() bool {
		return strings.Contains(lines.String(), "to end:") && documents.String() != ""
	}, 10*time.Second, 10*time.Millisecond)
	require.Contains(t, lines.String(), "waiting for an operator at validate until 2026-03-01T13:00:00Z: VALIDATION_FAILED")
	require.Contains(t, lines.String(), "to retry: orgo build retry "+view.BuildID+" --stage validate --reason")

	r := b.orgo(t, "build", "retry", view.BuildID, "--stage", "resolve", "--reason", "corrected")
	require.Zero(t, r.code, r.err)
	script := b.Builds.Script(records.DefaultOrganization, view.BuildID)
	require.NoError(t, script.StageStarted(t.Context(), records.Resolve, 2))
	require.Eventually(t, func() bool {
		return strings.Contains(lines.String(), "resolve   RUNNING  generation 2")
	}, 10*time.Second, 10*time.Millisecond)
	r = b.orgo(t, "build", "stop", view.BuildID, "--reason", "enough", "--now")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "it is STOPPED")
	require.Equal(t, 1, <-codes)
	require.Equal(t, 1, <-codes)
	require.Contains(t, lines.String(), "alice stopped the build: enough")

	var last records.BuildView
	for _, line := range strings.Split(strings.TrimSpace(documents.String()), "\n") {
		require.NoError(t, json.Unmarshal([]byte(line), &last), line)
	}
	require.Equal(t, records.BuildStopped, last.State)
}

func TestWatchOnATerminalDrawsAllStepsAgainAndAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	view := b.start(t, apitest.Pending)
	var out, nothing buffer
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(t.Context(), []string{"build", "watch", view.BuildID, "--data", b.data},
			cli.Streams{Out: &out, Err: &nothing, Live: true, Color: true})
	}()
	frames := func() []string { return strings.Split(out.String(), "\x1b[?7l")[1:] }
	require.Eventually(t, func() bool { return len(frames()) >= 2 }, 10*time.Second, 10*time.Millisecond)
	script := b.Builds.Script(records.DefaultOrganization, view.BuildID)
	require.NoError(t, script.Stages(t.Context(), 1, "", records.Ingest, records.Extract, records.Resolve, records.Validate, records.Compile))
	require.NoError(t, script.End(t.Context(), records.BuildPassed, ""))
	require.Zero(t, <-code, nothing.String())

	for i, frame := range frames() {
		for _, step := range records.BuildSteps() {
			require.Contains(t, frame, string(step)+" ", "frame %d", i)
		}
		if i > 0 {
			before := strings.Count(frames()[i-1], "\n")
			require.True(t, strings.HasPrefix(frame, "\x1b["+itoa(before)+"A\r\x1b[J"), "frame %d must cover the %d lines before: %q", i, before, frame)
		}
	}
	require.Contains(t, frames()[0], "PENDING")
	last := frames()[len(frames())-1]
	require.Contains(t, last, "\x1b[32mcompile")
	require.Contains(t, last, "exchange manifest")
}

func itoa(n int) string { data, _ := json.Marshal(n); return string(data) }

func TestInterruptedWatchLeavesTheBuildAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	view := b.start(t, apitest.Pending)
	ctx, cancel := context.WithCancel(t.Context())
	var out, err buffer
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, []string{"build", "watch", view.BuildID, "--data", b.data}, cli.Streams{Out: &out, Err: &err})
	}()
	require.Eventually(t, func() bool { return out.String() != "" }, 10*time.Second, 10*time.Millisecond)
	cancel()
	require.Equal(t, 1, <-code)
	require.Contains(t, err.String(), "interrupted; what was started goes on")
	var again records.BuildView
	b.must(t, &again, "build", "get", view.BuildID)
	require.Equal(t, records.BuildPending, again.State)
}

func TestReproduce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	original := b.start(t, apitest.Passed)
	type answer struct {
		State      records.BuildState `json:"state"`
		Identical  bool               `json:"identical"`
		Comparison client.Comparison  `json:"comparison"`
	}

	r := b.orgo(t, "build", "reproduce", original.BuildID, "--wait")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "identical: all 8 outputs of 5 stages are those of build "+original.BuildID)
	var same answer
	b.must(t, &same, "build", "reproduce", original.BuildID, "--wait")
	require.True(t, same.Identical)

	// The planted fault: the same pins, and another compile.
	b.Builds.Next(apitest.Differs)
	r = b.orgo(t, "build", "reproduce", original.BuildID, "--wait")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "not identical to build "+original.BuildID+": 4 of 8 outputs differ")
	require.Regexp(t, `compile +data/entities.jsonl +sha256:[0-9a-f]{64} +sha256:[0-9a-f]{64}`, r.out)
	r = b.orgo(t, "build", "reproduce", original.BuildID, "--wait", "-o", "json")
	require.Equal(t, 1, r.code)
	var other answer
	require.NoError(t, json.Unmarshal([]byte(r.out), &other), r.out)
	require.False(t, other.Identical)
	require.Len(t, other.Comparison.Differences, 4)
	require.Equal(t, records.Compile, other.Comparison.Differences[0].Stage)
	var problem client.Problem
	require.NoError(t, json.Unmarshal([]byte(r.err), &problem), r.err)
	require.Equal(t, string(gates.OutputNotReproduced), problem.ReasonCode)
	require.Equal(t, "F4", problem.Class)

	// A build that did not get that far is not identical either.
	b.Builds.Next(apitest.Blocked)
	r = b.orgo(t, "build", "reproduce", original.BuildID, "--wait")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "absent")
	require.Contains(t, r.err, "VALIDATION_FAILED")

	b.Builds.Next(apitest.Pending)
	r = b.orgo(t, "build", "reproduce", original.BuildID)
	require.Zero(t, r.code)
	require.Contains(t, r.out, "to follow it")
}

func TestReading(t *testing.T) {
	t.Parallel()
	b := setup(t)
	passed, blocked := b.start(t, apitest.Passed), b.start(t, apitest.Blocked)

	r := b.orgo(t, "build", "list")
	require.Zero(t, r.code)
	require.Contains(t, r.out, passed.BuildID)
	require.Regexp(t, blocked.BuildID+` +BLOCKED +validate +orgo-default +2026-03-01T12:00:00Z +alice +VALIDATION_FAILED`, r.out)
	r = b.orgo(t, "build", "list", "--state", "PASSED")
	require.NotContains(t, r.out, blocked.BuildID)
	r = b.orgo(t, "build", "list", "--limit", "1")
	require.Contains(t, r.out, "more: --cursor ")

	r = b.orgo(t, "build", "get", passed.BuildID)
	require.Zero(t, r.code)
	require.Contains(t, r.out, "record    sha256:")
	r = b.orgo(t, "build", "get", passed.BuildID, "-o", "yaml")
	require.Contains(t, r.out, "state: PASSED\n")

	var record records.BuildRecord
	r = b.orgo(t, "build", "record", blocked.BuildID)
	require.Zero(t, r.code)
	require.NoError(t, json.Unmarshal([]byte(r.out), &record))
	require.NoError(t, record.VerifyHash())
	r = b.orgo(t, "build", "record", blocked.BuildID, "--format", "koa")
	require.Zero(t, r.code)
	want, err := json.Marshal(records.KOA(record))
	require.NoError(t, err)
	require.JSONEq(t, string(want), r.out)

	r = b.orgo(t, "build", "why", passed.BuildID)
	require.Zero(t, r.code)
	require.Contains(t, r.out, "no condition is unmet")
	r = b.orgo(t, "build", "why", blocked.BuildID)
	require.Zero(t, r.code, "the question is answered, whatever the answer")
	require.Contains(t, r.out, "VALIDATION_FAILED (F2)")
	var why client.Why
	b.must(t, &why, "build", "why", blocked.BuildID)
	require.Len(t, why.Unmet, 1)
}
