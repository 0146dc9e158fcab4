package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api/apitest"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

const (
	aBuild   = "00000000-0000-4000-8000-0000000000b1"
	noID     = "00000000-0000-4000-8000-00000000ffff"
	strategy = `
mode: staged
cohorts: [{cohort: canary, points: 500}, {cohort: rest, points: 9500}]
stages:
  - {name: canary, target_cohorts: [canary], observe: 10m, manual: true}
  - {name: rest, target_cohorts: [rest]}
soak: 1h
`
)

// released creates a release.
func (b *bench) released(t *testing.T) release.Record {
	t.Helper()
	var record release.Record
	b.must(t, &record, "release", "create", "--build", aBuild, "--channel", "prod/main", "--version", "1.2.3")
	return record
}

// change changes a release as its workflow would.
func (b *bench) change(t *testing.T, id string, change func(*release.Record)) {
	t.Helper()
	require.NoError(t, b.Releases.Change(records.DefaultOrganization, id, change))
}

func TestReleaseCreate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	var record release.Record
	b.must(t, &record, "release", "create", "--build", aBuild, "--channel", "prod/main", "--version", "1.2.3", "--supersede",
		"--strategy", write(t, dir, "strategy.yaml", strategy), "--policy", write(t, dir, "policy.yaml", bundleText), "--reason", "because", "--idempotency-key", "k")
	require.NotNil(t, record.Request.Policy)
	record.Request.Policy = nil
	require.Equal(t, release.Request{
		ReleaseID: records.ReleaseID(records.DefaultOrganization, "k"), IdempotencyKey: "k", BuildID: aBuild, Version: "1.2.3", Supersede: true,
		Channel: records.ChannelName{Environment: "prod", Name: "main"},
		Strategy: release.Strategy{
			Mode: release.Staged, Soak: records.Duration(time.Hour),
			Cohorts: []release.Portion{{Cohort: "canary", Points: 500}, {Cohort: "rest", Points: 9500}},
			Stages: []release.Stage{
				{Name: "canary", Cohorts: []string{"canary"}, Observe: records.Duration(10 * time.Minute), Manual: true}, {Name: "rest", Cohorts: []string{"rest"}},
			},
		},
	}, record.Request)
	require.Equal(t, "because", record.Reason)

	r := b.orgo(t, "release", "create", "--build", aBuild, "--channel", "prod/main", "--version", "2.0.0", "--idempotency-key", "k")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "IDEMPOTENCY_KEY_REUSED")
	r = b.orgo(t, "release", "create", "--build", aBuild, "--channel", "prod/main", "--version", "1.2")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "body.version")
	r = b.orgo(t, "release", "create", "--build", aBuild, "--channel", "prod/main", "--version", "1.2.3")
	require.Zero(t, r.code)
	require.Contains(t, r.out, "to follow it: orgo release watch ")
}

func TestStrategyFilesAreReadStrictly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tc := range map[string]struct{ text, message string }{
		"unknown member":        {"mode: staged\nstagez: []\n", ":2:1: a strategy has no stagez"},
		"unknown member within": {"mode: staged\nstages:\n  - name: a\n    skip: true\n", ":4:5: a strategy has no stages/0/skip"},
		"no duration":           {"mode: all_at_once\nsoak: long\n", ":2:1: /soak: duration \"long\""},
		"another kind":          {"mode: percentage\npercentage: many\n", ":2:1: /percentage: "},
		"no mode":               {"soak: 1h\n", "a strategy needs a mode"},
		"no strategy":           {"- a\n", ":1:1: "},
		"no yaml":               {"mode: a\nmode: b\n", "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := write(t, t.TempDir(), "strategy.yaml", tc.text)
			r := b.orgo(t, "release", "create", "--build", aBuild, "--channel", "prod/main", "--version", "1.2.3", "--strategy", file)
			require.Equal(t, 2, r.code, r.err)
			require.Contains(t, r.err, tc.message)
		})
	}
}

