package triage

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
)

// approvalsWithin is how long an approval counts at most: what is not agreed by then
// begins anew.
const approvalsWithin = 7 * 24 * time.Hour

// bad are the phases that a release comes to when something is wrong with it. Within
// them it only goes on with what began there.
var bad = map[rollout.Phase]struct {
	summary string
	placed  bool // something of it was active
}{
	rollout.PhaseIneligible:  {"Release %s is not eligible", false},
	rollout.PhaseFailed:      {"Release %s failed", false},
	rollout.PhaseRollingBack: {"Release %s is taken back", true},
	rollout.PhaseRolledBack:  {"Release %s was taken back", true},
	rollout.PhaseSafeMode:    {"Release %s was taken back, to nothing", true},
}

// personal are the codes of what persons did: the Case of that is the rollback's, and
// there is none where nothing was placed.
var personal = []gates.Code{
	gates.RollbackRequested, gates.AbortRequested, gates.ArtifactRevoked, gates.PackQuarantined, gates.BelowMinimum, gates.ReleaseSuperseded,
}

func isPersonal(codes []string) bool {
	return slices.ContainsFunc(codes, func(code string) bool { return slices.Contains(personal, gates.Code(code)) })
}

// stageOf has in which stage of the spine what happens to a release happens.
var stageOf = map[rollout.ReleaseEventKind]records.Stage{
	rollout.NotDistributed: records.Distribute, rollout.NotVerified: records.Distribute, rollout.StageInactive: records.Activate,
}

// ofMove: whether anybody has to agree, the release says.
func ofMove(e records.Entry) Need {
	var body release.Moved
	awaits := json.Unmarshal(e.Body, &body) == nil && rollout.Phase(body.After) == rollout.PhaseAwaitingApproval
	return Need{Release: awaits}
}

func releaseMoved(e records.Entry, body release.Moved, more Context) []Meaning {
	before, after := rollout.Phase(body.Before), rollout.Phase(body.After)
	if before == after {
		return nil
	}
	found := leftBehind(e, before, after)
	_, was := bad[before]
	is, ends := bad[after]
	switch {
	case after == rollout.PhaseAwaitingApproval && !more.Release.Solo:
		found = append(found, awaitsApproval(e, *more.Release))
	case ends && !was && !isPersonal(e.Codes):
		o := Opening{
			Type: "release_failed", Category: cases.Incident, Summary: clipped(because(fmt.Sprintf(is.summary, e.Subject.ID), e.Reason)),
		}
		o.Facts.Stage, o.Facts.Active = stageOf[rollout.ReleaseEventKind(body.Event)], is.placed
		found = append(found, opening(e, of(cases.CauseRelease, e), o))
	}
	return found
}

// leftBehind is what a release no longer waits for once it has left a phase.
func leftBehind(e records.Entry, before, after rollout.Phase) []Meaning {
	switch before {
	case rollout.PhaseAwaitingApproval:
		cause := of(cases.CauseApproval, e)
		switch {
		case after == rollout.PhaseApproved:
			return []Meaning{done(cause, cases.TaskApprove, "approved"), cleared(cause, "the release is approved")}
		case slices.Contains(e.Codes, string(gates.ApprovalRejected)):
			return []Meaning{done(cause, cases.TaskApprove, because("rejected by "+e.Actor, e.Reason)), cleared(cause, "the release is rejected")}
		default:
			return []Meaning{obsolete(cause, fmt.Sprintf("the release is %s", after))}
		}
	case rollout.PhaseObserving, rollout.PhaseSoaking:
		promotion, page := of(cases.CausePromotion, e), of(cases.CausePage, e)
		if after == rollout.PhaseDistributing || after == rollout.PhaseSoaking || after == rollout.PhaseClosedGood {
			return []Meaning{
				done(promotion, cases.TaskPromote, "promoted"), cleared(promotion, "the release went on"),
				done(page, cases.TaskInvestigate, "the release went on"), cleared(page, "the release went on"),
			}
		}
		why := fmt.Sprintf("the release is %s", after)
		return []Meaning{obsolete(promotion, why), obsolete(page, why)}
	default:
		return nil
	}
}

// awaitsApproval: its Task is due when what was agreed so far counts no more.
func awaitsApproval(e records.Entry, record release.Record) Meaning {
	due := e.At.Add(approvalsWithin)
	for _, vote := range record.Votes {
		if vote.Approve && record.IntentDigest != nil && vote.Intent == *record.IntentDigest && vote.ExpiresAt.Before(due) {
			due = vote.ExpiresAt
		}
	}
	return opening(e, of(cases.CauseApproval, e), Opening{
		Type: "approval", Category: cases.Request, Codes: []string{string(gates.ApprovalsMissing)},
		Summary: fmt.Sprintf("Release %s waits for approval", e.Subject.ID),
		Due:     []Due{{Key: cases.TaskApprove, At: due}},
	})
}

// recordWritten: that a release waits to be promoted is in its record alone. It is
// written often meanwhile, which is one occurrence.
func recordWritten(e records.Entry, _ Context) ([]Meaning, error) {
	if e.Subject.Kind != records.SubjectRelease {
		return nil, nil
	}
	var record struct {
		Phase string   `json:"phase"`
		Codes []string `json:"reason_codes"`
	}
	if err := json.Unmarshal(e.Body, &record); err != nil {
		return nil, err
	}
	if !slices.Contains(record.Codes, string(gates.PromotionMissing)) {
		return nil, nil
	}
	return []Meaning{opening(e, of(cases.CausePromotion, e), Opening{
		Type: "promotion", Category: cases.Request, Codes: []string{string(gates.PromotionMissing)},
		Summary: fmt.Sprintf("Release %s waits to be promoted", e.Subject.ID), Continues: true,
	})}, nil
}

// operatorPaged: policy says that a person decides.
func operatorPaged(e records.Entry, _ Context) []Meaning {
	o := Opening{
		Type: "release_undecided", Category: cases.Incident, Summary: fmt.Sprintf("Release %s has no verdict by its deadline: it is held for a person to decide", e.Subject.ID),
		Renew: []string{cases.TaskInvestigate},
	}
	o.Facts.Active = true
	return []Meaning{opening(e, of(cases.CausePage, e), o)}
}

// windowRefused: telemetry contradicts itself, and what it said is not known.
func windowRefused(e records.Entry, _ Context) []Meaning {
	o := Opening{
		Type: "audit_gap", Category: cases.Incident, Refs: []cases.Ref{{Type: "entry", Ref: e.ID}},
		Summary: fmt.Sprintf("Telemetry of cohort %s of release %s contradicts itself", e.Correlation.Cohort, e.Subject.ID),
	}
	return []Meaning{opening(e, cases.Cause{Kind: cases.CauseAudit, ID: e.Subject.Kind + "/" + e.Subject.ID + "/" + e.Correlation.Cohort}, o)}
}

// clipped bounds a summary to what a Case may have.
func clipped(text string) string {
	if letters := []rune(text); len(letters) > cases.MaxTitle {
		return string(letters[:cases.MaxTitle-1]) + "…"
	}
	return text
}
