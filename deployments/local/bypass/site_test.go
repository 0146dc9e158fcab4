// Package bypass tries to get around what Orgo asks of people, from every side that
// somebody could come from: the API, the command line and Temporal itself.
package bypass

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/control"
	orgo "github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/deployments/local/harness"
	"github.com/initkoa/orgo/deployments/local/temporal"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

const organization = records.DefaultOrganization

// policyOf is a policy of two persons, one of them of security. Its rules of health are
// met by what the target itself says.
func policyOf(bundle, maxAge string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"schema_version":"1.0.0","kind":"mandate_bundle","bundle_id":%q,"created_at":"2026-01-01T00:00:00Z",
"issuer":{"organization_id":%q,"issuer_id":"bypass"},"mandate":{"mandate_id":"m","name":"two persons"},
"policies":[{"policy_id":"p","version":"1.0.0","name":"release","enforcement":"MUST","rules":[
{"rule_id":"passed","type":"validation","config":{"admit":["passed"]}},
{"rule_id":"people","type":"approvals","config":{"quorum":2,"roles":{"security":1},"max_age":%q}},
{"rule_id":"upgrade","type":"compatibility","config":{"downgrade":"refuse","format":"same_major"}},
{"rule_id":"health","type":"rollout_health","config":{"metrics":[{"name":"activation.proven","min":0.9,"min_samples":1,"max_consecutive_failures":1000},
{"name":"execution.failure_rate","max":0.5,"min_samples":1}],
"min_reporting_percent":90,"max_age":"2m"}},
{"rule_id":"glass","type":"override","config":{"gates":["approvals"],"max_duration":"4h"}}]}]}`, bundle, organization, maxAge))
}

// The persons. ann asks for releases, ben started their builds and pol wrote the policy.
var roles = map[string][]string{
	"ann": nil, "ben": nil, "cem": nil, "dan": {"security"}, "eva": {"security"}, "pol": {"security"}, "adm": {"admin", "owner", "*"},
	"Cem": {"security"}, "ｃｅｍ": {"security"}, "cem\u200b": {"security"}, "\u0441em": {"security"}, "cem ": {"security"}, "Ann": {"security"},
	"orgo": {"security"}, "Orgo": {"security"},
}

func by(actor string) api.Identity {
	return api.Identity{Actor: actor, Organization: organization, Roles: roles[actor]}
}

// site is a running system: server, worker, stores, API and relay.
type site struct {
	*stack.Stack
	temporal client.Client
	url      string
	dir      string
	building sync.Mutex
	builds   []records.BuildView // of different packs
	scenes   atomic.Int64
}

func newSite(t *testing.T) *site {
	t.Helper()
	ctx := t.Context()
	s := &site{dir: t.TempDir()}
	server, err := harness.StartServer(ctx, s.dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	tokens := filepath.Join(s.dir, "tokens.json")
	s.writeTokens(t, tokens)
	h, err := harness.Open(ctx, harness.Options{Server: server, Dir: s.dir, Relay: 100 * time.Millisecond, Tokens: tokens, Unsequenced: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	s.Stack, s.temporal = h.Stack, h.Temporal
	handler, err := s.Handler()
	require.NoError(t, err)
	served := httptest.NewServer(handler)
	t.Cleanup(served.Close)
	s.url = served.URL
	for range 2 {
		s.build(t)
	}
	return s
}

// policies is the control over policies.
func (s *site) policies() control.Policies {
	return control.Policies{Store: s.Store(), Artifacts: s.Artifacts(), Clock: activities.SystemClock{}}
}

// decode reads JSON.
func decode(body []byte, into any) error { return json.Unmarshal(body, into) }

// temporalNamespace is the one that the server makes.
const temporalNamespace = temporal.DefaultNamespace

// token is a bearer token of a person, who has two.
func token(actor string, n int) string { return fmt.Sprintf("token-%d-of-%x", n, actor) }

func (s *site) writeTokens(t *testing.T, path string) {
	t.Helper()
	var entries []api.TokenEntry
	for actor, has := range roles {
		for n := range 2 {
			entries = append(entries, api.TokenEntry{TokenSHA256: api.HashToken(token(actor, n)), Actor: actor, Organization: organization, Roles: has})
		}
	}
	data, err := json.Marshal(entries)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// build makes a pack of its own, started by ben, and returns which build it is.
func (s *site) build(t *testing.T) int {
	t.Helper()
	s.building.Lock()
	defer s.building.Unlock()
	n := len(s.builds)
	inputs := filepath.Join(s.dir, fmt.Sprint("inputs-", n))
	require.NoError(t, os.Mkdir(inputs, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(inputs, "moons.csv"), fmt.Appendf(nil, "name,radius\nIo,18%02d.6\n", n), 0o600))
	pipeline, err := harness.Pipeline(records.ExecuteInline)
	require.NoError(t, err)
	h := &harness.Harness{Stack: s.Stack, Temporal: s.temporal}
	documents, err := h.Store(t.Context(), pipeline)
	require.NoError(t, err)
	policy, err := h.Put(t.Context(), policyOf("two-persons", "24h"))
	require.NoError(t, err)
	view, err := s.Builds().Start(t.Context(), records.BuildRequest{
		Organization: organization, IdempotencyKey: fmt.Sprint("build-", n), Inputs: []records.Input{{URI: "file://" + inputs}},
		Pipeline: documents.Pipeline, Policy: policy, Contracts: documents.Contracts,
		Trigger: records.Trigger{Type: records.TriggerManual, Actor: "ben", Reason: "bypass"},
	})
	require.NoError(t, err)
	outcome, err := h.Wait(t.Context(), view.BuildID)
	require.NoError(t, err)
	require.Equal(t, records.BuildPassed, outcome.State)
	s.builds = append(s.builds, view)
	return n
}

func (s *site) built(n int) string {
	s.building.Lock()
	defer s.building.Unlock()
	return s.builds[n].BuildID
}

// builtAs returns which build the release is of.
func (s *scene) builtAs() int {
	s.building.Lock()
	defer s.building.Unlock()
	return slices.IndexFunc(s.builds, func(b records.BuildView) bool { return b.BuildID == s.record().Request.BuildID })
}

// scene is one release on a channel of its own.
type scene struct {
	*site
	t       *testing.T
	channel records.ChannelName
	id      string
}

// strategy has one stage that is watched for longer than any test.
func strategy(manual bool) release.Strategy {
	return release.Strategy{
		Mode: release.Staged, Cohorts: []release.Portion{{Cohort: "all", Points: 10000}},
		Stages: []release.Stage{{Name: "all", Cohorts: []string{"all"}, Observe: records.Duration(time.Hour), Deadline: records.Duration(2 * time.Hour), Manual: manual}},
	}
}

// brief is one that is watched for a moment.
func brief() release.Strategy {
	s := strategy(false)
	s.Stages[0].Observe, s.Soak = records.Duration(50*time.Millisecond), records.Duration(50*time.Millisecond)
	return s
}

// open gives a test a channel of its own.
func (s *site) open(t *testing.T) *scene {
	return &scene{site: s, t: t, channel: records.ChannelName{Environment: "production", Name: fmt.Sprint("row-", s.scenes.Add(1))}}
}

// create has ann ask for a release of a build.
func (s *scene) create(build int, asked release.Strategy, change ...func(*release.Request)) *scene {
	s.t.Helper()
	request := release.Request{
		IdempotencyKey: fmt.Sprintf("%s/%d/%d", s.channel, build, s.scenes.Add(1)), BuildID: s.built(build), Channel: s.channel,
		Version: fmt.Sprintf("1.%d.0", build), Strategy: asked,
	}
	for _, c := range change {
		c(&request)
	}
	record, err := s.Releases().Create(s.t.Context(), organization, request, by("ann"), "it is ready")
	require.NoError(s.t, err)
	next := *s
	next.id = record.ReleaseID
	return &next
}

// waiting is a release that waits for two approvals.
func (s *site) waiting(t *testing.T) *scene {
	t.Helper()
	return s.open(t).create(0, strategy(false)).until(rollout.PhaseAwaitingApproval)
}

// observing is one that was approved, and is watched.
func (s *site) observing(t *testing.T) *scene {
	t.Helper()
	return s.waiting(t).approved().until(rollout.PhaseObserving)
}

func (s *scene) record() release.Record {
	s.t.Helper()
	record, err := s.Releases().Release(s.t.Context(), organization, s.id)
	require.NoError(s.t, err)
	return record
}

func (s *scene) on() rollout.Record {
	s.t.Helper()
	record, err := s.Channels().Channel(s.t.Context(), organization, s.channel)
	if errors.Is(err, store.ErrNotFound) {
		return rollout.NewRecord(organization, s.channel)
	}
	require.NoError(s.t, err)
	return record
}

func (s *scene) eventually(what string, is func() bool) *scene {
	s.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !is() {
		if time.Now().After(deadline) {
			r := s.record()
			require.FailNow(s.t, "it never came to be: "+what, "release %s is %s %s %v, waits %+v, channel %s", r.ReleaseID, r.Phase, r.Code, r.Codes, r.Waits, s.on().State())
		}
		time.Sleep(20 * time.Millisecond) // between two looks at the condition
	}
	return s
}

func (s *scene) until(phase rollout.Phase) *scene {
	s.t.Helper()
	return s.eventually(string(phase), func() bool { return s.record().Phase == string(phase) })
}

func (s *scene) ballot() release.Ballot { return release.Ballot{Intent: *s.record().IntentDigest} }

func commandOf(action string, arguments any) records.Command {
	command := records.Command{Action: action}
	if arguments != nil {
		command.Arguments, _ = json.Marshal(arguments) // plain data
	}
	return command
}

// act asks as the control behind API and command line does.
func (s *scene) act(actor, action string, arguments any) error {
	_, err := s.Releases().Act(s.t.Context(), organization, s.id, commandOf(action, arguments), orgo.NewKey(), by(actor), "because")
	return err
}

func (s *scene) vote(actor string) error { return s.act(actor, release.ActionApprove, s.ballot()) }

// approved has the two persons agree that may.
func (s *scene) approved() *scene {
	s.t.Helper()
	require.NoError(s.t, s.vote("cem"))
	require.NoError(s.t, s.vote("dan"))
	return s
}

func (s *scene) actOnChannel(actor, action string, arguments any) error {
	_, err := s.Channels().Act(s.t.Context(), organization, s.channel, commandOf(action, arguments), orgo.NewKey(), by(actor), "because")
	return err
}

// must is for what a scene needs.
func (s *scene) must(err error) { s.t.Helper(); require.NoError(s.t, err) }

// call sends a request to the API and returns the refusal, or nil.
func (s *scene) call(bearer, method, path string, body any) error {
	s.t.Helper()
	encoded, err := json.Marshal(body)
	s.must(err)
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(encoded))
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	s.must(err)
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	s.must(err)
	if answer.StatusCode < 300 {
		return nil
	}
	var problem struct {
		Code   gates.Code `json:"reason_code"`
		Detail string     `json:"detail"`
	}
	_ = json.Unmarshal(said, &problem) // an answer that is none has no code
	return &api.Refusal{Code: problem.Code, Message: fmt.Sprintf("%d %s", answer.StatusCode, problem.Detail)}
}

func (s *scene) releasePath(action string) string {
	return "/v1/releases/" + s.id + "/actions/" + action
}

func (s *scene) channelPath(action string) string {
	return "/v1/channels/" + s.channel.Environment + "/" + s.channel.Name + "/actions/" + action
}

// update sends a Temporal update as anybody can who reaches Temporal.
func (s *scene) update(workflowID string, arguments ...any) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	handle, err := s.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: workflows.UpdateAct, Args: arguments, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	var outcome records.CommandOutcome
	if err := handle.Get(ctx, &outcome); err != nil || outcome.Accepted() {
		return err
	}
	return &api.Refusal{Code: gates.Code(outcome.Code), Message: outcome.Message}
}

func (s *scene) workflow() string { return workflows.ReleaseWorkflowID(organization, s.id) }

func (s *scene) channelWorkflow() string { return workflows.ChannelWorkflowID(organization, s.channel) }

// codeOf is the reason code with which somebody was refused.
func codeOf(err error) gates.Code {
	var refused *api.Refusal
	var application *sdk.ApplicationError
	switch {
	case errors.As(err, &refused):
		return refused.Code
	case errors.As(err, &application):
		return gates.Code(application.Type())
	case err != nil:
		return gates.Code("error: " + err.Error())
	default:
		return ""
	}
}

// entries are those of the release and of its channel.
func (s *scene) entries() []store.Stored {
	s.t.Helper()
	var all []store.Stored
	for _, subject := range []records.Subject{records.ReleaseSubject(s.id), records.ChannelSubject(organization, s.channel)} {
		found, err := s.Store().Entries(s.t.Context(), organization, subject, store.EntryQuery{})
		s.must(err)
		all = append(all, found...)
	}
	return all
}

// idle waits until neither workflow has anything to do.
func (s *scene) idle() {
	s.t.Helper()
	quiet := func(id string) bool {
		d, err := s.temporal.DescribeWorkflowExecution(s.t.Context(), id, "")
		return err != nil || d.GetPendingWorkflowTask() == nil && len(d.GetPendingActivities()) == 0
	}
	still := 0
	s.eventually("quiet", func() bool {
		if still++; !quiet(s.workflow()) || !quiet(s.channelWorkflow()) {
			still = 0
		}
		return still > 5
	})
}

// standing is all that somebody could want to move.
type standing struct {
	Phase                           string
	Stage                           int
	Votes                           []string
	Glass                           string
	Held                            []release.Hold
	Promoted                        string
	Sequence                        int64
	Slots                           []rollout.Slot
	Turn                            string
	TurnStage                       int
	Good                            []rollout.Placement
	Holds                           []rollout.Hold
	Pins                            []rollout.Pin
	Freezes                         []rollout.Freeze
	Minimum                         string
	Revoked, Quarantined, Contained []string
}

func (s *scene) standing() standing {
	s.t.Helper()
	r, c := s.record(), s.on()
	now := standing{
		Phase: r.Phase, Stage: r.Stage, Held: r.Holds, Sequence: c.Sequence, Slots: c.Slots, Good: c.Good, Holds: c.Holds, Pins: c.Pins,
		Freezes: c.Freezes, Minimum: c.Minimum,
	}
	for _, v := range r.Votes {
		now.Votes = append(now.Votes, fmt.Sprintf("%s %t", v.Actor, v.Approve))
	}
	if r.BreakGlass != nil {
		now.Glass = fmt.Sprint(r.BreakGlass.By, r.BreakGlass.Used, r.BreakGlass.Stage, r.BreakGlass.Gates)
	}
	if len(r.Stages) > 0 {
		now.Promoted = r.Stages[0].Promoted
	}
	if c.Turn != nil {
		now.Turn, now.TurnStage = c.Turn.ReleaseID, c.Turn.Stage
	}
	for _, d := range c.Revoked {
		now.Revoked = append(now.Revoked, d.String())
	}
	for _, d := range c.Quarantined {
		now.Quarantined = append(now.Quarantined, d.String())
	}
	if c.Containment != nil {
		now.Contained = c.Containment.Releases
	}
	return now
}

// told reports whether entries after the first n say that something was refused so.
func told(entries []store.Stored, before map[string]bool, entryType string, code gates.Code) bool {
	return slices.ContainsFunc(entries, func(e store.Stored) bool {
		return !before[e.ID] && e.Type == entryType && (code == "" || slices.Contains(e.Codes, string(code)))
	})
}
