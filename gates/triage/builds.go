package triage

import (
	"fmt"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// The types of the Cases of builds.
const (
	typeBlocked  = "build_blocked"
	typeFailed   = "build_failed"
	typeConflict = "output_conflict"
)

// buildWaits: somebody may still do something about it, and until when.
func buildWaits(e records.Entry, body records.BuildWaits, _ Context) []Meaning {
	o := Opening{
		Type: typeBlocked, Category: cases.Incident, Summary: fmt.Sprintf("Build %s waits: %s was refused", e.Subject.ID, body.Stage),
		Due: []Due{{Key: cases.TaskInvestigate, At: body.Until}}, Renew: []string{cases.TaskInvestigate},
	}
	if body.As == records.StageError {
		o.Type, o.Summary = typeFailed, fmt.Sprintf("Build %s waits: %s could not be done", e.Subject.ID, body.Stage)
	}
	o.Facts.Stage = body.Stage
	return []Meaning{opening(e, of(cases.CauseBuild, e), o)}
}

// buildEnded: as it does once, the end of one that has waited is no new occurrence.
func buildEnded(e records.Entry, body records.BuildEnded, _ Context) []Meaning {
	cause := of(cases.CauseBuild, e)
	o := Opening{Category: cases.Incident, Continues: true, Refs: []cases.Ref{{Type: "record", Ref: body.Record.String()}}}
	o.Facts.Stage = body.Stage
	switch e.Type {
	case records.TypeBuildBlocked:
		o.Type, o.Summary = typeBlocked, fmt.Sprintf("Build %s is blocked at %s", e.Subject.ID, body.Stage)
		return []Meaning{opening(e, cause, o)}
	case records.TypeBuildFailed:
		o.Type, o.Summary = typeFailed, fmt.Sprintf("Build %s failed at %s", e.Subject.ID, body.Stage)
		return []Meaning{opening(e, cause, o)}
	case records.TypeBuildPassed:
		return []Meaning{done(cause, cases.TaskInvestigate, "the build passed"), cleared(cause, "the build passed")}
	default:
		return []Meaning{obsolete(cause, "the build was stopped")}
	}
}

// stageConflicted: the first output stays, and the stage is not deterministic.
func stageConflicted(e records.Entry, _ Context) []Meaning {
	cause := cases.Cause{Kind: cases.CauseConflict, ID: e.Subject.ID + "/" + string(e.Correlation.Stage)}
	return []Meaning{opening(e, cause, Opening{
		Type: typeConflict, Category: cases.Incident, Codes: []string{string(gates.StageOutputConflict)},
		Summary: fmt.Sprintf("Stage %s of build %s yielded two outputs from the same inputs", e.Correlation.Stage, e.Subject.ID),
		Refs:    []cases.Ref{{Type: "entry", Ref: e.ID}},
	})}
}