func TestApproveNamesExactlyWhatIsPrinted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := b.released(t)
	r := b.orgo(t, "release", "approve", record.ReleaseID)
	require.Zero(t, r.code, r.err)
	for _, text := range []string{
		record.Intent.Pack.String(), record.IntentDigest.String(), record.Intent.Policy.String(), "1.2.3",
		"canary 5% → early 25%, late 70%", "is approved; it is APPROVED",
	} {
		require.Contains(t, r.out, text)
	}
	asked := b.Releases.Asked()
	require.Len(t, asked, 1)
	var ballot release.Ballot
	require.NoError(t, json.Unmarshal(asked[0].Command.Arguments, &ballot))
	require.Equal(t, *record.IntentDigest, ballot.Intent)

	// Before its check there is nothing to vote on.
	other := b.released(t)
	b.change(t, other.ReleaseID, func(r *release.Record) { r.IntentDigest = nil })
	r = b.orgo(t, "release", "approve", other.ReleaseID)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "INVALID_TRANSITION")
}

func TestSteeringReleases(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args      []string // after the verb: ID and the rest
		action    string
		arguments string
		printed   string
	}{
		{[]string{"reject", "--reason", "r"}, "reject", "intent", "is rejected; it is ABORTED: APPROVAL_REJECTED"},
		{[]string{"promote"}, "promote", `{"stage":0}`, "is promoted"},
		{[]string{"hold", "--reason", "r"}, "hold", "", "is held"},
		{[]string{"pause", "--reason", "r"}, "hold", "", "is held"},
		{[]string{"abort", "--reason", "r"}, "abort", "", "it is ABORTED: ABORT_REQUESTED"},
		{
			[]string{"break-glass", "--gate", "freeze", "--stage", "rest", "--for", "30m", "--case", "c", "--reason", "r"}, "break-glass",
			`{"gates":["freeze"],"stage":1,"case_id":"c","for":"30m0s"}`, "waits for another person to confirm",
		},
		{[]string{"confirm-break-glass", "--reason", "r"}, "confirm-break-glass", "", "may go past them"},
		{[]string{"review-break-glass", "--reason", "r"}, "review-break-glass", "", "is reviewed"},
	} {
		t.Run(tc.args[0], func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			record := b.released(t)
			r := b.orgo(t, append([]string{"release", tc.args[0], record.ReleaseID, "--idempotency-key", "k"}, tc.args[1:]...)...)
			require.Zero(t, r.code, r.err)
			require.Contains(t, r.out, tc.printed)
			asked := b.Releases.Asked()
			require.Len(t, asked, 1)
			require.Equal(t, tc.action, asked[0].Command.Action)
			require.Equal(t, "k", asked[0].Key)
			switch tc.arguments {
			case "":
				require.Empty(t, asked[0].Command.Arguments)
			case "intent":
				require.Contains(t, string(asked[0].Command.Arguments), record.IntentDigest.Value)
			default:
				require.JSONEq(t, tc.arguments, string(asked[0].Command.Arguments))
			}
		})
	}
}

func TestHoldsAreLiftedByTheirOwner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.released(t).ReleaseID
	r := b.orgo(t, "release", "lift", id, "--reason", "r")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "INVALID_TRANSITION")
	var record release.Record
	b.must(t, &record, "release", "pause", id, "--reason", "lunch")
	require.Equal(t, "PAUSED", record.Status)
	r = b.orgo(t, "release", "get", id)
	require.Regexp(t, `held +by alice: lunch`, r.out)
	var lifted release.Record
	b.must(t, &lifted, "release", "resume", id, "--reason", "back")
	require.Empty(t, lifted.Holds)
}

