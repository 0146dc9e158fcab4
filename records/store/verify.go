package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/initkoa/orgo/records"
)

// Difference is one place where the store is not what its entries say.
type Difference struct {
	Organization string
	Subject      records.Subject
	What         string
}

// String names the subject and what is different.
func (d Difference) String() string {
	return fmt.Sprintf("%s %s of organization %s: %s", d.Subject.Kind, d.Subject.ID, d.Organization, d.What)
}

// VerifyReadModel computes everything that is derived from the entries again,
// from the entries alone, and returns where the store differs; nothing when it
// is whole. It reads one consistent state, in bounded memory, and changes
// nothing.
func (s *Store) VerifyReadModel(ctx context.Context) ([]Difference, error) {
	tx, err := s.reader.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, s.readFault(ctx, "verify the read model", err)
	}
	v := &verifier{tx: tx}
	err = errors.Join(v.run(ctx), tx.Rollback())
	if err != nil {
		return nil, s.readFault(ctx, "verify the read model", err)
	}
	return v.differences, nil
}

// Rebuild computes the read models again, from the entries alone, puts right what
// is stored otherwise, and returns what that was; nothing when they are whole.
// Nobody appends meanwhile. What is append-only is compared and never changed.
func (s *Store) Rebuild(ctx context.Context) ([]Difference, error) {
	tx, err := s.writer.BeginTxx(ctx, nil)
	if err != nil {
		return nil, s.readFault(ctx, "rebuild the read models", err)
	}
	v := &verifier{tx: tx, repair: true}
	err = v.rebuild(ctx, s.dialect.freeze)
	if err == nil {
		err = tx.Commit()
	} else {
		err = errors.Join(err, tx.Rollback())
	}
	if err != nil {
		return nil, s.dialect.fault("rebuild the read models", err)
	}
	return v.differences, nil
}

