package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/records"
)

// Answer returns what became of an action that an entry about a subject asked for, and
// whether that is known yet.
func (s *Store) Answer(ctx context.Context, organization string, subject records.Subject, command string) (outcome records.CommandOutcome, known bool, err error) {
	for _, answer := range []string{records.TypeActionAccepted, records.TypeActionRefused} {
		// The id follows from what it answers, so it need not be searched for.
		same, err := records.NewEntry(records.Entry{Organization: organization, Type: answer, Subject: subject}, command, nil)
		if err != nil {
			return outcome, false, err
		}
		stored, err := s.Entry(ctx, organization, same.ID)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return outcome, false, err
		}
		if err := json.Unmarshal(stored.Body, &outcome); err != nil {
			return outcome, false, fmt.Errorf("answer %s to entry %s: %w", stored.ID, command, err)
		}
		return outcome, true, nil
	}
	return outcome, false, nil
}
