package gates_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// The names of these tests are the numbers of FAIL-OPEN.md: how other systems let
// pass what they should not have.

// parsed returns the rules of one MUST policy.
func parsed(t *testing.T, rules ...string) gates.Ruleset {
	t.Helper()
	policy, err := gates.ParsePolicy(digest("policy"), bundleOf(rules...))
	require.NoError(t, err)
	compiled, err := policy.Compile()
	require.NoError(t, err)
	return compiled
}

func bundleOf(rules ...string) []byte {
	for i, text := range rules {
		kind, config, _ := strings.Cut(text, " ")
		rules[i] = fmt.Sprintf(`{"rule_id":"r%d","type":%q,"config":%s}`, i, kind, config)
	}
	return []byte(`{"bundle_id":"b","policies":[{"policy_id":"p","version":"1.0.0","enforcement":"MUST","rules":[` + strings.Join(rules, ",") + `]}]}`)
}

// refused requires that a bundle is refused, at a pointer.
func refused(t *testing.T, pointer string, bundle []byte) {
	t.Helper()
	_, err := gates.ParsePolicy(digest("policy"), bundle)
	var wrong *gates.PolicyError
	require.ErrorAs(t, err, &wrong, "%s", bundle)
	require.Equal(t, pointer, wrong.Pointer, "%s: %v", bundle, err)
}

const configAt = "/policies/0/rules/0/config"

const healthRule = `rollout_health {"metrics":[{"name":"errors","max":0.05,"min_samples":10}],"min_reporting_percent":80,"max_age":"5m"}`

func soundWindow() gates.Window {
	value := 0.01
	return gates.Window{Digest: digest("window"), ActivatedAt: at.Add(-time.Hour), From: at.Add(-time.Hour), To: at.Add(-time.Minute), Ended: true,
		Expected: 100, Reporting: 100, Measured: 1, Metrics: []gates.Metric{{Name: "errors", Samples: 100, Value: &value}}}
}

// health decides over a sound window that was changed.
func health(t *testing.T, change func(*gates.Window)) gates.Decision {
	t.Helper()
	c, w := context(records.Activate), soundWindow()
	c.Rules = parsed(t, healthRule)
	require.True(t, gates.Health(c, w).Permits())
	change(&w)
	return gates.Health(c, w)
}

// A metric without a condition is refused at registration, and no number is not
// within bounds.
func TestFailOpen01MetricWithoutCondition(t *testing.T) {
	t.Parallel()
	refused(t, configAt+"/metrics/0", bundleOf(strings.Replace(healthRule, `"max":0.05,`, "", 1)))
	refused(t, configAt+"/metrics", bundleOf(`rollout_health {"metrics":[],"min_reporting_percent":80,"max_age":"5m"}`))
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		d := health(t, func(w *gates.Window) { w.Metrics[0].Value = &value })
		require.False(t, d.Permits())
		require.Contains(t, d.Codes, gates.MetricNoData)
	}
}

// Absence is no value: neither zero nor a default, and an expression cannot make
// one of it.
func TestFailOpen02AbsenceIsNoDefault(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*gates.Window){
		func(w *gates.Window) { w.Metrics[0].Value = nil },
		func(w *gates.Window) { w.Metrics[0].Samples = 0 },
		func(w *gates.Window) { w.Metrics[0].Name = "latency" },
	} {
		require.Equal(t, []gates.Code{gates.MetricNoData}, health(t, change).Codes)
	}
	for _, expression := range []string{"has(files)", "default(files, 0) < 5", "dyn(files) == null || files < 5"} {
		refused(t, configAt+"/expression", bundleOf(fmt.Sprintf(`cel {"gate":"provenance","expression":%q,"message":"m","refuses":{"files":9}}`, expression)))
	}
	// What stands beside an absent fact does not decide for it.
	c := context(records.Ingest)
	c.Rules = parsed(t, `cel {"gate":"provenance","expression":"generation >= 1 || files < 5","message":"m","refuses":{"generation":0,"files":9}}`)
	require.Contains(t, gates.Origin(c, gates.ProvenanceInputs{Snapshot: digest("s")}).Codes, gates.EvidenceMissing)
}