func (v *verifier) rebuild(ctx context.Context, freeze string) error {
	if freeze != "" {
		if _, err := v.tx.ExecContext(ctx, freeze); err != nil {
			return err
		}
	}
	if err := v.run(ctx); err != nil {
		return err
	}
	for _, statement := range removeOrphansSQL {
		if _, err := v.tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// removeOrphansSQL removes what the read models have of no entry.
var removeOrphansSQL = []string{
	`DELETE FROM builds WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.organization = builds.organization
		AND e.subject_kind = 'build' AND e.subject_id = builds.build_id)`,
	orphanedOfCases("cases"), orphanedOfCases("case_owners"), orphanedOfCases("tasks"),
	`DELETE FROM subjects WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.organization = subjects.organization
		AND e.subject_kind = subjects.subject_kind AND e.subject_id = subjects.subject_id)`,
}

// save puts a row of a read model right, if that is what the walk is for.
func (v *verifier) save(ctx context.Context, statement string, args ...any) error {
	if !v.repair {
		return nil
	}
	_, err := v.tx.ExecContext(ctx, v.tx.Rebind(statement), args...)
	return err
}

// verifyPage is how many entries are read at a time.
const verifyPage = 500

// verifier walks over all entries, subject by subject. The row it is at is the
// last one it folded.
type verifier struct {
	tx          *sqlx.Tx
	repair      bool // put the read models right
	differences []Difference

	at     entryRow
	state  any  // nil before the first entry of a subject
	broken bool // the entries of the subject cannot be folded
}

func (v *verifier) run(ctx context.Context) error {
	for {
		page, err := v.page(ctx)
		if err != nil {
			return err
		}
		for _, row := range page {
			if err := v.step(ctx, row); err != nil {
				return err
			}
		}
		if len(page) < verifyPage {
			break
		}
	}
	if err := v.endSubject(ctx); err != nil {
		return err
	}
	return v.orphans(ctx)
}

// page reads the entries after the one that the verifier is at.
func (v *verifier) page(ctx context.Context) ([]entryRow, error) {
	var rows []entryRow
	err := v.tx.SelectContext(ctx, &rows, v.tx.Rebind(`SELECT `+entryColumns+` FROM entries
		WHERE (subject_id, subject_kind, organization, sequence) > (?, ?, ?, ?)
		ORDER BY subject_id, subject_kind, organization, sequence LIMIT ?`),
		v.at.SubjectID, v.at.SubjectKind, v.at.Organization, v.at.Sequence, verifyPage)
	return rows, err
}

// step folds one entry.
func (v *verifier) step(ctx context.Context, row entryRow) error {
	if row.Organization != v.at.Organization || row.subject() != v.at.subject() {
		if err := v.endSubject(ctx); err != nil {
			return err
		}
		v.at, v.state, v.broken = entryRow{}, nil, false
	}
	if row.Sequence != v.at.Sequence+1 {
		v.differ(row, "entry %s has sequence %d, not %d", row.EntryID, row.Sequence, v.at.Sequence+1)
	}
	v.at = row
	stored, err := row.stored()
	if err != nil {
		v.differ(row, "%v", err)
		v.broken = true
		return nil
	}
	f, err := newFact(stored.Entry)
	if err != nil {
		v.differ(row, "%v", err)
		v.broken = true
		return nil
	}
	v.fold(f, row.Sequence)
	if f.output == nil {
		return nil
	}
	return v.compareOutput(ctx, f)
}

func (v *verifier) fold(f fact, sequence int64) {
	model, has := models[f.Subject.Kind]
	if v.broken || !has {
		return
	}
	var err error
	if v.state, err = model.replay(v.state, f.Entry, sequence); err != nil {
		v.differ(v.at, "its entries cannot be folded: %v", err)
		v.broken = true
	}
}

func (v *verifier) compareOutput(ctx context.Context, f fact) error {
	var kept struct {
		EntryID string `db:"entry_id"`
		Alg     string `db:"alg"`
		Digest  string `db:"outputs_digest"`
	}
	err := v.tx.GetContext(ctx, &kept, v.tx.Rebind(`SELECT entry_id, alg, outputs_digest FROM stage_outputs
		WHERE organization = ? AND stage_key = ?`), f.Organization, f.output.key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		v.differ(v.at, "entry %s is no authoritative output of stage key %s", f.ID, f.output.key)
		return nil
	case err != nil:
		return err
	}
	identity := records.Digest{Alg: kept.Alg, Value: kept.Digest}
	if kept.EntryID != f.ID || identity != f.output.digest {
		v.differ(v.at, "stage key %s has the output %s of entry %s, and entry %s says %s",
			f.output.key, identity, kept.EntryID, f.ID, f.output.digest)
	}
	return nil
}

// endSubject compares what was folded with what is stored.
func (v *verifier) endSubject(ctx context.Context) error {
	if v.at.Sequence == 0 {
		return nil
	}
	var sequence int64
	err := v.tx.GetContext(ctx, &sequence, v.tx.Rebind(`SELECT sequence FROM subjects
		WHERE organization = ? AND subject_kind = ? AND subject_id = ?`), v.at.Organization, v.at.SubjectKind, v.at.SubjectID)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		v.differ(v.at, "it has entries and no last sequence")
	case err != nil:
		return err
	case sequence != v.at.Sequence:
		v.differ(v.at, "its last sequence is stored as %d and is %d", sequence, v.at.Sequence)
	}
	if sequence != v.at.Sequence {
		if err := v.save(ctx, saveSubjectSQL, v.at.Organization, v.at.SubjectKind, v.at.SubjectID, v.at.Sequence); err != nil {
			return err
		}
	}
	model, has := models[v.at.SubjectKind]
	if !has || v.broken {
		return nil
	}
	return model.compare(ctx, v, v.state)
}

// orphans are the queries for what is derived from no entry, and what is wrong
// with it. They select organization, subject_kind and subject_id.
var orphans = []struct{ what, query string }{
	{"it has a last sequence and no entries", `SELECT organization, subject_kind, subject_id FROM subjects s
		WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.organization = s.organization
			AND e.subject_kind = s.subject_kind AND e.subject_id = s.subject_id)`},
	{"it has a view and no entries", `SELECT organization, 'build' AS subject_kind, build_id AS subject_id FROM builds b
		WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.organization = b.organization
			AND e.subject_kind = 'build' AND e.subject_id = b.build_id)`},
	{"it is listed and has no entries", `SELECT organization, 'case' AS subject_kind, case_id AS subject_id FROM cases c
		WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.organization = c.organization
			AND e.subject_kind = 'case' AND e.subject_id = c.case_id)`},
	{"a stage key has an entry of it as output that is none", `SELECT e.organization, e.subject_kind, e.subject_id
		FROM stage_outputs o JOIN entries e ON e.organization = o.organization AND e.entry_id = o.entry_id
		WHERE e.kind <> 'output'`},
}

func (v *verifier) orphans(ctx context.Context) error {
	for _, orphan := range orphans {
		var rows []entryRow
		if err := v.tx.SelectContext(ctx, &rows, orphan.query+` ORDER BY 1, 2, 3`); err != nil {
			return err
		}
		for _, row := range rows {
			v.differ(row, "%s", orphan.what)
		}
	}
	return nil
}

func (v *verifier) differ(row entryRow, format string, args ...any) {
	v.differences = append(v.differences, Difference{
		Organization: row.Organization,
		Subject:      row.subject(),
		What:         fmt.Sprintf(format, args...),
	})
}
