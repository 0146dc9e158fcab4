package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/initkoa/orgo/records"
)

// ErasureRefused says why an entry cannot be erased.
type ErasureRefused struct {
	EntryID string
	What    string
	// Harmless says that nothing personal is left in it.
	Harmless bool
}

// Error says why.
func (e *ErasureRefused) Error() string { return fmt.Sprintf("entry %s: %s", e.EntryID, e.What) }

// Erasing is who erases, when and why.
type Erasing struct {
	Actor  string
	Reason string
	At     time.Time
}

// Erase removes the personal data of an entry for good, and records that, in one
// transaction. Its leaf, its id and all else stay. An entry of a build can be erased
// once the build has ended; one that has no leaf yet, or has nothing personal in it,
// is an *ErasureRefused.
//
// On Postgres it needs the right to update entries, which the services' role lacks.
func (s *Store) Erase(ctx context.Context, organization, entryID string, by Erasing) (records.Erasure, error) {
	tx, err := s.recorder.begin(ctx, newViewCache())
	if err != nil {
		return records.Erasure{}, err
	}
	erasure, err := eraseIn(ctx, tx, organization, entryID, by)
	if err != nil {
		_ = tx.Rollback() // the error says why; this one would only end the connection
		return erasure, s.readFault(ctx, "erase entry "+entryID, err)
	}
	if err := tx.Commit(); err != nil {
		return erasure, s.dialect.fault("erase entry "+entryID, err)
	}
	s.appended.wake()
	return erasure, nil
}

func eraseIn(ctx context.Context, tx *transaction, organization, entryID string, by Erasing) (records.Erasure, error) {
	refuse := func(format string, args ...any) (records.Erasure, error) {
		return records.Erasure{}, &ErasureRefused{EntryID: entryID, What: fmt.Sprintf(format, args...)}
	}
	var row struct {
		Leaf sql.NullInt64 `db:"leaf"`
		entryRow
	}
	err := tx.GetContext(ctx, &row, tx.Rebind(`SELECT l.leaf, `+qualifiedEntryColumns+`
		FROM entries e LEFT JOIN ledger_leaves l ON l.entry_id = e.entry_id AND l.organization = e.organization
		WHERE e.organization = ? AND e.entry_id = ?`), organization, entryID)
	if errors.Is(err, sql.ErrNoRows) {
		return records.Erasure{}, fmt.Errorf("entry %s: %w", entryID, ErrNotFound)
	}
	if err != nil {
		return records.Erasure{}, err
	}
	switch {
	case row.Erased != "":
		return records.Erasure{}, &ErasureRefused{EntryID: entryID, What: "it was erased before", Harmless: true}
	case !row.Leaf.Valid:
		return refuse("it has no leaf yet: try again in a second")
	case row.SubjectKind == records.SubjectErasure:
		return refuse("that something was erased is never erased")
	}
	leaf, err := row.leaf()
	if err != nil {
		return records.Erasure{}, err
	}
	stored, err := row.stored()
	if err != nil {
		return records.Erasure{}, err
	}
	redacted, fields, err := records.Redact(stored.Entry)
	if err != nil {
		return records.Erasure{}, err
	}
	if len(fields) == 0 {
		return records.Erasure{}, &ErasureRefused{EntryID: entryID, What: "it has no personal data", Harmless: true}
	}
	erasure := records.Erasure{
		EntryID: entryID, Type: row.Type, Leaf: row.Leaf.Int64, Commitment: leaf.Payload, Body: redacted.Digest, Fields: fields,
	}
	if err := appendErasure(ctx, tx, organization, erasure, row.entryRow, by); err != nil {
		return erasure, err
	}
	if _, err := tx.ExecContext(ctx, tx.Rebind(`UPDATE entries SET actor = ?, on_behalf_of = ?, reason = ?, body = ?, digest = ?,
		salt = '', erased = ? WHERE organization = ? AND entry_id = ?`), redacted.Actor, redacted.OnBehalfOf, redacted.Reason,
		string(redacted.Body), redacted.Digest.Value, erasure.Commitment, organization, entryID); err != nil {
		return erasure, err
	}
	if model, has := models[row.SubjectKind]; has {
		return erasure, foldAgain(ctx, tx, model, organization, row.subject())
	}
	return erasure, nil
}

