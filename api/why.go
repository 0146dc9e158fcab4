package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// unmetOf says, for the types of entries that speak of an unmet condition, how
// to read one.
var unmetOf = map[string]func(store.Stored) ([]client.Unmet, error){
	records.TypeGateFailed:     unmetDecision,
	records.TypeGateOverridden: func(store.Stored) ([]client.Unmet, error) { return nil, nil },
	records.TypeStageFailed:    unmetFailure,
	records.TypeStageConflict:  unmetConflict,
	records.TypeOperatorAction: unmetAction,
}

func whyTypes() []string {
	return []string{records.TypeGateFailed, records.TypeGateOverridden, records.TypeStageFailed, records.TypeStageConflict, records.TypeOperatorAction}
}

// explain lists every condition that keeps a build from passing: each finding of
// each refusing decision, and each failure that a stage ended with. What a retry
// has voided, and attempts that a later one made good, are left out. A code that
// the build bears and no entry explains is listed all the same.
func explain(view records.BuildView, entries []store.Stored) (client.Why, error) {
	why := client.Why{
		BuildID: view.BuildID, State: view.State, Codes: view.Codes,
		WaitingUntil: view.WaitingUntil, Unmet: []client.Unmet{},
	}
	explained := map[string]bool{}
	overridden, err := overriddenRefusals(entries)
	if err != nil {
		return client.Why{}, err
	}
	for _, entry := range lastAttempts(entries) {
		if !counts(view, entry) || overridden[entry.ID] {
			continue
		}
		found, err := unmetOf[entry.Type](entry)
		if err != nil {
			return client.Why{}, fmt.Errorf("entry %s of build %s: %w", entry.ID, view.BuildID, err)
		}
		for _, unmet := range found {
			explained[unmet.Code] = true
			why.Unmet = append(why.Unmet, unmet)
		}
	}
	for _, step := range view.Steps {
		for _, code := range step.Codes {
			if !explained[code] {
				explained[code] = true
				unmet := newUnmet(code, client.Where{Step: step.Stage, Generation: step.Generation, Attempt: step.Attempt}, step.Message)
				unmet.Evidence = step.Details
				why.Unmet = append(why.Unmet, unmet)
			}
		}
	}
	for _, code := range view.Codes {
		if !explained[code] {
			explained[code] = true
			why.Unmet = append(why.Unmet, newUnmet(code, client.Where{Step: view.Stage}, ""))
		}
	}
	return why, nil
}

// lastAttempts drops the failures of attempts that were followed by another.
func lastAttempts(entries []store.Stored) []store.Stored {
	type attempt struct {
		stage      records.Stage
		generation int
	}
	last := map[attempt]string{}
	for _, entry := range entries {
		if entry.Type == records.TypeStageFailed {
			last[attempt{entry.Correlation.Stage, entry.Correlation.Generation}] = entry.ID
		}
	}
	kept := make([]store.Stored, 0, len(entries))
	for _, entry := range entries {
		if entry.Type != records.TypeStageFailed ||
			last[attempt{entry.Correlation.Stage, entry.Correlation.Generation}] == entry.ID {
			kept = append(kept, entry)
		}
	}
	return kept
}

// counts reports whether an entry still says something about the build.
func counts(view records.BuildView, entry store.Stored) bool {
	if entry.Type == records.TypeOperatorAction {
		return view.State == records.BuildStopped
	}
	step := view.Step(entry.Correlation.Stage)
	if step == nil {
		return true
	}
	generation := step.Generation
	if generation == 0 {
		// The step has not begun since the last retry.
		generation = view.Generation
	}
	if entry.Correlation.Generation < generation {
		return false
	}
	if entry.Type == records.TypeStageFailed {
		return step.Status == records.StageRunning || step.Status == records.StageError || step.Status == records.StagePending
	}
	return true
}

func newUnmet(code string, where client.Where, message string) client.Unmet {
	return client.Unmet{Reason: reasonOf(gates.Code(code)), Where: where, Message: message}
}

