package release

import (
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
)

// DecisionSummary is a decision that moved, or stopped, the release. Of decisions about
// the same that say the same, one after the other, it is the newest. The whole is the entry.
type DecisionSummary struct {
	EntryID string         `json:"entry_id"`
	At      time.Time      `json:"at"`
	Gate    string         `json:"gate"`
	Stage   int            `json:"stage"` // that it is about entering, from 0; one past the last closes the release
	Cohort  string         `json:"cohort,omitempty"`
	Verdict string         `json:"verdict"`
	Codes   []string       `json:"reason_codes,omitempty"`
	Inputs  records.Digest `json:"inputs_digest"`
}

// Question is what a decision answers: the newest of those that answer it counts.
type Question struct {
	Gate, Cohort string
	Stage        int // that it is about entering
}

// Question returns what the decision answers.
func (d DecisionSummary) Question() Question { return Question{d.Gate, d.Cohort, d.Stage} }

// maxDecisions bounds the decisions that a record names; all are in the store.
const maxDecisions = 200

// SumUp names a decision. It takes the place of the one before it that answers the same
// question, if that said the same: a stage is looked at with every window, and every
// version of a record that named each look would be longer than the one before. Versions
// that were made before are as they were.
func (r *Record) SumUp(d DecisionSummary) {
	named := slices.Clone(r.Decisions)
	for i, before := range slices.Backward(named) {
		if before.Question() != d.Question() {
			continue
		}
		if before.Verdict == d.Verdict && slices.Equal(before.Codes, d.Codes) {
			named = slices.Delete(named, i, i+1)
		}
		break
	}
	r.Decisions = trimmed(append(named, d))
}

// trimmed drops the oldest of too many decisions, but for the newest answer to each
// question: that is what permits, however long ago it was made.
func trimmed(decisions []DecisionSummary) []DecisionSummary {
	over := len(decisions) - maxDecisions
	if over <= 0 {
		return decisions
	}
	newer := map[Question]int{}
	for _, d := range decisions {
		newer[d.Question()]++
	}
	return slices.DeleteFunc(decisions, func(d DecisionSummary) bool {
		newer[d.Question()]--
		if over > 0 && newer[d.Question()] > 0 {
			over--
			return true
		}
		return false
	})
}
