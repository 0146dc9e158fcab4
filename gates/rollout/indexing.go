package rollout

import (
	"slices"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/index"
)

// indexed gives the record the index of its newest sequence: what each cohort is to
// have, and the authorization of every step back from what the target has.
func (r Record) indexed(at time.Time) (Record, *Refusal) {
	next := index.Index{
		Channel:  index.Channel{Organization: r.Organization, Environment: r.Environment, Name: r.Name},
		Sequence: r.Sequence, Cohorts: []index.Cohort{}, PublishedAt: at.UTC(), MinimumVersion: r.Minimum, Revoked: r.Revoked,
	}
	previous := index.Index{}
	if r.Published != nil {
		previous = *r.Published
		next.After = previous.Sequence
		if next.PublishedAt.Before(previous.PublishedAt) {
			next.PublishedAt = previous.PublishedAt // clocks of those who ask differ
		}
	}
	for _, slot := range r.Slots {
		cohort, there, refused := r.cohort(slot, previous, next)
		if refused != nil {
			return r, refused
		}
		if there {
			next.Cohorts = append(next.Cohorts, cohort)
		}
	}
	if r.Published != nil {
		back, err := index.StepsBack(previous, next)
		if err != nil {
			return r, refuse(gates.IndexRefused, "%v", err)
		}
		for _, step := range back {
			next.Downgrades = append(next.Downgrades, r.authorize(step))
		}
	}
	if err := r.follows(next); err != nil {
		return r, refuse(gates.IndexRefused, "%v", err)
	}
	r.Index = &next
	return r, nil
}

// follows is the lock that the target has as well: what it would refuse is refused
// before it is recorded.
func (r Record) follows(next index.Index) error {
	if r.Published == nil {
		return index.Begins(next)
	}
	return index.Follows(*r.Published, next)
}

// cohort returns what the index says of a slot. One that never had anything is not in
// it; one that has nothing any more is, so that what comes later is compared with what
// was there.
func (r Record) cohort(slot Slot, previous, next index.Index) (index.Cohort, bool, *Refusal) {
	was, had := previous.Cohort(slot.Cohort)
	if slot.Desired == nil {
		if had && !was.Inactive {
			was.Inactive, was.Since = true, next.PublishedAt
		}
		return was, had, nil
	}
	member, known := r.Member(slot.Desired.ReleaseID)
	if !known {
		return was, false, refuse(gates.InternalError, "cohort %s is to have release %s, which did not join", slot.Cohort, slot.Desired.ReleaseID)
	}
	is := index.Cohort{
		Name: slot.Cohort, Release: index.Release{ID: member.ReleaseID, Number: member.Number}, Pack: member.Pack,
		Percentage: r.points(slot.Cohort) / 100, Since: next.PublishedAt,
	}
	if had && !was.Inactive && was.Release == is.Release {
		is.Since = was.Since
	}
	return is, true, nil
}

func (r Record) points(cohort string) int {
	for _, portion := range r.Cohorts {
		if portion.Cohort == cohort {
			return portion.Points
		}
	}
	return 0
}

// authorize lets the index take a step back: one that a rollback chose, or that a
// release makes whose pack is older than what is active.
func (r Record) authorize(step index.Back) index.Downgrade {
	ground := r.groundOfCohort(step.Cohort)
	return index.Downgrade{
		Cohort: step.Cohort, From: step.From, To: step.To, Release: step.Release, Sequence: r.Sequence,
		Decision: ground.Decision, Actor: ground.Actor, Reason: ground.Reason,
	}
}

// Placements returns what is or should be active anywhere on the channel, each once.
func (r Record) Placements() []Placement {
	var all []Placement
	for _, slot := range r.Slots {
		for _, p := range slot.placements() {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}
