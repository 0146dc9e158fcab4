package release_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/schemas"
)

const buildID = "11111111-1111-8111-8111-111111111111"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func digest(s string) records.Digest { return records.DigestOf([]byte(s)) }

func ref(s string) records.Ref {
	return records.Ref{Digest: digest(s), URI: "file:///artifacts/" + s, MediaType: records.MediaJSON, Size: 9}
}

// strategies has one of every mode.
func strategies() map[release.Mode]release.Strategy {
	return map[release.Mode]release.Strategy{
		release.AllAtOnce:  {Mode: release.AllAtOnce},
		release.Pinned:     {Mode: release.Pinned, PinFor: records.Duration(time.Hour)},
		release.Percentage: {Mode: release.Percentage, Percentage: 10, Soak: records.Duration(1500 * time.Microsecond)},
		release.Staged: {Mode: release.Staged, Cohorts: []release.Portion{{Cohort: "a", Points: 1}, {Cohort: "b", Points: 9999}}, Stages: []release.Stage{
			{Name: "one", Cohorts: []string{"a"}, Observe: records.Duration(time.Second), Manual: true}, {Name: "two", Cohorts: []string{"b"}}}},
	}
}

// requested is the record of a release that nothing was found out of yet.
func requested(s release.Strategy) release.Record {
	return release.Record{
		Kind: "release_record", RecordVersion: release.RecordVersion, Version: 1, Organization: records.DefaultOrganization,
		ReleaseID: "rel_1", CreatedAt: start, CreatedBy: "ann", Reason: "new prices", UpdatedAt: start,
		Request: release.Request{ReleaseID: "rel_1", IdempotencyKey: "k", BuildID: buildID, Version: "1.2.0", Strategy: s,
			Channel: records.ChannelName{Environment: "production", Name: "stable"}},
		Phase: "DRAFT", Status: "DRAFT",
	}
}

// runners are pinned in one way for each kind.
func runners() []records.PinnedStage {
	program, config := digest("program"), ref("config")
	var pinned []records.PinnedStage
	for _, settings := range []records.RunnerSettings{
		{Kind: records.RunnerTarget, Version: "1.0.0", Target: &records.TargetRunner{Name: "directory"}},
		{Kind: records.RunnerHTTP, Version: "1.0.0", HTTP: &records.HTTPRunner{URL: "http://127.0.0.1", PollInterval: records.Duration(time.Second)}},
		{Kind: records.RunnerCommand, Version: "1.0.0", Command: &records.CommandRunner{Program: "/p", Args: []string{""}, Environment: []string{"A"}, Digest: &program, MaxOutput: 1}},
	} {
		stage := records.ReleaseSpine()[len(pinned)].Stage
		pinned = append(pinned, records.PinnedStage{
			Stage: stage, Runner: settings, Digest: digest(string(stage)), Execution: records.ExecuteRemote,
			Timeout: records.Duration(time.Hour), Heartbeat: records.Duration(time.Second), Config: config,
			Retry: records.RetrySettings{MaxAttempts: 3, InitialInterval: 1, MaxInterval: 1, Coefficient: 1.5},
		})
	}
	return pinned
}