func TestReleaseRollback(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good, bad := b.released(t), b.released(t)
	active := rollout.Placement{ReleaseID: bad.ReleaseID, Pack: rollout.Pack{Digest: bad.Intent.Pack, Version: "1.2.3", BuildID: aBuild}}
	b.Channels.Set(records.DefaultOrganization, rollout.Channel{
		Environment: "prod", Name: "main", Slots: []rollout.Slot{{Cohort: "c", Desired: &active, Active: &active}},
		Good: []rollout.Placement{{ReleaseID: good.ReleaseID, Pack: rollout.Pack{Digest: good.Intent.Pack}}},
	})
	r := b.orgo(t, "release", "rollback", bad.ReleaseID, "--to", good.ReleaseID, "--until", "2027-01-01T00:00:00Z", "--reason", "slow")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "is told to go back")
	asked := b.Channels.Asked()
	require.Len(t, asked, 2)
	require.Contains(t, string(asked[0].Command.Arguments), "2027-01-01T00:00:00Z")
	require.Equal(t, release.ActionRollback, asked[1].Command.Action)
}

func TestRevokeAndQuarantine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := b.released(t)
	pack := record.Intent.Pack.String()
	r := b.orgo(t, "release", "revoke", record.ReleaseID, "--reason", "r")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, pack+" is revoked\n  told to: prod/main\n")
	r = b.orgo(t, "release", "quarantine", "--pack", pack, "--reason", "r")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, pack+" is quarantined")
	r = b.orgo(t, "release", "revoke", "--key", "lost", "--reason", "r")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "no pack comes from that")
	revoked := b.Releases.Revoked()
	require.Len(t, revoked, 3)
	require.Equal(t, []bool{false, true, false}, []bool{revoked[0].Quarantine, revoked[1].Quarantine, revoked[2].Quarantine})
	require.Equal(t, "lost", revoked[2].Cause.Key)
}

func TestReadingReleases(t *testing.T) {
	t.Parallel()
	b := setup(t)
	record := b.released(t)
	id := record.ReleaseID
	require.NoError(t, b.Releases.Decide(t.Context(), records.DefaultOrganization, id, gates.Decision{
		Gate: gates.GateHealth, Verdict: gates.Fail, Codes: []gates.Code{gates.MetricWorse}, EvaluatorVersion: gates.EvaluatorVersion, EvaluatedAt: apitest.Epoch,
		Findings: []gates.Finding{{RuleID: "health/errors", Verdict: gates.Fail, Code: gates.MetricWorse, Message: "3 of 100 failed"}},
	}, 0, "canary"))

	r := b.orgo(t, "release", "list", "--channel", "prod/main", "--phase", "awaiting_approval")
	require.Zero(t, r.code, r.err)
	require.Regexp(t, id+` +AWAITING_APPROVAL +prod/main +1.2.3 +canary +2026-03-01T12:00:00Z +alice +METRIC_WORSE_THAN_CONTROL`, r.out)
	r = b.orgo(t, "release", "list", "--phase", "OBSERVING", "-o", "json")
	require.JSONEq(t, `{"releases":[]}`, r.out)

	r = b.orgo(t, "release", "get", id)
	require.Zero(t, r.code)
	require.Regexp(t, `waits +for approvals until 2026-03-01T13:00:00Z`, r.out)
	require.Regexp(t, `canary +AWAITING_APPROVAL +canary `, r.out)
	require.Regexp(t, `rest +- +early, late `, r.out)
	r = b.orgo(t, "release", "get", id, "-o", "yaml")
	require.Contains(t, r.out, "phase: AWAITING_APPROVAL\n")

	r = b.orgo(t, "release", "why", id)
	require.Zero(t, r.code, "the question is answered, whatever the answer")
	require.Contains(t, r.out, "METRIC_WORSE_THAN_CONTROL (")
	require.Contains(t, r.out, "stage canary, cohort canary, gate rollout-health")
	require.Contains(t, r.out, "3 of 100 failed")
	var why client.ReleaseWhy
	b.must(t, &why, "release", "why", id)
	require.Len(t, why.Unmet, 1)

	var whole release.Record
	r = b.orgo(t, "release", "record", id)
	require.Zero(t, r.code)
	require.NoError(t, json.Unmarshal([]byte(r.out), &whole))
	require.Equal(t, record.Request, whole.Request)
	var koa release.KOARecord
	r = b.orgo(t, "release", "record", id, "--format", "koa")
	require.Zero(t, r.code)
	require.NoError(t, json.Unmarshal([]byte(r.out), &koa))
	require.Equal(t, id, koa.ReleaseID)
}

