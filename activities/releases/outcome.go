package releases

import (
	"context"

	"github.com/initkoa/orgo/records"
)

// OutcomeInput asks what became of an action.
type OutcomeInput struct {
	Organization string          `json:"organization"`
	Subject      records.Subject `json:"subject"`
	Command      string          `json:"command"` // the id of the entry that asked
}

// OutcomeFound is what became of an action, if it was ever taken in.
type OutcomeFound struct {
	Found   bool                   `json:"found"`
	Outcome records.CommandOutcome `json:"outcome,omitzero"`
}

// Outcome finds what became of an action that was taken in earlier.
func (a *Activities) Outcome(ctx context.Context, in OutcomeInput) (OutcomeFound, error) {
	outcome, known, err := a.store.Answer(ctx, in.Organization, in.Subject, in.Command)
	return reported(ctx, OutcomeFound{Found: known, Outcome: outcome}, err)
}