// Failures are not counted against a limit below which all may fail: every metric
// that is out of bounds refuses.
func TestFailOpen03EveryFailureRefuses(t *testing.T) {
	t.Parallel()
	bad := 0.9
	require.Equal(t, []gates.Code{gates.MetricOutOfBounds}, health(t, func(w *gates.Window) { w.Metrics[0].Value = &bad }).Codes)
	c := context(records.Activate)
	c.Rules = parsed(t, `rollout_health {"metrics":[{"name":"errors","max":0.05,"min_samples":1},{"name":"latency","max":1,"min_samples":1}],"min_reporting_percent":1,"max_age":"1h"}`)
	w := soundWindow()
	w.Metrics[0].Value = &bad
	require.Equal(t, []gates.Code{gates.MetricNoData, gates.MetricOutOfBounds}, gates.Health(c, w).Codes, "one fails and the other was never measured")
}

// An analysis that was ended early is none.
func TestFailOpen04EndedEarly(t *testing.T) {
	t.Parallel()
	d := health(t, func(w *gates.Window) { w.Ended = false })
	require.Equal(t, gates.Pending, d.Verdict)
	require.Equal(t, []gates.Code{gates.AnalysisIncomplete}, d.Codes)
	require.False(t, health(t, func(w *gates.Window) { *w = gates.Window{Ended: true} }).Permits(), "there is no window")
	nothing := soundWindow()
	nothing.Metrics, nothing.Measured = nil, 0
	require.False(t, gates.Health(context(records.Activate), nothing).Permits(), "nothing was measured, and no rule asks for it")
}

// An override is no standing permission. Each is a decision of its own, with
// actor, reason, case and expiry, of one refusal, which stays.
func TestFailOpen05OverridesAreDecisions(t *testing.T) {
	t.Parallel()
	c := context(records.Activate)
	c.Rules = parsed(t, `override {"gates":["rollout-health"],"max_duration":"4h","separate":true}`, healthRule)
	early := soundWindow()
	early.Ended = false
	refusal := gates.Health(c, early)
	sound := gates.Override{Actor: "olga", Reason: "outage", CaseID: "INC-1", ExpiresAt: at.Add(time.Hour), Of: refusal.InputsDigest}
	over := gates.Overrule(c, refusal, "rita", sound)
	require.True(t, over.Permits())
	require.Equal(t, sound, *over.Override)
	require.False(t, refusal.Permits(), "the refusal stays")
	require.False(t, gates.Health(c, early).Permits(), "the gate refuses again")

	early.Reporting--
	next := gates.Health(c, early)
	require.False(t, gates.Overrule(c, next, "rita", sound).Permits(), "another refusal")
	for name, change := range map[string]func(*gates.Override){
		"nobody":       func(o *gates.Override) { o.Actor = "" },
		"who asked":    func(o *gates.Override) { o.Actor = "rita" },
		"no reason":    func(o *gates.Override) { o.Reason = "" },
		"no case":      func(o *gates.Override) { o.CaseID = "" },
		"no expiry":    func(o *gates.Override) { o.ExpiresAt = time.Time{} },
		"expired":      func(o *gates.Override) { o.ExpiresAt = at },
		"for ever":     func(o *gates.Override) { o.ExpiresAt = at.Add(1000 * time.Hour) },
		"of nothing":   func(o *gates.Override) { o.Of = records.Digest{} },
		"of something": func(o *gates.Override) { o.Of = digest("something") },
	} {
		o := sound
		change(&o)
		require.False(t, gates.Overrule(c, refusal, "rita", o).Permits(), name)
	}
	require.False(t, gates.Overrule(c, over, "rita", sound).Permits(), "an override is not overridden")
}