// appendErasure records the erasure before it happens: the database permits none
// that is not recorded.
func appendErasure(ctx context.Context, tx *transaction, organization string, erasure records.Erasure, erased entryRow, by Erasing) error {
	correlation := records.Correlation{}
	if erased.SubjectKind == records.SubjectBuild {
		correlation.BuildID = erased.SubjectID
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: records.TypeEntryErased,
		Subject: records.Subject{Kind: records.SubjectErasure, ID: erasure.EntryID},
		At:      by.At, Actor: by.Actor, Reason: by.Reason, Correlation: correlation,
	}, "erased", erasure)
	if err != nil {
		return err
	}
	facts, err := newFacts([]records.Entry{entry})
	if err != nil {
		return err
	}
	_, refusal, err := tx.append(ctx, facts)
	return errors.Join(refusal, err)
}

// foldAgain computes the state of a subject from its entries as they are now.
func foldAgain(ctx context.Context, tx *transaction, m model, organization string, subject records.Subject) error {
	var rows []entryRow
	err := tx.SelectContext(ctx, &rows, tx.Rebind(`SELECT `+entryColumns+` FROM entries
		WHERE organization = ? AND subject_kind = ? AND subject_id = ? ORDER BY sequence`), organization, subject.Kind, subject.ID)
	if err != nil {
		return err
	}
	var state any
	for _, row := range rows {
		stored, err := row.stored()
		if err != nil {
			return err
		}
		if state, err = m.replay(state, stored.Entry, row.Sequence); err != nil {
			return err
		}
	}
	return m.erased(ctx, tx, state)
}

// EntriesAbout returns the ids of the entries that name a person: those by the
// person or on the person's behalf, and the records of the builds among their
// subjects, which repeat it.
func (s *Store) EntriesAbout(ctx context.Context, organization, actor string) ([]string, error) {
	ids := []string{}
	err := s.reader.SelectContext(ctx, &ids, s.reader.Rebind(`SELECT entry_id FROM entries
		WHERE organization = ? AND (actor = ? OR on_behalf_of = ?) AND subject_kind <> 'erasure'
		UNION SELECT r.entry_id FROM entries r WHERE r.organization = ? AND r.type = ? AND r.erased = ''
			AND EXISTS (SELECT 1 FROM entries e WHERE e.organization = r.organization AND e.subject_kind = r.subject_kind
				AND e.subject_id = r.subject_id AND (e.actor = ? OR e.on_behalf_of = ?)) ORDER BY 1`),
		organization, actor, actor, organization, records.TypeRecordWritten, actor, actor)
	if err != nil {
		return nil, s.readFault(ctx, "find the entries about a person", err)
	}
	return ids, nil
}

// recordedErasure returns the erasure of an entry as the log has it.
func recordedErasure(ctx context.Context, tx *sqlx.Tx, organization, entryID string) (erasure records.Erasure, at string, found bool, err error) {
	var row struct {
		Body string `db:"body"`
		At   string `db:"at"`
	}
	err = tx.GetContext(ctx, &row, tx.Rebind(`SELECT body, at FROM entries
		WHERE organization = ? AND subject_kind = 'erasure' AND subject_id = ? AND sequence = 1 AND type = ?`),
		organization, entryID, records.TypeEntryErased)
	if errors.Is(err, sql.ErrNoRows) {
		return erasure, "", false, nil
	}
	if err != nil {
		return erasure, "", false, err
	}
	if err := json.Unmarshal([]byte(row.Body), &erasure); err != nil {
		return erasure, "", false, nil // whatever this is, it is no erasure
	}
	return erasure, row.At, true, nil
}