// checked fills in what the check found, and everything that may follow.
func checked(t require.TestingT, r release.Record) release.Record {
	plan, refused := rollout.PlanOf(r.Request.Strategy, nil)
	require.Nil(t, refused)
	intent := release.Intent{ReleaseID: r.ReleaseID, Channel: r.Request.Channel, BuildID: buildID, Record: digest("record"), Pack: digest("pack"),
		Version: "1.2.0", Plan: plan, Policy: digest("policy"), Evidence: digest("evidence"), Pins: release.PinsOf(runners())}
	named, err := intent.Digest()
	require.NoError(t, err)
	policy := ref("policy")
	r.Intent, r.IntentDigest, r.Initiator, r.PolicyRef, r.PolicyAuthor, r.Format, r.Solo = &intent, &named, "ben", &policy, "cem", "1.0.0", true
	r.Pack = &index.Pack{BuildID: buildID, Version: "1.2.0", BuiltAt: start, Manifest: ref("manifest"), Exchange: ref("exchange"),
		Files: []records.Artifact{{Name: "pack-file", Path: "a/b", Ref: ref("file")}}}
	later := start.Add(time.Hour)
	r.Votes = []release.Vote{{Actor: "dan", Roles: []string{"legal"}, Intent: named, Approve: true, At: start, ExpiresAt: later, Reason: "read it", Command: "entry"}}
	r.BreakGlass = &release.BreakGlass{CaseID: buildID, Reason: "outage", Gates: []string{"freeze"}, Intent: named, Stage: 1, By: []string{"ann", "bob"},
		OpenedAt: start, ExpiresAt: later, Used: true, ReviewBy: later, Reviewed: json.RawMessage(`{"by":"eva"}`)}
	for _, part := range plan.Parts {
		r.Stages = append(r.Stages, release.StageState{Part: part, Frozen: []release.Frozen{{Cohort: part.Cohorts[0], Count: 3, Digest: digest("frozen"), List: ref("list")}},
			ActivatedAt: &start, ActiveAt: &start, EndsAt: &later, DecideBy: &later, Verdict: "PENDING", Codes: []string{"ANALYSIS_INCOMPLETE"}, Promoted: "ann"})
	}
	r.Runners, r.Spine = runners(), release.NewSpine(plan.Parts, runners())
	for i := range r.Spine {
		row := &r.Spine[i]
		r.BeginStage(row, start, release.SpineInputs(*r.Pack))
		row.Yield(records.StageFinished{Key: "sha256:k", Outputs: r.Pack.Files, Attachments: r.Pack.Files, Metrics: map[string]int64{"lines": 2}, Notes: "n"})
		row.Attempts = []records.AttemptRecord{{Generation: 1, Attempt: 1, At: start, Event: records.TypeStageFailed, EntryID: "e", Codes: []string{"RUNNER_FAILED"}, Message: "m"}}
		row.End(records.StageFail, later, []string{"RUNNER_FAILED"}, "m")
	}
	r.Decisions = []release.DecisionSummary{{EntryID: "e", At: start, Gate: "integrity", Verdict: "PASS", Inputs: digest("evidence")}}
	r.Waits = &release.Wait{For: "analysis", Until: &later}
	return r
}

func fits(t require.TestingT, r release.Record, where string) {
	own, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, schemas.ValidateReleaseRecord(own), "%s: %s", where, own)
	interop, err := json.Marshal(r.KOA())
	require.NoError(t, err)
	require.NoError(t, schemas.ValidateKOAReleaseRecord(interop), "%s: %s", where, interop)
}

// visited is a release in some state, what happened to it, and whether its pack once
// did not verify.
type visited struct {
	release rollout.Release
	events  []release.Event
	failed  bool
}

var happenings = []rollout.ReleaseEventKind{
	rollout.Submitted, rollout.Eligible, rollout.NotEligible, rollout.Agreed, rollout.VotedDown, rollout.IntentChanged, rollout.TurnGranted,
	rollout.Distributed, rollout.NotDistributed, rollout.Verified, rollout.NotVerified, rollout.StageActive, rollout.StageInactive,
	rollout.JudgedGood, rollout.JudgedBad, rollout.WentBack, rollout.NoTargetFound,
	rollout.AskedHold, rollout.AskedLift, rollout.AskedAbort, rollout.AskedRollback, rollout.WasRevoked, rollout.WasSuperseded,
}

// next returns where a release comes to by one event, if it takes that.
func (v visited) next(on rollout.ReleaseEventKind, stage int) (visited, bool) {
	in := rollout.ReleaseEvent{Kind: on, Stage: stage, Actor: "ann", Owner: "ann", Reason: "r", Code: gates.MetricOutOfBounds}
	after, _, refused := v.release.Reduce(in)
	if refused != nil {
		return visited{}, false
	}
	event := release.Event{At: start, Type: strings.ToUpper(string(on)), Actor: "ann", Details: json.RawMessage(`{"stage":1}`)}
	if on == rollout.NotVerified {
		event.Type = release.EventVerifyFailed
	}
	return visited{after, append(slices.Clone(v.events), event), v.failed || on == rollout.NotVerified}, true
}

// record is the record of a release in this state.
func (v visited) record(t require.TestingT, s release.Strategy) release.Record {
	r := requested(s)
	if !slices.Contains([]rollout.Phase{rollout.PhaseDraft, rollout.PhaseChecking, rollout.PhaseIneligible}, v.release.Phase) {
		r = checked(t, r)
	}
	r.Phase, r.Status, r.Stage, r.Revoked = string(v.release.Phase), string(v.release.Status()), v.release.Stage, v.release.Revoked
	if v.release.Code != "" {
		r.Code, r.Codes = string(v.release.Code), []string{string(v.release.Code)}
	}
	for _, hold := range v.release.Holds {
		r.Holds = append(r.Holds, release.Hold(hold))
	}
	r.Events = v.events
	return r
}

