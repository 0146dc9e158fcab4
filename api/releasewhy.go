package api

import (
	"cmp"
	"context"
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

// standing returns the refusals that no later decision of the same gate about the same
// stage has replaced. A release that closed well has none: what it has been through
// is over.
func standing(record release.Record) []release.DecisionSummary {
	if record.Phase == string(rollout.PhaseClosedGood) {
		return nil
	}
	type place struct {
		gate  string
		stage int
	}
	newest := map[place]int{}
	for i, decision := range record.Decisions {
		newest[place{decision.Gate, decision.Stage}] = i
	}
	var refusals []release.DecisionSummary
	for i, decision := range record.Decisions {
		if newest[place{decision.Gate, decision.Stage}] == i && decision.Verdict != string(gates.Pass) {
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
		why.Unmet = append(why.Unmet, newUnmet(string(gates.ReleaseHeld), whereIn(record, "", record.Stage), fmt.Sprintf("%s holds it: %s", hold.Owner, hold.Reason)))
	}
	explained := map[string]bool{}
	for _, unmet := range why.Unmet {
		explained[unmet.Code] = true
	}
	for _, code := range why.Codes {
		if !explained[code] {
			why.Unmet = append(why.Unmet, newUnmet(code, whereIn(record, "", record.Stage), ""))
		}
	}
	// What ended it comes first.
	slices.SortStableFunc(why.Unmet, func(a, b client.Unmet) int { return cmp.Compare(rank(a, record), rank(b, record)) })
	return why, nil
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
	where := whereIn(record, summary.Gate, summary.Stage)
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
		where.Cohort = entry.Correlation.Cohort
		unmet[i].Where = where
	}
	return unmet, err
}

// soak is what the time after the last stage is called.
const soak = "soak"

func whereIn(record release.Record, gate string, stage int) client.Where {
	where := client.Where{Gate: gate}
	switch {
	case stage < len(record.Stages):
		where.Stage = record.Stages[stage].Name
	case len(record.Stages) > 0:
		where.Stage = soak
	}
	return where
}
