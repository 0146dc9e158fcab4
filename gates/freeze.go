package gates

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Action is what is about to be done to a channel.
type Action struct {
	Kind string `json:"kind"`
}

// The kinds of actions. A freeze window holds back promotion and nothing else:
// what contains a fault is never frozen.
const (
	ActionPromote  = "promote"
	ActionRollback = "rollback"
	ActionRevoke   = "revoke"
	ActionAbort    = "abort"
	ActionHold     = "hold"
)

var containment = []string{ActionRollback, ActionRevoke, ActionAbort, ActionHold}

const ruleAction = "orgo/action"

// Freeze decides whether an action may be taken now.
func Freeze(c Context, action Action) Decision { return evaluate(GateFreeze, c, action) }

func freezeFindings(_ Context, action Action) []Finding {
	if action.Kind != ActionPromote && !slices.Contains(containment, action.Kind) {
		return []Finding{refuse(ruleAction, NoData, EvidenceMissing, fmt.Sprintf("%q is no action", action.Kind)).about("action")}
	}
	return []Finding{pass(ruleAction, nil)}
}

// freezeConfig is the config of a rule of type "freeze_window".
type freezeConfig struct {
	Windows []freezeWindow `json:"windows"`
}

// freezeWindow is a time in which nothing is promoted, its end excluded.
type freezeWindow struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason"`
}

func readFreeze(raw json.RawMessage) (func(Context, Action) []Finding, error) {
	var config freezeConfig
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	if len(config.Windows) == 0 {
		return nil, wrong("/windows", "must list at least one: otherwise the rule could never refuse")
	}
	for i, window := range config.Windows {
		switch at := fmt.Sprintf("/windows/%d", i); {
		case window.From.IsZero() || !window.From.Before(window.To):
			return nil, wrong(at, "must begin before it ends")
		case window.Reason == "":
			return nil, wrong(at+"/reason", "must say why")
		}
	}
	return func(c Context, action Action) []Finding {
		if slices.Contains(containment, action.Kind) {
			return nil
		}
		end := config.end(c.At)
		var findings []Finding
		for _, window := range config.Windows {
			if window.covers(c.At) {
				findings = append(findings, Finding{Verdict: Fail, Code: ChannelFrozen, Earliest: &end,
					Message: fmt.Sprintf("frozen until %s: %s", window.To.UTC().Format(time.RFC3339), window.Reason)}.about("time"))
			}
		}
		return findings
	}, nil
}

func (window freezeWindow) covers(at time.Time) bool {
	return !at.Before(window.From) && at.Before(window.To)
}

// end returns the first instant from at on that no window covers. A window that
// begins before another ends prolongs it.
func (config freezeConfig) end(at time.Time) time.Time {
	for {
		next := slices.IndexFunc(config.Windows, func(window freezeWindow) bool { return window.covers(at) })
		if next < 0 {
			return at.UTC()
		}
		at = config.Windows[next].To
	}
}

var freezeFacts = []factOf[Action]{
	{"action", stringFact, "what is about to be done: promote, rollback, revoke, abort or hold", func(_ Context, a Action) any { return a.Kind }},
}
