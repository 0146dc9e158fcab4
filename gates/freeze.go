package gates

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/initkoa/orgo/gates/zone"
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

// readFreeze reads the windows of a rule. Deny wins: an instant that any of them
// covers is frozen, whatever the others say.
func readFreeze(raw json.RawMessage) (func(Context, Action) []Finding, error) {
	var config freezeConfig
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	ends, err := config.read()
	if err != nil {
		return nil, err
	}
	return func(c Context, action Action) []Finding {
		if slices.Contains(containment, action.Kind) {
			return nil
		}
		var findings []Finding
		for i, end := range ends {
			if until := end(c.At); !until.IsZero() {
				findings = append(findings, Finding{Verdict: Fail, Code: ChannelFrozen, Message: config.Windows[i].says(until)}.about("time"))
			}
		}
		if len(findings) == 0 {
			return nil
		}
		free := freeFrom(c.At, ends)
		for i := range findings {
			findings[i].Earliest = free
			if free == nil {
				findings[i].Message += fmt.Sprintf("; no end is near: %d freezes follow on one another", maxInARow)
			}
		}
		return findings
	}, nil
}

// read checks all windows.
func (config freezeConfig) read() ([]freezeEnd, error) {
	if len(config.Windows) == 0 {
		return nil, wrong("/windows", "must list at least one: otherwise the rule could never refuse")
	}
	var zones zone.Database
	if slices.ContainsFunc(config.Windows, freezeWindow.recurs) {
		var err error
		if zones, err = zone.Open(); err != nil {
			return nil, err
		}
	}
	var ends []freezeEnd
	recurring := 0
	for i, window := range config.Windows {
		at := fmt.Sprintf("/windows/%d", i)
		if window.recurs() {
			recurring++
		}
		if recurring > maxRecurring {
			return nil, wrong(at, "is one more than the %d that may recur", maxRecurring)
		}
		end, err := window.read(zones)
		var problem *PolicyError
		switch {
		case errors.As(err, &problem):
			return nil, problem.within(at)
		case err != nil:
			return nil, wrong(at, "%v", err)
		}
		ends = append(ends, end)
	}
	return ends, nil
}

// freeFrom returns the first instant from at on that no window covers, or nil if
// maxInARow freezes that overlap or adjoin do not lead to one.
func freeFrom(at time.Time, ends []freezeEnd) *time.Time {
	for range maxInARow {
		latest := time.Time{}
		for _, end := range ends {
			if until := end(at); until.After(latest) {
				latest = until
			}
		}
		if latest.IsZero() {
			free := at.UTC()
			return &free
		}
		at = latest
	}
	return nil
}

var freezeFacts = []factOf[Action]{
	{"action", stringFact, "what is about to be done: promote, rollback, revoke, abort or hold", func(_ Context, a Action) any { return a.Kind }},
}