// A release is followed through its stages, as lines and as JSON, and ends badly.
func TestReleaseWatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.released(t).ReleaseID
	var lines, documents, nothing buffer
	codes := make(chan int, 2)
	watch := func(out *buffer, args ...string) {
		codes <- cli.Run(t.Context(), append([]string{"release", "watch", id, "--data", b.data}, args...), cli.Streams{Out: out, Err: &nothing})
	}
	go watch(&lines)
	go watch(&documents, "-o", "json")
	await := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool {
			return strings.Contains(lines.String(), text) && documents.String() != ""
		}, 10*time.Second, 10*time.Millisecond, text)
	}
	await("waits for approvals until 2026-03-01T13:00:00Z")
	await("to approve: orgo release approve " + id)
	require.Zero(t, b.orgo(t, "release", "approve", id).code)
	await("approved by alice at 2026-03-01T12:00:00Z")
	b.change(t, id, func(r *release.Record) {
		r.Phase, r.Waits = "OBSERVING", &release.Wait{For: "the judgement of stage canary"}
		r.Stages[0].ActiveAt, r.Stages[0].Manual = new(apitest.Epoch), true
	})
	await("stage canary: watched since 2026-03-01T12:00:00Z, canary")
	await("to promote: orgo release promote " + id)
	b.change(t, id, func(r *release.Record) { r.Stages[0].Verdict, r.Stages[0].Codes = "STALE", []string{"TELEMETRY_STALE"} })
	await("stage canary: verdict STALE TELEMETRY_STALE")
	b.change(t, id, func(r *release.Record) {
		r.Phase, r.Stage, r.Codes = "SOAKING", 1, nil
		r.Soak = &release.StageState{Part: release.Part{Name: "soak"}, ActiveAt: new(apitest.Epoch), Verdict: "PENDING"}
	})
	await("SOAKING")
	await("stage soak: verdict PENDING")
	b.change(t, id, func(r *release.Record) { r.Phase, r.Code, r.Waits = "ROLLED_BACK", "METRIC_OUT_OF_BOUNDS", nil })
	require.Equal(t, 1, <-codes)
	require.Equal(t, 1, <-codes)
	require.Contains(t, lines.String(), "METRIC_OUT_OF_BOUNDS (")
	require.Contains(t, nothing.String(), "ended ROLLED_BACK: METRIC_OUT_OF_BOUNDS")
	require.Contains(t, nothing.String(), `"reason_code": "METRIC_OUT_OF_BOUNDS"`)
	require.NotContains(t, lines.String(), "\x1b")
	require.Equal(t, 1, strings.Count(lines.String(), "approved by alice"), "said when it came, and not again: %s", lines.String())

	var last release.Record
	for _, line := range strings.Split(strings.TrimSpace(documents.String()), "\n") {
		require.NoError(t, json.Unmarshal([]byte(line), &last), line)
	}
	require.Equal(t, "ROLLED_BACK", last.Phase)
}

