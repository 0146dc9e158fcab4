package releases

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
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
	found, err := a.outcome(ctx, in)
	return reported(ctx, found, err)
}

func (a *Activities) outcome(ctx context.Context, in OutcomeInput) (OutcomeFound, error) {
	for _, answer := range []string{records.TypeActionAccepted, records.TypeActionRefused} {
		// The id follows from what it answers, so it need not be searched for.
		same, err := records.NewEntry(records.Entry{Organization: in.Organization, Type: answer, Subject: in.Subject}, in.Command, nil)
		if err != nil {
			return OutcomeFound{}, err
		}
		stored, err := a.store.Entry(ctx, in.Organization, same.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return OutcomeFound{}, err
		}
		var outcome records.CommandOutcome
		if err := json.Unmarshal(stored.Body, &outcome); err != nil {
			return OutcomeFound{}, runner.Fail(gates.EvidenceMissing, err, "entry %s does not decode", stored.ID)
		}
		return OutcomeFound{Found: true, Outcome: outcome}, nil
	}
	return OutcomeFound{}, nil
}
