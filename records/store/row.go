package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/initkoa/orgo/records"
)

// entryColumns are the columns of table entries, in the order of entryRow.args.
const entryColumns = `organization, entry_id, kind, type, subject_kind, subject_id, sequence, at, actor, ` +
	`on_behalf_of, reason, codes, correlation, body, alg, digest, salt, erased`

// qualifiedEntryColumns are the same of table alias e.
const qualifiedEntryColumns = `e.organization, e.entry_id, e.kind, e.type, e.subject_kind, e.subject_id, e.sequence, e.at, ` +
	`e.actor, e.on_behalf_of, e.reason, e.codes, e.correlation, e.body, e.alg, e.digest, e.salt, e.erased`

// entryColumnCount is how many they are.
const entryColumnCount = 18

// entryRow is a row of table entries.
type entryRow struct {
	Organization string `db:"organization"`
	EntryID      string `db:"entry_id"`
	Kind         string `db:"kind"`
	Type         string `db:"type"`
	SubjectKind  string `db:"subject_kind"`
	SubjectID    string `db:"subject_id"`
	Sequence     int64  `db:"sequence"`
	At           string `db:"at"`
	Actor        string `db:"actor"`
	OnBehalfOf   string `db:"on_behalf_of"`
	Reason       string `db:"reason"`
	Codes        string `db:"codes"`
	Correlation  string `db:"correlation"`
	Body         string `db:"body"`
	Alg          string `db:"alg"`
	Digest       string `db:"digest"`
	Salt         string `db:"salt"`   // hex
	Erased       string `db:"erased"` // the leaf's commitment, in hex, of an entry that was erased
}

func newRow(e records.Entry) (entryRow, error) {
	codes, err := json.Marshal(append([]string{}, e.Codes...))
	if err != nil {
		return entryRow{}, invalid(e, "its codes are not JSON: %v", err)
	}
	correlation, err := json.Marshal(e.Correlation)
	if err != nil {
		return entryRow{}, invalid(e, "its correlation is not JSON: %v", err)
	}
	return entryRow{
		Organization: e.Organization,
		EntryID:      e.ID,
		Kind:         string(e.Kind),
		Type:         e.Type,
		SubjectKind:  e.Subject.Kind,
		SubjectID:    e.Subject.ID,
		At:           e.At.Format(timeLayout),
		Actor:        e.Actor,
		OnBehalfOf:   e.OnBehalfOf,
		Reason:       e.Reason,
		Codes:        string(codes),
		Correlation:  string(correlation),
		Body:         string(e.Body),
		Alg:          e.Digest.Alg,
		Digest:       e.Digest.Value,
	}, nil
}

func (r entryRow) appendArgs(args []any) []any {
	return append(args, r.Organization, r.EntryID, r.Kind, r.Type, r.SubjectKind, r.SubjectID, r.Sequence, r.At, r.Actor,
		r.OnBehalfOf, r.Reason, r.Codes, r.Correlation, r.Body, r.Alg, r.Digest, r.Salt, r.Erased)
}

func (r entryRow) subject() records.Subject {
	return records.Subject{Kind: r.SubjectKind, ID: r.SubjectID}
}

// stored returns the entry that the row holds.
func (r entryRow) stored() (Stored, error) {
	entry := records.Entry{
		Organization: r.Organization,
		ID:           r.EntryID,
		Kind:         records.EntryKind(r.Kind),
		Type:         r.Type,
		Subject:      r.subject(),
		Actor:        r.Actor,
		OnBehalfOf:   r.OnBehalfOf,
		Reason:       r.Reason,
		Body:         json.RawMessage(r.Body),
		Digest:       records.Digest{Alg: r.Alg, Value: r.Digest},
	}
	var err error
	if entry.At, err = time.Parse(timeLayout, r.At); err != nil {
		return Stored{}, fmt.Errorf("stored entry %s: time: %w", r.EntryID, err)
	}
	if err := json.Unmarshal([]byte(r.Correlation), &entry.Correlation); err != nil {
		return Stored{}, fmt.Errorf("stored entry %s: correlation: %w", r.EntryID, err)
	}
	if err := json.Unmarshal([]byte(r.Codes), &entry.Codes); err != nil {
		return Stored{}, fmt.Errorf("stored entry %s: codes: %w", r.EntryID, err)
	}
	if len(entry.Codes) == 0 {
		entry.Codes = nil
	}
	return Stored{Entry: entry, Sequence: r.Sequence}, nil
}

func storedRows(rows []entryRow) ([]Stored, error) {
	stored := make([]Stored, len(rows))
	for i, row := range rows {
		var err error
		if stored[i], err = row.stored(); err != nil {
			return nil, err
		}
	}
	return stored, nil
}
