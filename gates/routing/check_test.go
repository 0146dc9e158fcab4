package routing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

func TestConfigsAreRefused(t *testing.T) {
	t.Parallel()
	when := routing.When{Codes: []string{f1}}
	then := func(change func(*routing.Then)) *routing.Rule {
		r := rule("a", when)
		change(&r.Then)
		return &r
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = strings.Repeat("o", i+1)
	}
	for pointer, rules := range map[string][]routing.Rule{
		"/rules/0/id":                   {rule("a b", when)},
		"/rules/1/id":                   {rule("a", when), rule("a", routing.When{Codes: []string{f2}})},
		"/rules/0/when":                 {rule("a", routing.When{})},
		"/rules/0/when/codes/1":         {rule("a", routing.When{Codes: []string{f1, "INPUT_EMTPY"}})},
		"/rules/0/when/codes/2":         {rule("a", routing.When{Codes: []string{f1, f2, f1}})},
		"/rules/0/when/classes/0":       {rule("a", routing.When{Classes: []string{"F9"}})},
		"/rules/0/when/cleared_by/0":    {rule("a", routing.When{ClearedBy: []string{"operators"}})},
		"/rules/0/when/stages/0":        {rule("a", routing.When{Stages: []records.Stage{"paint"}})},
		"/rules/0/when/severities/0":    {rule("a", routing.When{Severities: []string{"SEV5"}})},
		"/rules/0/when/causes/0":        {rule("a", routing.When{Causes: []string{"weather"}})},
		"/rules/0/when/causes":          {rule("a", routing.When{Causes: []string{}})},
		"/rules/0/when/organizations/0": {rule("a", routing.When{Organizations: []string{""}})},
		"/rules/0/when/organizations":   {rule("a", routing.When{Organizations: many})},
		"/rules/0/when/channels/0":      {rule("a", routing.When{Channels: []string{"production"}})},
		"/rules/0/when/channels/1":      {rule("a", routing.When{Channels: []string{"*/*", "prod*/stable"}})},
		"/rules/0/then":                 {*then(func(t *routing.Then) { t.Owners = nil })},
		"/rules/2/when":                 {rule("a", routing.When{Classes: []string{"F3"}}), rule("b", when), rule("c", when)},
	} {
		rest := to("rest")
		at, problem := routing.Config{Rules: rules, Default: &rest}.Problem(known())
		require.Equal(t, pointer, at, problem)
		require.NotEmpty(t, problem)
	}
	for name, r := range map[string]*routing.Rule{
		"label":      then(func(t *routing.Then) { t.Label = "Ops" }),
		"priority":   then(func(t *routing.Then) { t.Priority = "P0" }),
		"severity":   then(func(t *routing.Then) { t.Severity = "SEV0" }),
		"visibility": then(func(t *routing.Then) { t.Visibility = "SECRET" }),
		"escalation": then(func(t *routing.Then) { t.Escalation = []cases.Level{{After: records.Duration(time.Hour)}, {}} }),
		"pauses":     then(func(t *routing.Then) { t.Pauses = []cases.Status{cases.Completed} }),
		"tasks":      then(func(t *routing.Then) { t.Tasks = []cases.Plan{{Key: "a"}} }),
	} {
		rest := to("rest")
		at, problem := routing.Config{Rules: []routing.Rule{*r}, Default: &rest}.Problem(known())
		require.Equal(t, "/rules/0/then", at, name)
		require.NotEmpty(t, problem, name)
	}
	at, problem := routing.Config{Rules: []routing.Rule{rule("a", when)}}.Problem(known())
	require.Equal(t, "/default", at)
	require.NotEmpty(t, problem)
	at, problem = routing.Config{Default: &routing.Then{}}.Problem(known())
	require.Equal(t, "/default", at)
	require.NotEmpty(t, problem)
	fine := to("rest")
	for _, production := range [][]string{{"a/b"}, {""}} {
		at, _ = routing.Config{Default: &fine, Production: production}.Problem(known())
		require.Equal(t, "/production/0", at)
	}
	at, _ = routing.Config{Default: &fine, Production: []string{"live", "live"}}.Problem(known())
	require.Equal(t, "/production/1", at)
}

// A rule that another one leaves nothing for is found; one that it leaves something
// for is not.
func TestShadows(t *testing.T) {
	t.Parallel()
	type when = routing.When
	for name, c := range map[string]struct {
		before, after when
		shadowed      bool
	}{
		"the same":                {when{Codes: []string{f1, f2}}, when{Codes: []string{f2, f1}}, true},
		"part of it":              {when{Codes: []string{f1, f2}}, when{Codes: []string{f2}}, true},
		"more than it":            {when{Codes: []string{f1}}, when{Codes: []string{f2, f1}}, false},
		"a code of its class":     {when{Classes: []string{"F1", "F2"}}, when{Codes: []string{f1, f2}}, true},
		"a code of another class": {when{Classes: []string{"F1"}}, when{Codes: []string{f1, f2}}, false},
		"a code of its owner":     {when{ClearedBy: []string{"publisher"}}, when{Codes: []string{f1}}, true},
		"a class of its code":     {when{Codes: []string{f1}}, when{Classes: []string{"F1"}}, false},
		"a channel of many":       {when{Channels: []string{"production/*"}}, when{Channels: []string{"production/stable"}}, true},
		"many of a channel":       {when{Channels: []string{"production/stable"}}, when{Channels: []string{"production/*"}}, false},
		"all channels":            {when{Channels: []string{"*/*"}}, when{Channels: []string{"*/stable", "a/b"}}, true},
		"across":                  {when{Channels: []string{"*/stable"}}, when{Channels: []string{"production/*"}}, false},
		"no channel at all":       {when{Channels: []string{"*/*"}}, when{Codes: []string{f1}}, false},
		"more asked for":          {when{Codes: []string{f1}}, when{Codes: []string{f1}, Stages: []records.Stage{records.Ingest}}, true},
		"less asked for":          {when{Codes: []string{f1}, Stages: []records.Stage{records.Ingest}}, when{Codes: []string{f1}}, false},
		"another thing":           {when{Codes: []string{f1}}, when{Stages: []records.Stage{records.Ingest}}, false},
	} {
		rest := to("rest")
		at, problem := routing.Config{Rules: []routing.Rule{rule("a", c.before), rule("b", c.after)}, Default: &rest}.Problem(known())
		require.Equal(t, c.shadowed, at == "/rules/1/when", "%s: %s", name, problem)
		require.Equal(t, c.shadowed, problem != "", "%s: %s", name, problem)
	}
}