// Whatever a release comes to, its record fits both forms, and it is never RELEASED
// after a verification that failed.
func TestRecordsOfEveryPhaseFitTheContract(t *testing.T) {
	t.Parallel()
	reached := map[rollout.Phase]bool{}
	seen := map[string]bool{}
	queue := []visited{{release: rollout.NewRelease("rel_1", 2)}}
	for ; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		where := fmt.Sprintf("%s, failed %v", v.release.Phase, v.failed)
		for mode, s := range strategies() {
			sealed, _, err := v.record(t, s).Sealed()
			require.NoError(t, err, where)
			require.NoError(t, sealed.VerifyHash(), where)
			fits(t, sealed, fmt.Sprintf("%s of mode %s", where, mode))
			require.False(t, v.failed && sealed.KOA().Status == "RELEASED", where)
		}
		reached[v.release.Phase] = true
		for _, on := range happenings {
			for _, stage := range []int{0, 1} {
				next, taken := v.next(on, stage)
				key := fmt.Sprintf("%+v %v", next.release, next.failed)
				if taken && !seen[key] {
					seen[key] = true
					queue = append(queue, next)
				}
			}
		}
	}
	require.Len(t, reached, 17)
}

// The planted fault: a workflow that closes well what did not verify cannot write that
// down, and neither form takes it.
func TestWhatDidNotVerifyIsNeverReleased(t *testing.T) {
	t.Parallel()
	good := visited{release: rollout.Release{ID: "rel_1", Phase: rollout.PhaseClosedGood, Stage: 1, Stages: 2}}.record(t, strategies()[release.AllAtOnce])
	require.Equal(t, "RELEASED", good.Status)
	sealed, _, err := good.Sealed()
	require.NoError(t, err)
	fits(t, sealed, "closed well")

	failed := sealed
	failed.Events = []release.Event{{At: start, Type: release.EventVerifyFailed, Actor: "orgo"}}
	_, _, err = failed.Sealed()
	require.ErrorContains(t, err, "did not verify")
	own, err := json.Marshal(failed)
	require.NoError(t, err)
	require.Error(t, schemas.ValidateReleaseRecord(own))
	interop, err := json.Marshal(failed.KOA())
	require.NoError(t, err)
	require.Error(t, schemas.ValidateKOAReleaseRecord(interop))

	refusal := release.DecisionSummary{EntryID: "f", At: start, Gate: "integrity", Stage: 1, Verdict: "NO_DATA", Inputs: digest("none")}
	refused := good
	refused.Decisions = append(slices.Clone(good.Decisions), refusal)
	_, _, err = refused.Sealed()
	require.ErrorContains(t, err, "stage 1")
	again := refusal
	again.Verdict = "PASS"
	refused.Decisions = append(refused.Decisions, again)
	_, _, err = refused.Sealed()
	require.NoError(t, err, "the newest on a stage counts")
	again.Stage = 0
	refused.Decisions[len(refused.Decisions)-1] = again
	_, _, err = refused.Sealed()
	require.Error(t, err, "that of another stage does not")
}

// The hash is of all the rest: any change of the record is seen.
func TestAChangedRecordIsSeen(t *testing.T) {
	t.Parallel()
	sealed, _, err := checked(t, requested(strategies()[release.Staged])).Sealed()
	require.NoError(t, err)
	require.NoError(t, sealed.VerifyHash())
	again, form, err := sealed.Sealed()
	require.NoError(t, err)
	require.Equal(t, sealed, again)
	whole, err := records.Canonical(sealed)
	require.NoError(t, err)
	require.Equal(t, string(whole), string(form))
	for name, change := range map[string]func(*release.Record){
		"its status":   func(r *release.Record) { r.Status = "RELEASED" },
		"its version":  func(r *release.Record) { r.Version++ },
		"a vote":       func(r *release.Record) { r.Votes = nil },
		"its hash":     func(r *release.Record) { r.Hash = digest("other") },
		"no hash":      func(r *release.Record) { r.Hash = records.Digest{} },
		"what is seen": func(r *release.Record) { r.Seen++ },
	} {
		changed := sealed
		change(&changed)
		require.Error(t, changed.VerifyHash(), name)
	}
	broken := requested(strategies()[release.AllAtOnce])
	broken.Events = []release.Event{{At: start, Type: "X", Actor: "ann", Details: json.RawMessage(`{`)}}
	_, _, err = broken.Sealed()
	require.ErrorContains(t, err, "rel_1")
}

