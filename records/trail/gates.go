package trail

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
)

// decision is what is read of a gate's decision: the body of an entry of KindDecision.
type decision struct {
	Gate    string `json:"gate"`
	Verdict string `json:"verdict"`
	Subject struct {
		Stage      string `json:"stage"`
		Generation int    `json:"generation"`
		ReleaseID  string `json:"release_id"`
		Cohort     string `json:"cohort"`
	} `json:"subject"`
	Codes    []string `json:"reason_codes"`
	Findings []struct {
		RuleID   string `json:"rule_id"`
		Verdict  string `json:"verdict"`
		Code     string `json:"code"`
		Target   string `json:"target"`
		Message  string `json:"message"`
		Advisory bool   `json:"advisory"`
	} `json:"findings"`
	Inputs    records.Digest `json:"inputs_digest"`
	Policy    records.Digest `json:"policy_digest"`
	Evaluator string         `json:"evaluator_version"`
	At        time.Time      `json:"evaluated_at"`
	Override  *Override      `json:"override"`
}

// Override says who let something past a refusal, and why.
type Override struct {
	Actor       string         `json:"actor"`
	ConfirmedBy string         `json:"confirmed_by,omitempty"`
	Reason      string         `json:"reason"`
	CaseID      string         `json:"case_id"`
	ExpiresAt   time.Time      `json:"expires_at"`
	Of          records.Digest `json:"of"` // the inputs of what was refused
	BreakGlass  bool           `json:"break_glass,omitempty"`
}

// Decided is what a gate decided.
type Decided struct {
	Sequence int64     `json:"sequence"`
	EntryID  string    `json:"entry_id"`
	At       time.Time `json:"at"`
	Gate     string    `json:"gate"`
	// Stage is that of a build, whose generation Generation is; of a release, Rollout is
	// the stage that would be entered, from 1.
	Stage      string         `json:"stage,omitempty"`
	Generation int            `json:"generation,omitempty"`
	Rollout    int            `json:"rollout_stage,omitempty"`
	Cohort     string         `json:"cohort,omitempty"`
	Verdict    string         `json:"verdict"`
	Codes      []string       `json:"reason_codes"`
	Says       []string       `json:"says,omitempty"` // of what refuses
	Override   *Override      `json:"override,omitempty"`
	Inputs     records.Digest `json:"inputs_digest"`
	Policy     records.Digest `json:"policy_digest"`
	Evaluator  string         `json:"evaluator_version"`
}

// pass is the verdict that permits.
const pass = "PASS"

// Gates returns every decision, in the order in which they were made. A refusal that was
// overridden stays, and the override is another decision.
func Gates(entries []event.Entry) ([]Decided, error) {
	all := []Decided{}
	for _, e := range entries {
		if e.Kind != records.KindDecision {
			continue
		}
		var d decision
		if err := json.Unmarshal(e.Body, &d); err != nil {
			return nil, fmt.Errorf("decision %s: %w", e.ID, err)
		}
		made := Decided{
			Sequence: e.Sequence, EntryID: e.ID, At: d.At, Gate: d.Gate, Cohort: d.Subject.Cohort, Verdict: d.Verdict,
			Codes: append([]string{}, d.Codes...), Override: d.Override, Inputs: d.Inputs, Policy: d.Policy, Evaluator: d.Evaluator,
		}
		if d.Subject.ReleaseID != "" {
			made.Rollout = d.Subject.Generation
		} else {
			made.Stage, made.Generation = d.Subject.Stage, d.Subject.Generation
		}
		for _, f := range d.Findings {
			if f.Verdict != pass && f.Message != "" && !f.Advisory {
				made.Says = append(made.Says, f.Message)
			}
		}
		all = append(all, made)
	}
	return all, nil
}
