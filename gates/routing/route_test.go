package routing_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

func TestTheFirstThatMatchesDecides(t *testing.T) {
	t.Parallel()
	rules := rulesOf(t,
		rule("drift", routing.When{Codes: []string{f7}, Channels: []string{"production/*"}}),
		rule("runtime", routing.When{Classes: []string{"F7"}}),
		rule("builds", routing.When{Causes: []string{cases.CauseBuild}, Stages: []records.Stage{records.Compile, records.Validate}}),
		rule("bad", routing.When{Severities: []string{"SEV1", "SEV2"}}),
		rule("publishers", routing.When{ClearedBy: []string{"publisher"}, Organizations: []string{organization}}),
	)
	at := func(f routing.Facts, change func(*routing.Facts)) routing.Facts { change(&f); return f }
	for want, facts := range map[string]routing.Facts{
		"drift":      at(incident(f7, f1), func(f *routing.Facts) { f.Channel = "production/stable" }),
		"runtime":    at(incident(f7, f1), func(f *routing.Facts) { f.Channel = "staging/stable" }),
		"builds":     at(incident(f1), func(f *routing.Facts) { f.Stage = records.Validate }),
		"bad":        at(incident(f6), func(f *routing.Facts) { f.Occurrences = 2 }),
		"publishers": incident(f1),
		"default":    at(incident(f1), func(f *routing.Facts) { f.Organization = "another" }),
	} {
		route, why := routing.Route(facts, rules)
		require.Equal(t, "p/route/"+want, route.Rule)
		require.Equal(t, route.Rule, why.Rule)
		require.Equal(t, rules.Policy, route.Policy)
		require.Empty(t, route.Problem())
		require.Len(t, why.Tried, 6, "every rule is there")
		if want != "default" {
			require.Equal(t, want, route.Owners[0].ID)
		}
	}
}

func TestASeverityOfTheRuleStands(t *testing.T) {
	t.Parallel()
	grave := rule("grave", routing.When{Classes: []string{"F2"}})
	grave.Then.Severity = "SEV1"
	route, _ := routing.Route(incident(f2), rulesOf(t, grave))
	require.Equal(t, "SEV1", route.Severity)
	route, _ = routing.Route(incident(f1), rulesOf(t, grave))
	require.Equal(t, "SEV4", route.Severity)
}

func TestProductionIsWhatTheRulesCallSo(t *testing.T) {
	t.Parallel()
	facts := incident(f7)
	facts.Channel, facts.Active = "live/stable", true
	rules := rulesOf(t)
	_, why := routing.Route(facts, rules)
	require.Equal(t, "SEV3", why.Facts.Severity)
	rules.Production = []string{"live"}
	_, why = routing.Route(facts, rules)
	require.Equal(t, "SEV1", why.Facts.Severity)
	facts.Channel = "production/stable"
	_, why = routing.Route(facts, rules)
	require.Equal(t, "SEV3", why.Facts.Severity)
	_, why = routing.Route(facts, routing.Rules{})
	require.Equal(t, "SEV1", why.Facts.Severity)
}

// What an explanation prints is held to the letter: people and scripts read it.
func TestExplanation(t *testing.T) {
	t.Parallel()
	rules := rulesOf(t,
		rule("drift", routing.When{Codes: []string{f7}}),
		rule("builds", routing.When{Causes: []string{cases.CauseBuild}, Stages: []records.Stage{records.Compile}}),
		rule("publishers", routing.When{ClearedBy: []string{"publisher"}}),
		rule("first", routing.When{Classes: []string{"F1", "F2"}}),
	)
	facts := incident(f2, f1, f1)
	facts.Channel = "production/stable"
	_, why := routing.Route(facts, rules)
	require.Equal(t, "p/route/publishers decides, of policy "+rules.Policy.String()+`
     organization  00000000-0000-4000-8000-000000000001
     cause         build
     reason        INPUT_EMPTY, F1, publisher
     reason        VALIDATION_FAILED, F2, publisher
     channel       production/stable (production)
     severity      SEV4
  1. drift: does not match: codes asks for one of DRIFT_DETECTED, not INPUT_EMPTY, VALIDATION_FAILED
  2. builds: does not match: stages asks for one of compile, and there is none
  3. publishers: matches, and decides
  4. first: matches, but one before it decides
  5. default: matches, but one before it decides
`, why.String())
	document, err := json.Marshal(why)
	require.NoError(t, err)
	var back routing.Explanation
	require.NoError(t, json.Unmarshal(document, &back))
	require.Equal(t, why, back)
}

// A route is the caller's: what is done to it does not reach the rules.
func TestARouteIsTheCallers(t *testing.T) {
	t.Parallel()
	rules := rulesOf(t)
	route, _ := routing.Route(incident(f1), rules)
	route.Owners[0].ID = "another"
	again, _ := routing.Route(incident(f1), rules)
	require.Equal(t, "rest", again.Owners[0].ID)
}

// Somebody is asked to decide, and until when, whatever the rule says.
func TestDecisionsAreAskedForOfSomebody(t *testing.T) {
	t.Parallel()
	hour, chief := records.Duration(time.Hour), cases.Owner{Kind: cases.User, ID: "chief"}
	says := rule("says", routing.When{Classes: []string{"F2"}})
	says.Then.ReviewBy, says.Then.CloseBy = &cases.Asked{Owner: &chief, DueWithin: 2 * hour}, &cases.Asked{DueWithin: 3 * hour}
	responds := rule("responds", routing.When{Classes: []string{"F1"}})
	responds.Then.RespondWithin = 4 * hour
	rules := rulesOf(t, says, responds)
	for code, want := range map[string][2]cases.Asked{
		f2: {{Owner: &chief, DueWithin: 2 * hour}, {DueWithin: 3 * hour}},
		f1: {{DueWithin: 4 * hour}, {DueWithin: 4 * hour}},
		f6: {{DueWithin: 24 * hour}, {DueWithin: 24 * hour}},
	} {
		route, _ := routing.Route(incident(code), rules)
		require.Equal(t, want, [2]cases.Asked{*route.ReviewBy, *route.CloseBy}, code)
		if route.ReviewBy.Owner != nil {
			route.ReviewBy.Owner.ID = "another"
			require.Equal(t, "chief", chief.ID, "a route is the caller's")
		}
	}
	says.Then.ReviewBy = &cases.Asked{}
	_, problem := routing.Config{Rules: []routing.Rule{says}, Default: &responds.Then}.Problem(known())
	require.Contains(t, problem, "due within some time")
}