func TestTheInteropForm(t *testing.T) {
	t.Parallel()
	r := checked(t, requested(strategies()[release.Staged]))
	r.Status, r.Codes = "QUEUED", []string{"RELEASE_QUEUED", "CHANNEL_FROZEN"}
	r.Events = []release.Event{{At: start, Type: "QUEUED", Actor: "ann"}}
	interop, err := json.Marshal(r.KOA())
	require.NoError(t, err)
	hash := func(s string) string { return `"alg":"sha256","value":"` + digest(s).Value + `"` }
	require.JSONEq(t, `{"release_id":"rel_1","created_at":"2026-03-01T12:00:00Z","created_by":"ann","updated_at":"2026-03-01T12:00:00Z",
		"build_ref":{`+hash("record")+`,"uri":"urn:uuid:`+buildID+`"},
		"artifacts":[{"artifact_type":"runtime_pack_manifest","artifact_ref":{`+hash("manifest")+`,"uri":"file:///artifacts/manifest"},"artifact_hash":{`+hash("manifest")+`}},
			{"artifact_type":"exchange_manifest","artifact_ref":{`+hash("exchange")+`,"uri":"file:///artifacts/exchange"},"artifact_hash":{`+hash("exchange")+`}}],
		"channels":[{"channel_id":"production/stable","target_cohorts":["a","b"]}],
		"strategy":{"mode":"staged","stages":[
			{"name":"one","target_cohorts":["a"],"conditions":{"observe":"1s","deadline":"10m0s","manual":true}},
			{"name":"two","target_cohorts":["b"],"conditions":{"observe":"1m0s","deadline":"10m0s","manual":false}}]},
		"status":"QUEUED","status_reason":"RELEASE_QUEUED CHANNEL_FROZEN","events":[{"at":"2026-03-01T12:00:00Z","type":"QUEUED","actor":"ann"}]}`, string(interop))

	r.Pack, r.Intent, r.Code = nil, nil, "DIGEST_MISMATCH"
	koa := r.KOA()
	require.Equal(t, "DIGEST_MISMATCH", koa.StatusReason)
	require.Equal(t, []release.KOAStage{{Name: "one", TargetCohorts: []string{"a"}}, {Name: "two", TargetCohorts: []string{"b"}}}, koa.Strategy.Stages)

	r.Request.Strategy = strategies()[release.Percentage]
	koa = r.KOA()
	require.Equal(t, []release.KOAArtifact{{Type: "build", Ref: koa.BuildRef, Hash: digest(buildID)}}, koa.Artifacts)
	require.Equal(t, 10, *koa.Strategy.Percentage)
	require.Nil(t, koa.Strategy.Stages)
}

// What is not of a form is refused: a key more at any level, a mode without what it
// needs, a time elsewhere.
func TestWhatIsNoRecordIsRefused(t *testing.T) {
	t.Parallel()
	sealed, _, err := checked(t, requested(strategies()[release.Percentage])).Sealed()
	require.NoError(t, err)
	for name, x := range map[string]struct {
		of       any
		validate func([]byte) error
	}{
		"own": {sealed, schemas.ValidateReleaseRecord}, "interop": {sealed.KOA(), schemas.ValidateKOAReleaseRecord},
	} {
		sound, err := json.Marshal(x.of)
		require.NoError(t, err)
		var root any
		require.NoError(t, json.Unmarshal(sound, &root))
		places := everyObject(root, "")
		require.NotEmpty(t, places)
		for path, object := range places {
			object["stray"] = 1
			form, err := json.Marshal(root)
			require.NoError(t, err)
			open := strings.HasSuffix(path, "/reviewed") || strings.HasSuffix(path, "/details") || strings.HasSuffix(path, "/metrics")
			require.Equal(t, open, x.validate(form) == nil, "%s%s", name, path)
			delete(object, "stray")
		}
		for from, to := range map[string]string{
			`"percentage":10`:                    `"percentage":101`,
			`"2026-03-01T12:00:00Z"`:             `"2026-03-01T13:00:00+01:00"`,
			`"mode":"percentage"`:                `"mode":"staged_"`,
			`"release_id":"rel_1"`:               `"release_id":""`,
			`"status":"DRAFT"`:                   `"status":"DONE"`,
			`"alg":"sha256"`:                     `"alg":"md5"`,
			`"events":[]`:                        `"events":null`,
			`"value":"` + digest("record").Value: `"value":"` + strings.ToUpper(digest("record").Value),
		} {
			require.Contains(t, string(sound), from, name)
			require.Error(t, x.validate([]byte(strings.Replace(string(sound), from, to, 1))), "%s: %s", name, to)
		}
	}
}

func everyObject(value any, path string) map[string]map[string]any {
	places := map[string]map[string]any{}
	add := func(key string, member any) {
		for at, object := range everyObject(member, path+"/"+key) {
			places[at] = object
		}
	}
	switch v := value.(type) {
	case map[string]any:
		places[path] = v
		for key, member := range v {
			add(key, member)
		}
	case []any:
		for i, member := range v {
			add(fmt.Sprint(i), member)
		}
	}
	return places
}
