package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Ground is why a cohort is to have what it is to have: the decision, and whose it is.
// Every index until that is read back may have to say so, and not the first alone.
type Ground struct {
	Cohort   string         `json:"cohort"`
	Release  string         `json:"release_id"`
	Decision records.Digest `json:"decision"`
	Actor    string         `json:"actor"`
	Reason   string         `json:"reason"`
}

// grounded returns the record with the grounds of what its slots are to have, after an
// event that changed them from those of before.
func (r Record) grounded(before Record, e ChannelEvent, effects []Effect) Record {
	ground, decided := r.groundOfEvent(e, effects)
	var grounds []Ground
	for _, slot := range r.Slots {
		if slot.Desired == nil {
			continue
		}
		is := Ground{Cohort: slot.Cohort, Release: slot.Desired.ReleaseID, Decision: ground.Decision, Actor: ground.Actor, Reason: ground.Reason}
		was := before.groundOfCohort(slot.Cohort)
		if was.Release == is.Release && !slices.Contains(decided, slot.Cohort) {
			is = was
		}
		grounds = append(grounds, is)
	}
	r.Grounds = grounds
	return r
}

// groundOfCohort returns the ground of a cohort, or the zero Ground.
func (r Record) groundOfCohort(cohort string) Ground {
	at := slices.IndexFunc(r.Grounds, func(g Ground) bool { return g.Cohort == cohort })
	if at < 0 {
		return Ground{}
	}
	return r.Grounds[at]
}

// groundOfEvent returns what an event decides by, and the cohorts that a rollback decided on:
// that is one also where it comes to what there was.
func (r Record) groundOfEvent(e ChannelEvent, effects []Effect) (ground Ground, decided []string) {
	ground = Ground{Actor: e.Actor, Reason: string(gates.DowngradeApproved)}
	if advance, is := e.Action.(Advance); is {
		for _, p := range advance.Warrant.Permits {
			if p.Gate == gates.GateIntegrity {
				ground.Decision = p.Inputs
			}
		}
	}
	for _, effect := range effects {
		if effect.Selection == nil {
			continue
		}
		decided = effect.Cohorts
		// A selection is plain data, whose canonical form cannot fail.
		ground.Decision, _ = records.CanonicalDigest(effect.Selection)
		if r.Cause != nil {
			ground.Actor = r.Cause.Actor
		}
		if r.Containment != nil {
			ground.Reason = string(r.Containment.Code)
		}
	}
	return ground, decided
}
