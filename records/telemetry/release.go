package telemetry

import (
	"context"
	"time"
)

// Directory says what releases there are.
type Directory interface {
	// Known returns a release of an organization, and whether there is one that
	// takes telemetry. One that ended takes none.
	Known(ctx context.Context, organization, releaseID string) (release Release, found bool, err error)
}

// Release is what telemetry has to know of a release. It does not change while the
// release runs, save that each cohort gets the time of its activation, once.
type Release struct {
	ID      string
	PackID  string // what its cohorts are switched to
	Cohorts map[string]Cohort
	// Signals are the names of the health signals that its policy looks at. No others
	// are reduced: what a window holds is bounded by the policy, not by its nodes.
	Signals []string
}

// Since returns the release with the activations of its cohorts put off to a time, if
// they were before: what was reported earlier then counts for nothing.
func (r Release) Since(at time.Time) Release {
	cohorts := make(map[string]Cohort, len(r.Cohorts))
	for name, c := range r.Cohorts {
		if !c.ActivatedAt.IsZero() && c.ActivatedAt.Before(at) {
			c.ActivatedAt = at
		}
		cohorts[name] = c
	}
	r.Cohorts = cohorts
	return r
}

// Cohort is a frozen set of nodes.
type Cohort struct {
	Members     map[string]struct{} // by node id
	ActivatedAt time.Time           // recorded before the switch; zero: not yet, and nothing counts
}