// No data is never a score: a group without data, an empty series and a tie are
// all the same refusal, again and again.
func TestFailOpen10EmptyDataScoresNothing(t *testing.T) {
	t.Parallel()
	empty := func(w *gates.Window) { w.Metrics, w.Measured, w.Reporting = []gates.Metric{}, 0, 0 }
	first := health(t, empty)
	require.Equal(t, []gates.Code{gates.EvidenceMissing}, first.Codes)
	for range 20 {
		require.Equal(t, canonical(t, first), canonical(t, health(t, empty)))
	}
	atLimit := 0.05
	require.True(t, health(t, func(w *gates.Window) { w.Metrics[0].Value = &atLimit }).Permits(), "the bound itself is within")
}

// Approvals do not pile up: an old one, one of another intent, one of nobody and
// one of whoever asked count nothing.
func TestFailOpen11ApprovalsDoNotPileUp(t *testing.T) {
	t.Parallel()
	c := context(records.Activate)
	c.Rules = parsed(t, `approvals {"quorum":1,"max_age":"24h"}`)
	decide := func(change func(*gates.Vote)) gates.Decision {
		one := 1
		vote := gates.Vote{Actor: "ann", Intent: digest("intent"), Approve: true, At: at.Add(-time.Hour), ExpiresAt: at.Add(time.Hour)}
		change(&vote)
		return gates.Approvals(c, gates.Votes{Intent: digest("intent"), Requester: "rita", Initiator: "ian", Recorded: &one, Votes: []gates.Vote{vote}})
	}
	require.True(t, decide(func(*gates.Vote) {}).Permits())
	for name, change := range map[string]func(*gates.Vote){
		"as old as max_age":      func(v *gates.Vote) { v.At = at.Add(-24 * time.Hour) },
		"of another intent":      func(v *gates.Vote) { v.Intent = digest("the one before") },
		"of no intent":           func(v *gates.Vote) { v.Intent = records.Digest{} },
		"of nobody":              func(v *gates.Vote) { v.Actor = "" },
		"of the requester":       func(v *gates.Vote) { v.Actor = "rita" },
		"of the build's starter": func(v *gates.Vote) { v.Actor = "ian" },
		"expired":                func(v *gates.Vote) { v.ExpiresAt = at },
		"without an expiry":      func(v *gates.Vote) { v.ExpiresAt = time.Time{} },
		"to come":                func(v *gates.Vote) { v.At = at.Add(time.Minute) },
		"of no time":             func(v *gates.Vote) { v.At = time.Time{} },
		"a rejection":            func(v *gates.Vote) { v.Approve = false },
	} {
		require.False(t, decide(change).Permits(), name)
	}
}