func TestReleaseWatchOnATerminalDrawsAllStagesAgainAndAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.released(t).ReleaseID
	var out, nothing buffer
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(t.Context(), []string{"release", "watch", id, "--data", b.data}, cli.Streams{Out: &out, Err: &nothing, Live: true, Color: true})
	}()
	frames := func() []string { return strings.Split(out.String(), "\x1b[?7l")[1:] }
	require.Eventually(t, func() bool { return len(frames()) >= 2 }, 10*time.Second, 10*time.Millisecond)
	b.change(t, id, func(r *release.Record) { r.Phase, r.Stage, r.Codes, r.Waits = "CLOSED_GOOD", 1, nil, nil })
	require.Zero(t, <-code, nothing.String())
	for i, frame := range frames() {
		require.Contains(t, frame, "canary ", "frame %d", i)
		require.Contains(t, frame, "rest ", "frame %d", i)
	}
	require.Contains(t, frames()[0], "AWAITING_APPROVAL")
	last := frames()[len(frames())-1]
	require.Contains(t, last, "\x1b[32mcanary")
	require.Contains(t, last, "\x1b[32mrest")
}

func TestCreateWaits(t *testing.T) {
	t.Parallel()
	for phase, want := range map[string]int{"CLOSED_GOOD": 0, "ABORTED": 1} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			done := make(chan result, 1)
			go func() {
				done <- run(t.Context(), "release", "create", "--build", aBuild, "--channel", "prod/main", "--version", "1.2.3", "--idempotency-key", "k", "--wait", "-o", "json", "--data", b.data)
			}()
			id := records.ReleaseID(records.DefaultOrganization, "k")
			end := func(r *release.Record) { r.Phase, r.Codes, r.Code = phase, nil, "STOPPED_BY_OPERATOR" }
			require.Eventually(t, func() bool { return b.Releases.Change(records.DefaultOrganization, id, end) == nil }, 10*time.Second, 10*time.Millisecond)
			r := <-done
			require.Equal(t, want, r.code, r.err)
			var record release.Record
			require.NoError(t, json.Unmarshal([]byte(r.out), &record), "one document and nothing else: %s", r.out)
			require.Equal(t, phase, record.Phase)
			if want != 0 {
				require.Contains(t, r.err, `"reason_code": "STOPPED_BY_OPERATOR"`)
			}
		})
	}
}

func TestBuildStartReleases(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Builds.Next(apitest.Passed)
	var first, again struct {
		records.BuildView
		Release *release.Record `json:"release"`
	}
	args := []string{"build", "start", "--input", "/data", "--release", "prod/main", "--version", "1.2.3", "--idempotency-key", "k", "--reason", "nightly"}
	b.must(t, &first, args...)
	require.Equal(t, records.BuildPassed, first.State)
	require.Equal(t, first.BuildID, first.Release.Request.BuildID)
	require.Equal(t, "1.2.3", first.Release.Request.Version)
	require.Equal(t, "nightly", first.Release.Reason)
	b.must(t, &again, args...)
	require.Equal(t, first.BuildID, again.BuildID)
	require.Equal(t, first.Release.ReleaseID, again.Release.ReleaseID)

	b.Builds.Next(apitest.Blocked)
	r := b.orgo(t, "build", "start", "--input", "/other", "--release", "prod/main", "--version", "1.2.3")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "VALIDATION_FAILED")
	var list client.ReleaseList
	b.must(t, &list, "release", "list")
	require.Len(t, list.Releases, 1, "what was blocked is not released")
}

