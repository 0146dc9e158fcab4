package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// decisionsOf returns, by id, the entries of the refusals that a record sums up.
func (s *server) decisionsOf(ctx context.Context, organization string, record release.Record) (map[string]store.Stored, error) {
	byID := map[string]store.Stored{}
	if len(standing(record)) == 0 {
		return byID, nil
	}
	entries, err := s.reader.Entries(ctx, organization, records.ReleaseSubject(record.ReleaseID), store.EntryQuery{Types: []string{records.TypeGateFailed}})
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		byID[entry.ID] = entry
	}
	return byID, nil
}

// standing returns the refusals that no later decision of the same gate on entering the
// same stage, about the same cohort, has replaced. A release that closed well has none: what it has been through
// is over.
func standing(record release.Record) []release.DecisionSummary {
	if record.Phase == string(rollout.PhaseClosedGood) {
		return nil
	}
	newest := map[release.Question]int{}
	for i, decision := range record.Decisions {
		newest[decision.Question()] = i
	}
	var refusals []release.DecisionSummary
	for i, decision := range record.Decisions {
		if newest[decision.Question()] == i && decision.Verdict != string(gates.Pass) {
			refusals = append(refusals, decision)
		}
	}
	return refusals
}

// explainRelease lists every condition that keeps a release from going on, or that
// ended it: each that its standing refusals come to, each hold, and each code that it
// bears and nothing else explains.
func explainRelease(record release.Record, decisions map[string]store.Stored) (client.ReleaseWhy, error) {
	why := client.ReleaseWhy{
		ReleaseID: record.ReleaseID, Phase: record.Phase, Status: record.Status, Codes: codesOf(record), Waits: record.Waits, Unmet: []client.Unmet{},
	}
	for _, summary := range standing(record) {
		found, err := refusalOf(record, summary, decisions)
		if err != nil {
			return client.ReleaseWhy{}, fmt.Errorf("decision %s of release %s: %w", summary.EntryID, record.ReleaseID, err)
		}
		why.Unmet = append(why.Unmet, found...)
	}
	for _, hold := range record.Holds {
		why.Unmet = append(why.Unmet, newUnmet(string(gates.ReleaseHeld), whereIn(record), fmt.Sprintf("%s holds it: %s", hold.Owner, hold.Reason)))
	}
	explained := map[string]bool{}
	for _, unmet := range why.Unmet {
		explained[unmet.Code] = true
	}
	for _, code := range why.Codes {
		if !explained[code] {
			why.Unmet = append(why.Unmet, newUnmet(code, whereIn(record), said(record, code)))
		}
	}
	// What ended it comes first.
	slices.SortStableFunc(why.Unmet, func(a, b client.Unmet) int { return cmp.Compare(rank(a, record), rank(b, record)) })
	return why, nil
}

// said returns what the record tells of a code: the reason of the newest event that bears
// it, such as which release of the set has ended.
func said(record release.Record, code string) string {
	for _, event := range slices.Backward(record.Events) {
		var details struct {
			Code   string `json:"reason_code"`
			Reason string `json:"reason"`
		}
		if json.Unmarshal(event.Details, &details) == nil && details.Code == code && details.Reason != "" {
			return details.Reason
		}
	}
	return ""
}

func rank(unmet client.Unmet, record release.Record) int {
	if unmet.Code == record.Code {
		return 0
	}
	return 1
}

// codesOf returns the codes that block a release now, and the one that ended it.
func codesOf(record release.Record) []string {
	codes := append([]string{}, record.Codes...)
	if record.Code != "" && !slices.Contains(codes, record.Code) {
		codes = append(codes, record.Code)
	}
	return codes
}

// refusalOf reads a refusal from its entry, or if that is not there from its sum.
func refusalOf(record release.Record, summary release.DecisionSummary, decisions map[string]store.Stored) ([]client.Unmet, error) {
	where := client.Where{Gate: summary.Gate, Stage: entered(record, summary.Stage), Cohort: summary.Cohort}
	entry, found := decisions[summary.EntryID]
	if !found {
		var unmet []client.Unmet
		for _, code := range summary.Codes {
			at := summary.At
			u := newUnmet(code, where, "")
			u.At, u.EntryID = &at, summary.EntryID
			unmet = append(unmet, u)
		}
		return unmet, nil
	}
	unmet, err := unmetDecision(entry)
	for i := range unmet {
		unmet[i].Where = where
	}
	return unmet, err
}

// closing is what comes after the last stage.
const closing = "close"

// entered names the stage that a decision is about entering.
func entered(record release.Record, stage int) string {
	switch {
	case stage < len(record.Stages):
		return record.Stages[stage].Name
	case len(record.Stages) > 0:
		return closing
	default:
		return ""
	}
}

// whereIn says where a release is.
func whereIn(record release.Record) client.Where {
	if record.Soak != nil {
		return client.Where{Stage: record.Soak.Name}
	}
	return client.Where{Stage: entered(record, record.Stage)}
}