// Nothing is on because its key is there: "false", "", null and 0 are refused
// where another type, or anything that could refuse, is asked for.
func TestFailOpen12FalseIsNotTrue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, pointer string }{
		{`override {"gates":["freeze"],"max_duration":"4h","separate":"false"}`, "/separate"},
		{`override {"gates":["freeze"],"max_duration":"4h","separate":""}`, "/separate"},
		{`override {"gates":["freeze"],"max_duration":"4h","separate":0}`, "/separate"},
		{`override {"gates":["freeze"],"max_duration":""}`, "/max_duration"},
		{`override {"gates":["freeze"],"max_duration":0}`, "/max_duration"},
		{`override {"gates":null,"max_duration":"4h"}`, "/gates"},
		{`override {"gates":"freeze","max_duration":"4h"}`, "/gates"},
		{`approvals {"solo":"true"}`, "/solo"},
		{`approvals {"solo":"false"}`, "/solo"},
		{`approvals {"solo":1}`, "/solo"},
		{`approvals {"solo":false}`, "/quorum"},
		{`approvals {"solo":null}`, "/quorum"},
		{`approvals {}`, "/quorum"},
		{`approvals {"quorum":"1","max_age":"1h"}`, "/quorum"},
		{`approvals {"quorum":0,"max_age":"1h"}`, "/quorum"},
		{`approvals {"quorum":null,"max_age":"1h"}`, "/quorum"},
		{`approvals {"quorum":1,"max_age":null}`, "/max_age"},
		{`approvals {"quorum":1,"max_age":"1h","roles":{"legal":"1"}}`, "/roles/legal"},
		{`determinism {"reproduced":"false"}`, "/reproduced"},
		{`determinism {"reproduced":null}`, "/reproduced"},
		{`rollout_health {"metrics":[{"name":"e","max":null,"min_samples":1}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0"},
		{`rollout_health {"metrics":[{"name":"e","max":"0","min_samples":1}],"min_reporting_percent":1,"max_age":"1h"}`, "/metrics/0/max"},
		{`rollout_health {"metrics":null,"min_reporting_percent":1,"max_age":"1h"}`, "/metrics"},
		{`freeze_window {"windows":null}`, "/windows"},
		{`freeze_window {"windows":""}`, "/windows"},
		{`validation {"admit":""}`, "/admit"},
		{`validation {"admit":null}`, "/admit"},
		{`provenance {"allowed_sources":null}`, ""},
		{`provenance {"allowed_sources":"false"}`, "/allowed_sources"},
		{`warnings {"gate":"validation","max":null}`, "/max"},
		{`warnings {"gate":"validation","max":"0"}`, "/max"},
	} {
		refused(t, configAt+c.pointer, bundleOf(c.rule))
	}
}

// The limit of cost bites when a bundle is registered and when its expression is
// evaluated, and what would follow a map's order is refused.
func TestFailOpen18CostLimitBites(t *testing.T) {
	t.Parallel()
	cel := func(expression string) []byte {
		return bundleOf(fmt.Sprintf(`cel {"gate":"provenance","expression":%q,"message":"m","refuses":{"origins":["a"]}}`, expression))
	}
	refused(t, configAt+"/expression", cel("origins.all(a, origins.all(b, origins.all(c, a + b != c)))"))
	refused(t, "/policies/0/rules/0/config/expression", bundleOf(`cel {"gate":"validation","expression":"codes.all(c, c != \"X\")","message":"m","refuses":{"codes":{"X":1}}}`))

	c := context(records.Ingest)
	c.Rules = parsed(t, `cel {"gate":"provenance","expression":"origins.all(a, a != \"bad\")","message":"m","refuses":{"origins":["bad"]}}`)
	decide := func(n int) gates.Decision {
		p := gates.Provenance{Snapshot: digest("s"), Document: digest("d"), Files: int64(n), Collector: "git", CollectorVersion: "1", Origins: map[string]int64{}}
		for i := range n {
			p.Origins[fmt.Sprintf("file:///%d/", i)] = 1
		}
		return gates.Origin(c, gates.ProvenanceInputs{Snapshot: digest("s"), Provenance: &p})
	}
	require.True(t, decide(10).Permits())
	d := decide(60_000)
	require.Equal(t, gates.Error, d.Verdict, "true, and dearer than was estimated")
	require.Equal(t, []gates.Code{gates.GateError}, d.Codes)
}

// A decision that was stored by a gate and changed since is none for compile.
func TestFailOpen19OnlyAGatesDecisionPermits(t *testing.T) {
	t.Parallel()
	inputs := append(compileInputs(), artifact(records.OutReport, "report", records.MediaJSON))
	require.False(t, gates.PermitsCompile(gates.Decision{Gate: gates.GateValidation, Verdict: gates.Pass,
		Subject: gates.Subject{BuildID: buildID, Stage: records.Validate, Generation: 1}}, buildID, 1, inputs))
	var zero gates.Decision
	require.False(t, zero.Permits())
	var decoded gates.Decision
	require.NoError(t, json.Unmarshal([]byte(`{"verdict":"pass"}`), &decoded))
	require.False(t, decoded.Permits())
}
