package triage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
)

// standard are the Tasks of a rollback that persons asked for, each of which is
// completed by what happens.
var standard = []string{cases.TaskFreeze, cases.TaskRollBack, cases.TaskValidate, cases.TaskUnfreeze}

// rollbackTriggered: what persons ask for has a Case of its own, and what they do for
// several releases at a time is one. What Orgo does by itself is in the Case of the
// release that failed.
func rollbackTriggered(e records.Entry, effect rollout.Effect, _ Context) []Meaning {
	person := e.Actor != records.SystemActor || isPersonal(e.Codes)
	if !person || effect.Code == gates.ReleaseSuperseded {
		return nil
	}
	who := e.Actor
	if who == records.SystemActor {
		who = "a person" // who aborted the release: the entry is its channel's
	}
	cause := of(cases.CauseRollback, e)
	o := Opening{
		Type: "rollback", Category: cases.Incident, Renew: standard,
		Summary: clipped(because(fmt.Sprintf("Rollback on %[3]s: %[1]s has %[2]s taken back", who, strings.Join(effect.Cohorts, ", "), e.Correlation.Channel), e.Reason)),
		Refs:    []cases.Ref{{Type: "rollback", Ref: effect.ID}},
	}
	o.Facts.Active, o.Facts.Stage = true, records.Activate
	return []Meaning{opening(e, cause, o), done(cause, cases.TaskFreeze, "nothing moves forward while rollback "+effect.ID+" is under way, and a hold follows it")}
}

// rollbackPlaced: where it goes is chosen, and its index is issued in the same commit.
func rollbackPlaced(e records.Entry, effect rollout.Effect, _ Context) []Meaning {
	text := "nothing is good to go back to"
	if effect.Selection != nil && effect.Selection.Target != nil {
		text = fmt.Sprintf("the index names pack %s of release %s again", effect.Selection.Target.Pack.Digest, effect.Selection.Target.ReleaseID)
	}
	return []Meaning{done(of(cases.CauseRollback, e), cases.TaskRollBack, text)}
}

// rollbackRead: the target was read back, and has what it should.
func rollbackRead(e records.Entry, _ rollout.Effect, _ Context) []Meaning {
	if e.Type == release.TypeRollbackFailed {
		return []Meaning{done(of(cases.CauseRollback, e), cases.TaskValidate, "read back: nothing is active, as there was nothing to go back to")}
	}
	return []Meaning{
		done(of(cases.CauseRollback, e), cases.TaskValidate, "read back: the earlier pack is active"),
		cleared(of(cases.CauseNoTarget, e), "a later rollback found something to go back to"),
	}
}

// cohortActivated: something is active that was released.
func cohortActivated(e records.Entry, _ Context) []Meaning {
	return []Meaning{cleared(of(cases.CauseNoTarget, e), "a release is active again")}
}

// ofCommand: what was lifted is in what was asked.
func ofCommand(e records.Entry) Need {
	var outcome records.CommandOutcome
	if json.Unmarshal(e.Body, &outcome) != nil || !lifts(e, outcome) {
		return Need{}
	}
	return Need{Command: outcome.Command}
}

func lifts(e records.Entry, outcome records.CommandOutcome) bool {
	return e.Subject.Kind == records.SubjectChannel && outcome.Action == release.ActionLift
}

func actionAccepted(e records.Entry, outcome records.CommandOutcome, more Context) []Meaning {
	if !lifts(e, outcome) {
		return nil
	}
	var lift release.Lift
	if json.Unmarshal(more.Command.Arguments, &lift) != nil || lift.Owner != rollout.AfterRollback {
		return nil
	}
	cause := of(cases.CauseRollback, e)
	text := because("lifted by "+e.Actor, e.Reason)
	return []Meaning{done(cause, cases.TaskUnfreeze, text), cleared(cause, text)}
}

// needed is the body of a request for a Case: an effect of a channel, or a break-glass.
type needed struct {
	rollout.Effect
	What string `json:"what"`
}

// caseNeeded: that of drift and of a break-glass is told by other entries, too, which
// say more.
func caseNeeded(e records.Entry, body needed, _ Context) []Meaning {
	switch {
	case body.Code == gates.DriftDetected, body.What == "break-glass":
		return nil
	case body.Code == gates.RollbackNoTarget:
		o := Opening{
			Type: "no_rollback_target", Category: cases.Incident,
			Summary: clipped(fmt.Sprintf("Nothing is good to go back to on %s for %s", e.Correlation.Channel, strings.Join(body.Cohorts, ", "))),
			Refs:    []cases.Ref{{Type: "rollback", Ref: body.ID}},
		}
		o.Facts.Active, o.Facts.Stage = true, records.Activate
		return []Meaning{opening(e, of(cases.CauseNoTarget, e), o)}
	default:
		return []Meaning{opening(e, cases.Cause{Kind: cases.CauseRequest, ID: e.ID}, Opening{
			Type: "requested", Category: cases.Request, Summary: fmt.Sprintf("A person is needed for %s %s", e.Subject.Kind, e.Subject.ID),
		})}
	}
}

func driftCause(e records.Entry, cohort string) cases.Cause {
	return cases.Cause{Kind: cases.CauseDrift, ID: e.Subject.ID + "/" + cohort}
}

// driftFound lists all cohorts that differ: the others do not, or not any more.
func driftFound(e records.Entry, effect rollout.Effect, more Context) []Meaning {
	var found []Meaning
	for _, cohort := range effect.Cohorts {
		o := Opening{
			Type: "drift", Category: cases.Incident, Summary: fmt.Sprintf("Cohort %s of %s has something else active than it should", cohort, e.Correlation.Channel),
		}
		o.Facts.Active, o.Facts.Stage = true, records.Activate
		found = append(found, opening(e, driftCause(e, cohort), o))
	}
	return append(found, settled(e, more, effect.Cohorts)...)
}

// driftCleared: everything is as it should be.
func driftCleared(e records.Entry, more Context) []Meaning { return settled(e, more, nil) }

// settled clears the drift of all cohorts but some.
func settled(e records.Entry, more Context, but []string) []Meaning {
	var found []Meaning
	for _, slot := range more.Channel.Slots {
		if !slices.Contains(but, slot.Cohort) {
			found = append(found, cleared(driftCause(e, slot.Cohort), "it was read back with what it should have active"))
		}
	}
	return found
}
