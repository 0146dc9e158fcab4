package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jmoiron/sqlx"

	"github.com/initkoa/orgo/records"
)

// batch is one append on its way into a transaction. First everything is read
// and decided, then everything new is written: a refusal leaves nothing behind
// in the transaction, save the locks.
type batch struct {
	tx           *transaction
	organization string
	sequences    map[records.Subject]int64 // last of each locked subject
	entries      map[string]Stored         // stored, by id
	outputs      map[string]keptOutput     // authoritative, by stage key
	views        map[string]records.BuildView
	cases        map[string]*foldedCase
	added        []fact // new, numbered
	builds       []buildRow
}

// keptOutput is the authoritative output under a stage key.
type keptOutput struct {
	stored Stored
	digest records.Digest
}

// append applies facts, of one organization, within the transaction. refusal
// says that they cannot be stored, and that nothing of them was written. After
// err the transaction must be rolled back.
func (t *transaction) append(ctx context.Context, facts []fact) (stored []Stored, refusal, err error) {
	b := &batch{
		tx:           t,
		organization: facts[0].Organization,
		sequences:    map[records.Subject]int64{},
		entries:      map[string]Stored{},
		outputs:      map[string]keptOutput{},
		views:        map[string]records.BuildView{},
		cases:        map[string]*foldedCase{},
	}
	if err := b.lock(ctx, facts); err != nil {
		return nil, nil, err
	}
	if err := b.recall(ctx, facts); err != nil {
		return nil, nil, err
	}
	stored = make([]Stored, len(facts))
	for i, f := range facts {
		if stored[i], refusal = b.admit(f); refusal != nil {
			return nil, refusal, nil
		}
	}
	if refusal, err := b.oneOpen(ctx); refusal != nil || err != nil {
		return nil, refusal, err
	}
	if refusal := b.encodeViews(); refusal != nil {
		return nil, refusal, nil
	}
	return stored, nil, b.write(ctx)
}

// lock makes this transaction the only one that appends to the subjects of
// facts, until it ends. All transactions lock in the same order.
func (b *batch) lock(ctx context.Context, facts []fact) error {
	lock := b.tx.StmtxContext(ctx, b.tx.lockSubject)
	for _, subject := range subjectsOf(facts) {
		var last int64
		err := lock.GetContext(ctx, &last, b.organization, subject.Kind, subject.ID)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("lock %s %s: %w", subject.Kind, subject.ID, err)
		}
		b.sequences[subject] = last
	}
	return nil
}

// subjectsOf returns the distinct subjects of facts, sorted.
func subjectsOf(facts []fact) []records.Subject {
	subjects := make([]records.Subject, 0, 1)
	for _, f := range facts {
		if !slices.Contains(subjects, f.Subject) {
			subjects = append(subjects, f.Subject)
		}
	}
	slices.SortFunc(subjects, func(x, y records.Subject) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.ID, y.ID))
	})
	return subjects
}

// recall reads all that the decisions about facts need: which of them are
// stored, which of their stage keys have an output, and the views they fold into.
func (b *batch) recall(ctx context.Context, facts []fact) error {
	if err := b.recallEntries(ctx, facts); err != nil {
		return err
	}
	if err := b.recallOutputs(ctx, facts); err != nil {
		return err
	}
	for subject, last := range b.sequences {
		if model, has := models[subject.Kind]; has && last > 0 {
			if err := model.recall(ctx, b, subject.ID, last); err != nil {
				return err
			}
		}
	}
	return nil
}

