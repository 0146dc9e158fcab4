package target

import (
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// State is what was found on a target.
type State struct {
	// Index is what the target says is active; nil where nothing is published yet
	// or the index itself has drifted.
	Index   *index.Index   `json:"index,omitempty"`
	Digest  records.Digest `json:"digest,omitzero"`
	Cohorts []Cohort       `json:"cohorts,omitempty"` // one for each of the index
	// Newest is the index that the next one must follow: the active one, or one that was
	// fenced and not switched to. Nil where it cannot be told.
	Newest *index.Index `json:"newest,omitempty"`
	Drift  []Drift      `json:"drift,omitempty"` // of the target as a whole
}

// Cohort is what was found of one cohort.
type Cohort struct {
	index.Cohort
	// Found is the digest of the pack to which the link leads, zero where it leads
	// to none.
	Found records.Digest `json:"found,omitzero"`
	Drift []Drift        `json:"drift,omitempty"`
}

// Drift is one way in which what was found is not what the index says.
type Drift struct {
	Code gates.Code `json:"code"`
	Path string     `json:"path"` // below the channel's directory
}

// Fine reports whether an index is active and everything is as it says. Nothing
// published is not fine: absence proves nothing.
func (s State) Fine() bool {
	if s.Index == nil || len(s.Drift) > 0 || len(s.Cohorts) != len(s.Index.Cohorts) {
		return false
	}
	for _, cohort := range s.Cohorts {
		if len(cohort.Drift) > 0 {
			return false
		}
	}
	return true
}

func (s State) cohort(name string) (Cohort, error) {
	if s.Index != nil {
		for _, cohort := range s.Cohorts {
			if cohort.Name == name {
				return cohort, nil
			}
		}
	}
	return Cohort{}, runner.Fail(gates.EvidenceMissing, nil, "cohort %s was not observed", name)
}
