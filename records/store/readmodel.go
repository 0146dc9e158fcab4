package store

import (
	"context"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// model is the read model of one kind of subjects: what their entries fold to, and the
// rows that have it.
type model interface {
	// recall reads the state of a subject that has entries, before a batch adds any.
	recall(ctx context.Context, b *batch, id string, last int64) error
	// reduce folds an entry into the state that the batch has.
	reduce(b *batch, e records.Entry, sequence int64) error
	// encode makes the rows of a subject that was folded into: nothing is written yet.
	encode(b *batch, id string) error
	// write writes the rows of the batch.
	write(ctx context.Context, b *batch) error

	// replay folds an entry into a state; nil is that before the first.
	replay(state any, e records.Entry, sequence int64) (any, error)
	// compare compares the rows of the subject that a verifier is at with its state.
	compare(ctx context.Context, v *verifier, state any) error
	// erased writes the state of a subject, an entry of which was erased.
	erased(ctx context.Context, tx *transaction, state any) error
}

// models has the read model of each kind of subjects that has one.
var models = map[string]model{
	records.SubjectBuild: buildModel{},
	cases.SubjectCase:    caseModel{},
}