func TestBadUsageOfReleases(t *testing.T) {
	t.Parallel()
	b := setup(t)
	digest := records.DigestOf([]byte("x")).String()
	for name, tc := range map[string]struct{ args, message string }{
		"create without build":       {"release create --channel prod/main --version 1.2.3", "--build"},
		"create without channel":     {"release create --build a --version 1.2.3", "--channel"},
		"create on half a channel":   {"release create --build a --channel prod --version 1.2.3", "environment/channel"},
		"create without version":     {"release create --build a --channel prod/main", "--version"},
		"reject without reason":      {"release reject a", "--reason"},
		"hold without reason":        {"release hold a", "--reason"},
		"two releases":               {"release approve a b", "the id of one release"},
		"rollback without reason":    {"release rollback a", "--reason"},
		"until without to":           {"release rollback a --until 4h --reason r", "--to"},
		"revoke nothing":             {"release revoke --reason r", "one of"},
		"revoke by two causes":       {"release revoke a --pack " + digest + " --reason r", "one of"},
		"revoke by no digest":        {"release revoke --pack x --reason r", "digest"},
		"revoke without reason":      {"release revoke a", "--reason"},
		"list of no channel":         {"release list --channel prod", "environment/channel"},
		"record of no form":          {"release record a --format pdf", "json or koa"},
		"build with a version alone": {"build start --input x --version 1.2.3", "--release"},
		"build without version":      {"build start --input x --release prod/main", "--version"},
		"no channel":                 {"channel get", "one channel"},
		"half a channel":             {"channel get prod", "environment/channel"},
		"freeze without end":         {"channel freeze prod/main --reason r", "--until"},
		"freeze with two ends":       {"channel freeze prod/main --until 4h --for 4h --reason r", "--until"},
		"freeze until some day":      {"channel freeze prod/main --until tomorrow --reason r", `"tomorrow"`},
		"freeze without reason":      {"channel freeze prod/main --for 4h", "--reason"},
		"pin without pack":           {"channel pin prod/main --for active --until 4h --reason r", "--pack"},
		"pin for nothing":            {"channel pin prod/main --pack " + digest + " --until 4h --reason r", "active or rollback"},
		"pin for ever":               {"channel pin prod/main --pack " + digest + " --for active --reason r", "--until"},
		"pin no digest":              {"channel pin prod/main --pack x --for active --until 4h --reason r", "digest"},
		"unpin of nothing":           {"channel unpin prod/main --for all --reason r", "active or rollback"},
		"minimum of nothing":         {"channel set-min prod/main --reason r", "--version"},
		"nodes without file":         {"channel nodes prod/main", "--file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := b.orgo(t, strings.Fields(tc.args)...)
			require.Equal(t, 2, r.code, "%s%s", r.out, r.err)
			require.Contains(t, r.err, tc.message)
			require.Empty(t, r.out)
		})
	}
	t.Cleanup(func() { require.Empty(t, b.Releases.Asked()); require.Empty(t, b.Channels.Asked()) })
}

func TestBreakGlassNamesItsScope(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.released(t).ReleaseID
	for flags, message := range map[string]string{
		"--case c":                          "--gate",
		"--gate freeze":                     "--case",
		"--gate freeze --case c --for 0s":   "--for",
		"--gate freeze --case c --stage no": `"no"`,
	} {
		r := b.orgo(t, append([]string{"release", "break-glass", id, "--reason", "r"}, strings.Fields(flags)...)...)
		require.Equal(t, 2, r.code, flags)
		require.Contains(t, r.err, message)
	}
	require.Empty(t, b.Releases.Asked())
}

func TestEveryCommandOfReleasesHasAnExample(t *testing.T) {
	t.Parallel()
	for group, commands := range map[string]string{
		"release": "create approve reject promote pause resume hold lift abort rollback revoke quarantine break-glass confirm-break-glass review-break-glass get list watch record why",
		"channel": "get list hold lift freeze unfreeze pin unpin set-min nodes clear",
	} {
		for _, command := range strings.Fields(commands) {
			r := run(t.Context(), group, command, "--help")
			require.Zero(t, r.code)
			require.Contains(t, r.out, "Examples:\n  orgo "+group+" "+command)
		}
	}
}

func TestUnknownReleasesAndChannels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, args := range []string{
		"release get " + noID, "release why " + noID, "release record " + noID, "release watch " + noID, "release approve " + noID,
		"release rollback " + noID + " --reason r", "release revoke " + noID + " --reason r", "channel get prod/none", "channel clear prod/none --reason r",
		"channel pin prod/main --release " + noID + " --for active --until 4h --reason r",
	} {
		r := b.orgo(t, append(strings.Fields(args), "-o", "json")...)
		require.Equal(t, 1, r.code, args)
		require.Contains(t, r.err, `"reason_code": "NOT_FOUND"`, args)
	}
}
