package triage

import (
	"fmt"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// ledgerTampered: the log is not what was recorded. What it says since counts for
// nothing until somebody has found out why.
func ledgerTampered(e records.Entry, body records.LedgerTampered, _ Context) []Meaning {
	summary := "The log is not what was recorded"
	if len(body.Problems) > 0 {
		summary = fmt.Sprintf("%s, first: %s", summary, body.Problems[0])
	}
	return []Meaning{opening(e, cases.Cause{Kind: cases.CauseAudit, ID: e.Subject.Kind + "/" + e.Subject.ID}, Opening{
		Type: "audit_gap", Category: cases.Incident, Summary: clipped(summary), Refs: []cases.Ref{{Type: "entry", Ref: e.ID}},
		Renew: []string{cases.TaskInvestigate},
	})}
}
