package gates_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func approvalsRule(id string, enforcement gates.Enforcement, config string) gates.Rule {
	return gates.Rule{ID: id, Type: "approvals", Enforcement: enforcement, Config: json.RawMessage(config)}
}

const (
	soloConfig = `{"solo":true}`
	twoConfig  = `{"quorum":2,"max_age":"24h"}`
)

// Only a binding rule of approvals that is in force lets a release go, and only if all
// of them are solo does it go by itself.
func TestSoloIsWhatEveryBindingRuleSays(t *testing.T) {
	t.Parallel()
	later, stage := at.Add(time.Hour), records.Activate
	solo, two := approvalsRule("p/solo", gates.Must, soloConfig), approvalsRule("p/two", gates.Must, twoConfig)
	advice := approvalsRule("p/advice", gates.Should, soloConfig)
	expired := solo
	expired.EffectiveTo = &at
	toCome := two
	toCome.EffectiveFrom = &later
	elsewhere := solo
	elsewhere.Stages = []records.Stage{records.Compile}
	expression := gates.Rule{ID: "p/cel", Type: "cel", Enforcement: gates.Must,
		Config: json.RawMessage(`{"gate":"approvals","expression":"requester != \"x\"","message":"not x","refuses":{"requester":"x"}}`)}
	warnings := gates.Rule{ID: "p/warnings", Type: "warnings", Enforcement: gates.Must, Config: json.RawMessage(`{"gate":"approvals","max":0}`)}
	for name, x := range map[string]struct {
		rules         []gates.Rule
		binding, solo bool
	}{
		"none":              {nil, false, false},
		"solo":              {[]gates.Rule{solo}, true, true},
		"two persons":       {[]gates.Rule{two}, true, false},
		"both":              {[]gates.Rule{solo, two}, true, false},
		"both, turned":      {[]gates.Rule{two, solo}, true, false},
		"two to come":       {[]gates.Rule{solo, toCome}, true, true},
		"advice":            {[]gates.Rule{advice}, false, false},
		"expired":           {[]gates.Rule{expired}, false, false},
		"of another stage":  {[]gates.Rule{elsewhere}, false, false},
		"an expression":     {[]gates.Rule{expression}, false, false},
		"a count":           {[]gates.Rule{warnings}, false, false},
		"an expression too": {[]gates.Rule{expression, two}, true, false},
	} {
		c := context(stage)
		c.Rules = ruleset(x.rules...)
		require.Equal(t, x.binding, c.Rules.Binding(gates.GateApprovals, c), name)
		require.Equal(t, x.solo, c.Rules.Solo(c), name)
		require.False(t, c.Rules.Binding(gates.GateHealth, c), name)
	}
	require.False(t, gates.Ruleset{}.Solo(context(stage)))
	require.False(t, gates.Ruleset{}.Binding(gates.GateApprovals, context(stage)))
}

// Solo takes away no more than the need for others: what was rejected, what is not
// known, and what another rule asks for still refuse.
func TestSoloPassesAndSaysSo(t *testing.T) {
	t.Parallel()
	decide := func(rules []gates.Rule, change func(*gates.Votes)) gates.Decision {
		c := context(records.Activate)
		c.Rules = ruleset(rules...)
		votes := gates.Votes{Recorded: new(int), Intent: digest("intent"), Requester: "ann", Initiator: "ann"}
		change(&votes)
		return gates.Approvals(c, votes)
	}
	vote := func(approve bool) func(*gates.Votes) {
		return func(v *gates.Votes) {
			v.Votes = []gates.Vote{{Actor: "ann", Intent: v.Intent, Approve: approve, At: at, ExpiresAt: at.Add(time.Hour)}}
			*v.Recorded = 1
		}
	}
	solo := []gates.Rule{approvalsRule("p/solo", gates.Must, soloConfig)}

	d := decide(solo, func(*gates.Votes) {})
	require.Equal(t, gates.Pass, d.Verdict)
	require.Contains(t, d.Findings, gates.Finding{RuleID: "p/solo", Verdict: gates.Pass, Message: "solo: by this rule nobody besides the requester has to agree"})
	require.True(t, decide(solo, vote(true)).Permits())

	for name, x := range map[string]struct {
		rules  []gates.Rule
		change func(*gates.Votes)
		code   gates.Code
	}{
		"a rejection, also one's own": {solo, vote(false), gates.ApprovalRejected},
		"a vote that is not listed":   {solo, func(v *gates.Votes) { *v.Recorded = 1 }, gates.EvidenceMissing},
		"no count of votes":           {solo, func(v *gates.Votes) { v.Recorded = nil }, gates.EvidenceMissing},
		"no requester":                {solo, func(v *gates.Votes) { v.Requester = "" }, gates.EvidenceMissing},
		"no intent":                   {solo, func(v *gates.Votes) { v.Intent = records.Digest{} }, gates.EvidenceMissing},
		"another rule":                {append(solo, approvalsRule("p/two", gates.Must, twoConfig)), func(*gates.Votes) {}, gates.ApprovalsMissing},
	} {
		d := decide(x.rules, x.change)
		require.False(t, d.Permits(), name)
		require.Contains(t, d.Codes, x.code, name)
	}
}