// from fills in what every unmet condition takes from its entry.
func from(entry store.Stored, unmet client.Unmet) client.Unmet {
	at := entry.At
	unmet.At, unmet.EntryID = &at, entry.ID
	return unmet
}

func whereOf(entry store.Stored) client.Where {
	c := entry.Correlation
	return client.Where{Step: c.Stage, Generation: c.Generation, Attempt: c.Attempt}
}

// unmetDecision reads a refusing decision: each condition that its findings come
// to, with the digests that the gate decided on as evidence.
func unmetDecision(entry store.Stored) ([]client.Unmet, error) {
	var decision gates.Decision
	if err := json.Unmarshal(entry.Body, &decision); err != nil {
		return nil, err
	}
	where := whereOf(entry)
	where.Gate = string(decision.Gate)
	var unmet []client.Unmet
	for _, condition := range gates.WhyNot(decision) {
		evidence, err := json.Marshal(struct {
			Verdict      gates.Verdict    `json:"verdict"`
			Evidence     []records.Digest `json:"evidence,omitempty"`
			InputsDigest records.Digest   `json:"inputs_digest"`
			PolicyDigest records.Digest   `json:"policy_digest"`
		}{condition.Verdict, condition.Evidence, decision.InputsDigest, decision.PolicyDigest})
		if err != nil {
			return nil, err
		}
		u := newUnmet(string(condition.Code), where, strings.Join(condition.Messages, "; "))
		u.Target, u.Rules, u.Earliest, u.Evidence = condition.Target, condition.RuleIDs, condition.Earliest, evidence
		unmet = append(unmet, from(entry, u))
	}
	return unmet, nil
}

// overriddenRefusals returns the ids of the refusals that were overridden: those
// that looked at what an override is about.
func overriddenRefusals(entries []store.Stored) (map[string]bool, error) {
	type refusal struct {
		gate gates.Gate
		of   records.Digest
	}
	refusals, overridden := map[refusal]string{}, map[string]bool{}
	for _, entry := range entries {
		if entry.Kind != records.KindDecision {
			continue
		}
		var decision gates.Decision
		if err := json.Unmarshal(entry.Body, &decision); err != nil {
			return nil, fmt.Errorf("decision %s: %w", entry.ID, err)
		}
		if decision.Override == nil {
			refusals[refusal{decision.Gate, decision.InputsDigest}] = entry.ID
		} else if decision.Permits() {
			overridden[refusals[refusal{decision.Gate, decision.Override.Of}]] = true
		}
	}
	return overridden, nil
}

func unmetFailure(entry store.Stored) ([]client.Unmet, error) {
	var failed records.StageFailed
	if err := json.Unmarshal(entry.Body, &failed); err != nil {
		return nil, err
	}
	where := whereOf(entry)
	where.Attempt = failed.Attempt
	var unmet []client.Unmet
	for _, code := range entry.Codes {
		u := newUnmet(code, where, failed.Message)
		u.Evidence = failed.Details
		unmet = append(unmet, from(entry, u))
	}
	return unmet, nil
}

func unmetConflict(entry store.Stored) ([]client.Unmet, error) {
	u := newUnmet(string(gates.StageOutputConflict), whereOf(entry), "a second, different output was refused")
	u.Evidence = entry.Body
	return []client.Unmet{from(entry, u)}, nil
}

func unmetAction(entry store.Stored) ([]client.Unmet, error) {
	var action records.OperatorAction
	if err := json.Unmarshal(entry.Body, &action); err != nil {
		return nil, err
	}
	if action.Action != records.ActionStop {
		return nil, nil
	}
	message := fmt.Sprintf("%s stopped the build: %s", entry.Actor, entry.Reason)
	u := newUnmet(string(gates.StoppedByOperator), whereOf(entry), message)
	u.Evidence = entry.Body
	return []client.Unmet{from(entry, u)}, nil
}
