package releases

import (
	"context"
	"errors"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// CommitInput asks to record the next version of a record with all that goes with
// it.
type CommitInput struct {
	Organization string          `json:"organization"`
	Entries      []records.Entry `json:"entries"`
}

// Committed says whether the entries are recorded, all of them. With a conflict none
// is: another run has written that version, and it is to be loaded again.
type Committed struct {
	Conflict bool `json:"conflict"`
}

// Commit appends entries at once. To commit the same again changes nothing.
func (a *Activities) Commit(ctx context.Context, in CommitInput) (Committed, error) {
	committed, err := a.commit(ctx, in)
	return reported(ctx, committed, err)
}

func (a *Activities) commit(ctx context.Context, in CommitInput) (Committed, error) {
	by, err := a.caller(ctx, in.Organization)
	if err != nil {
		return Committed{}, err
	}
	if err := by.mayCommit(in.Entries); err != nil {
		return Committed{}, err
	}
	return a.append(ctx, in.Entries...)
}

func (a *Activities) append(ctx context.Context, entries ...records.Entry) (Committed, error) {
	_, err := a.store.Append(ctx, entries...)
	var conflict *store.EntryConflict
	if errors.As(err, &conflict) {
		return Committed{Conflict: true}, nil
	}
	return Committed{}, err
}