// encodeViews makes the rows of everything that was folded into.
func (b *batch) encodeViews() error {
	for _, subject := range subjectsOf(b.added) {
		if model, has := models[subject.Kind]; has {
			if err := model.encode(b, subject.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batch) recallEntries(ctx context.Context, facts []fact) error {
	return chunks(len(facts), func(from, size int) error {
		args := make([]any, 0, 2*size)
		for _, f := range facts[from : from+size] {
			args = append(args, b.organization, f.ID)
		}
		var rows []entryRow
		find := b.tx.StmtxContext(ctx, b.tx.findEntries[size])
		if err := find.SelectContext(ctx, &rows, args...); err != nil {
			return fmt.Errorf("find entries: %w", err)
		}
		for _, row := range rows {
			stored, err := row.stored()
			if err != nil {
				return err
			}
			b.entries[stored.ID] = stored
		}
		return nil
	})
}

func (b *batch) recallOutputs(ctx context.Context, facts []fact) error {
	for _, f := range facts {
		if f.output == nil {
			continue
		}
		find := b.tx.StmtxContext(ctx, b.tx.findOutput)
		switch kept, err := findOutput(ctx, find, b.organization, f.output.key); {
		case err == nil:
			b.outputs[f.output.key] = kept
		case !errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("find the output of stage key %s: %w", f.output.key, err)
		}
	}
	return nil
}

// findOutput returns sql.ErrNoRows for a key without output.
func findOutput(ctx context.Context, find *sqlx.Stmt, organization, key string) (keptOutput, error) {
	var row struct {
		entryRow
		OutputsAlg    string `db:"outputs_alg"`
		OutputsDigest string `db:"outputs_digest"`
	}
	if err := find.GetContext(ctx, &row, organization, key); err != nil {
		return keptOutput{}, err
	}
	stored, err := row.stored()
	return keptOutput{stored: stored, digest: records.Digest{Alg: row.OutputsAlg, Value: row.OutputsDigest}}, err
}

// admit decides about one fact: it is stored already, it contradicts what is
// stored, or it is new and folds into its read model.
func (b *batch) admit(f fact) (Stored, error) {
	if f.output != nil {
		if kept, found := b.outputs[f.output.key]; found {
			if kept.digest != f.output.digest {
				return Stored{}, &OutputConflict{
					Organization: b.organization, Key: f.output.key, Kept: kept.digest, Refused: f.output.digest,
				}
			}
			return kept.stored, nil
		}
	}
	if kept, found := b.entries[f.ID]; found {
		if kept.Digest != f.Digest || kept.Kind != f.Kind || kept.Type != f.Type || kept.Subject != f.Subject {
			return Stored{}, &EntryConflict{
				Organization: b.organization, EntryID: f.ID, Kept: kept.Digest, Refused: f.Digest,
			}
		}
		return kept, nil
	}
	return b.add(f)
}

// add numbers a new fact and folds it. A repetition of it later in the same
// append finds it stored.
func (b *batch) add(f fact) (Stored, error) {
	sequence := b.sequences[f.Subject] + 1
	if model, has := models[f.Subject.Kind]; has {
		if err := model.reduce(b, f.Entry, sequence); err != nil {
			return Stored{}, err
		}
	}
	b.sequences[f.Subject] = sequence
	f.row.Sequence = sequence
	b.added = append(b.added, f)
	stored := Stored{Entry: f.Entry, Sequence: sequence}
	b.entries[f.ID] = stored
	if f.output != nil {
		b.outputs[f.output.key] = keptOutput{stored: stored, digest: f.output.digest}
	}
	stored.New = true
	return stored, nil
}

// write writes everything that was added and folded.
func (b *batch) write(ctx context.Context) error {
	if len(b.added) == 0 {
		return nil
	}
	if err := b.writeEntries(ctx); err != nil {
		return err
	}
	if err := b.writeInbox(ctx); err != nil {
		return err
	}
	if err := b.writeOutputs(ctx); err != nil {
		return err
	}
	save := b.tx.StmtxContext(ctx, b.tx.saveSubject)
	for _, subject := range subjectsOf(b.added) {
		if _, err := save.ExecContext(ctx, b.organization, subject.Kind, subject.ID, b.sequences[subject]); err != nil {
			return fmt.Errorf("number the entries of %s %s: %w", subject.Kind, subject.ID, err)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(models)) {
		if err := models[kind].write(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) writeEntries(ctx context.Context) error {
	return chunks(len(b.added), func(from, size int) error {
		args := make([]any, 0, size*entryColumnCount)
		for _, f := range b.added[from : from+size] {
			args = f.row.appendArgs(args)
		}
		if _, err := b.tx.StmtxContext(ctx, b.tx.addEntries[size]).ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("insert entry %s and the %d after it: %w", b.added[from].ID, size-1, err)
		}
		return nil
	})
}

// writeInbox hands the new entries to the ledger. Their order there is that of
// their subject, whose lock is held.
func (b *batch) writeInbox(ctx context.Context) error {
	return chunks(len(b.added), func(from, size int) error {
		args := make([]any, 0, 3*size)
		for _, f := range b.added[from : from+size] {
			hash, err := f.row.leafHash()
			if err != nil {
				return err
			}
			args = append(args, f.Organization, f.ID, hash[:])
		}
		if _, err := b.tx.StmtxContext(ctx, b.tx.addInbox[size]).ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("hand entry %s and the %d after it to the ledger: %w", b.added[from].ID, size-1, err)
		}
		return nil
	})
}

func (b *batch) writeOutputs(ctx context.Context) error {
	for _, f := range b.added {
		if f.output == nil {
			continue
		}
		add := b.tx.StmtxContext(ctx, b.tx.addOutput)
		_, err := add.ExecContext(ctx, b.organization, f.output.key, f.ID, f.output.digest.Alg, f.output.digest.Value)
		if err != nil {
			return fmt.Errorf("insert the output of stage key %s: %w", f.output.key, err)
		}
	}
	return nil
}
