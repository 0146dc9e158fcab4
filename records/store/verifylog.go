package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/records/ledger"
)

// VerifyOptions say what a log is checked against.
type VerifyOptions struct {
	Origin    string
	Verifiers note.Verifiers
	// Known are signed checkpoints from elsewhere, which the log must extend. They
	// are the only way to see that a whole database was set back.
	Known [][]byte
	// Progress is called now and then with the number of leaves behind; it may be
	// nil.
	Progress func(leaves, size int64)
}

// Finding is one thing that is wrong with the log.
type Finding struct {
	// Leaf is the leaf at which it is wrong, or -1 if there is none.
	Leaf    int64  `json:"leaf"`
	EntryID string `json:"entry_id,omitempty"`
	What    string `json:"what"`
}

// String names the place and what is wrong there.
func (f Finding) String() string {
	switch {
	case f.Leaf >= 0 && f.EntryID != "":
		return fmt.Sprintf("leaf %d, entry %s: %s", f.Leaf, f.EntryID, f.What)
	case f.Leaf >= 0:
		return fmt.Sprintf("leaf %d: %s", f.Leaf, f.What)
	case f.EntryID != "":
		return fmt.Sprintf("entry %s: %s", f.EntryID, f.What)
	default:
		return f.What
	}
}

// LogReport is what a check of the log found. Findings are in order: the first is
// the first thing that is wrong.
type LogReport struct {
	Size        int64     `json:"size"`
	Root        tlog.Hash `json:"root"`
	Checkpoints int64     `json:"checkpoints"`
	Waiting     int64     `json:"waiting"` // entries without a leaf yet
	// Erased are the entries whose personal data was erased, as the log says.
	Erased   []ErasedEntry `json:"erased"`
	Findings []Finding     `json:"findings"`
}

// ErasedEntry is an entry whose personal data was erased, and when.
type ErasedEntry struct {
	Leaf    int64  `json:"leaf"`
	EntryID string `json:"entry_id"`
	At      string `json:"at"`
}

// VerifyLog checks the whole log: that each leaf is the hash of its entry as that
// is stored now, that the hashes are those of one tree, that every checkpoint is
// signed and of that tree, that every entry is in the log or waits for it, and
// that the log extends the checkpoints that are known. It trusts nothing that is
// stored, reads one consistent state in bounded memory, and changes nothing.
func (s *Store) VerifyLog(ctx context.Context, options VerifyOptions) (LogReport, error) {
	tx, err := s.reader.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return LogReport{}, s.readFault(ctx, "verify the ledger", err)
	}
	v := &logVerifier{tx: tx, options: options, checker: ledger.NewVerifier()}
	err = errors.Join(v.run(ctx), tx.Rollback())
	if err != nil {
		return LogReport{}, s.readFault(ctx, "verify the ledger", err)
	}
	return v.report, nil
}

// maxFindings bounds a report: a log with so much wrong needs no longer list.
const maxFindings = 100

// verifyLogPage is how many leaves are read at a time.
const verifyLogPage = 2000

type logVerifier struct {
	tx      *sqlx.Tx
	options VerifyOptions
	checker *ledger.Verifier
	report  LogReport

	known       []ledger.Checkpoint // by size
	checkpoints []checkpointRow     // a page of those stored
	after       int64               // size of the last one read
	signed      int64               // size of the last one that is good
}

// checkpointRow is a stored checkpoint.
type checkpointRow struct {
	Size int64  `db:"size"`
	Note []byte `db:"note"`
}

// presentEntryColumns are those of an entry that may not be there; then they are
// empty.
var presentEntryColumns = func() string {
	var columns []string
	for _, column := range strings.Split(entryColumns, ", ") {
		empty := "''"
		if column == "sequence" {
			empty = "0"
		}
		columns = append(columns, fmt.Sprintf("COALESCE(e.%s, %s) AS %s", column, empty, column))
	}
	return strings.Join(columns, ", ")
}()

// auditedRow is a leaf with its entry, if that is there.
type auditedRow struct {
	Leaf      int64          `db:"leaf"`
	Hashes    []byte         `db:"hashes"`
	LeafEntry string         `db:"leaf_entry"`
	HasEntry  sql.NullString `db:"has_entry"`
	entryRow
}

func (v *logVerifier) run(ctx context.Context) error {
	if err := v.openKnown(); err != nil {
		return err
	}
	size, err := logSize(ctx, v.tx)
	if err != nil {
		return err
	}
	if err := v.leaves(ctx, size); err != nil {
		return err
	}
	v.report.Size, v.report.Root = v.checker.Size(), v.checker.Root()
	if err := v.remainingCheckpoints(ctx); err != nil {
		return err
	}
	if v.signed != v.report.Size {
		v.find(v.signed, "", "the newest good checkpoint is of size %d and the log has %d leaves", v.signed, v.report.Size)
	}
	for _, known := range v.known {
		v.find(v.report.Size, "", "a known checkpoint is of size %d and the log has %d leaves: it was set back", known.Size, v.report.Size)
	}
	return v.unlogged(ctx)
}

// openKnown opens the checkpoints from elsewhere. One that is not signed by a key
// of this log is an error: nothing follows from it.
func (v *logVerifier) openKnown() error {
	for _, text := range v.options.Known {
		checkpoint, err := ledger.OpenCheckpoint(text, v.options.Verifiers, v.options.Origin)
		if err != nil {
			return fmt.Errorf("known checkpoint: %w", err)
		}
		v.known = append(v.known, checkpoint)
	}
	ledger.SortCheckpoints(v.known)
	return nil
}

func (v *logVerifier) leaves(ctx context.Context, size int64) error {
	next := int64(0)
	for {
		var rows []auditedRow
		err := v.tx.SelectContext(ctx, &rows, v.tx.Rebind(`SELECT l.leaf, l.hashes, l.entry_id AS leaf_entry, e.entry_id AS has_entry,
			`+presentEntryColumns+` FROM ledger_leaves l
			LEFT JOIN entries e ON e.entry_id = l.entry_id AND e.organization = l.organization
			WHERE l.leaf >= ? ORDER BY l.leaf LIMIT ?`), next, verifyLogPage)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Leaf != next {
				v.find(next, "", "it is missing: the next leaf there is %d", row.Leaf)
				return nil // nothing behind a gap can be placed in the tree
			}
			if !v.leaf(row) {
				return nil
			}
			if err := v.erased(ctx, row); err != nil {
				return err
			}
			next++
			if err := v.reached(ctx, next); err != nil {
				return err
			}
		}
		if v.options.Progress != nil {
			v.options.Progress(next, size)
		}
		if len(rows) < verifyLogPage || len(v.report.Findings) >= maxFindings {
			return nil
		}
	}
}

// leaf checks one leaf and reports whether the tree can grow beyond it.
func (v *logVerifier) leaf(row auditedRow) bool {
	hash, err := row.leafHash()
	switch {
	case !row.HasEntry.Valid:
		v.find(row.Leaf, row.LeafEntry, "its entry is not stored")
	case err != nil:
		v.find(row.Leaf, row.LeafEntry, "its entry cannot be read: %v", err)
	default:
		err := v.checker.Add(row.Leaf, hash, row.Hashes)
		if err == nil {
			return true
		}
		v.find(row.Leaf, row.LeafEntry, "%v", err)
	}
	// The hashes as stored let the check go on, and find what else is wrong.
	return v.checker.AddStored(row.Leaf, row.Hashes) == nil
}

// erased checks that what an entry lost is what the log says that it lost, and that
// the rest is as it was left then.
func (v *logVerifier) erased(ctx context.Context, row auditedRow) error {
	if row.Erased == "" {
		return nil
	}
	erasure, at, found, err := recordedErasure(ctx, v.tx, row.Organization, row.EntryID)
	if err != nil {
		return err
	}
	if !found {
		v.find(row.Leaf, row.EntryID, "it was erased, and no erasure of it is recorded")
		return nil
	}
	stored, err := row.stored()
	if err == nil {
		err = erasure.Left(stored.Entry)
	}
	switch {
	case err != nil:
		v.find(row.Leaf, row.EntryID, "%v", err)
	case erasure.Commitment != row.Erased || erasure.Leaf != row.Leaf:
		v.find(row.Leaf, row.EntryID, "its recorded erasure is of another leaf")
	default:
		v.report.Erased = append(v.report.Erased, ErasedEntry{Leaf: row.Leaf, EntryID: row.EntryID, At: at})
	}
	return nil
}

// reached compares the tree, now of a size, with the checkpoints of that size.
func (v *logVerifier) reached(ctx context.Context, size int64) error {
	for len(v.known) > 0 && v.known[0].Size == size {
		if v.known[0].Root != v.checker.Root() {
			v.find(size-1, "", "a known checkpoint of size %d has another root: the log was forked or rewritten up to here", size)
		}
		v.known = v.known[1:]
	}
	for {
		row, found, err := v.checkpoint(ctx)
		if err != nil || !found || row.Size > size {
			return err
		}
		v.checkpoints = v.checkpoints[1:]
		v.compare(row, size)
	}
}

// checkpoint returns the next stored checkpoint.
func (v *logVerifier) checkpoint(ctx context.Context) (checkpointRow, bool, error) {
	if len(v.checkpoints) == 0 {
		err := v.tx.SelectContext(ctx, &v.checkpoints, v.tx.Rebind(
			`SELECT size, note FROM ledger_checkpoints WHERE size > ? ORDER BY size LIMIT ?`), v.after, verifyLogPage)
		if err != nil || len(v.checkpoints) == 0 {
			return checkpointRow{}, false, err
		}
		v.after = v.checkpoints[len(v.checkpoints)-1].Size
	}
	return v.checkpoints[0], true, nil
}

// compare checks a stored checkpoint against the tree of a size.
func (v *logVerifier) compare(row checkpointRow, size int64) {
	v.report.Checkpoints++
	checkpoint, err := ledger.OpenCheckpoint(row.Note, v.options.Verifiers, v.options.Origin)
	switch {
	case err != nil:
		v.find(row.Size-1, "", "the checkpoint of size %d is not good: %v", row.Size, err)
	case checkpoint.Size != row.Size || row.Size != size:
		v.find(size-1, "", "the checkpoint stored for size %d is of size %d", row.Size, checkpoint.Size)
	case checkpoint.Root != v.checker.Root():
		v.find(size-1, "", "the signed checkpoint of size %d has another root than the leaves", size)
	default:
		v.signed = size
	}
}

// remainingCheckpoints finds the checkpoints beyond the last leaf.
func (v *logVerifier) remainingCheckpoints(ctx context.Context) error {
	for len(v.report.Findings) < maxFindings {
		row, found, err := v.checkpoint(ctx)
		if err != nil || !found {
			return err
		}
		v.checkpoints = v.checkpoints[1:]
		v.find(v.report.Size, "", "a checkpoint of size %d was signed and the log ends at %d leaves: leaves are missing", row.Size, v.report.Size)
	}
	return nil
}

// unloggedQueries find what is outside the log and should not be. They select an
// entry id.
var unloggedQueries = []struct{ what, query string }{
	{"it is neither in the log nor waiting for it", `SELECT e.entry_id FROM entries e
		WHERE NOT EXISTS (SELECT 1 FROM ledger_leaves l WHERE l.entry_id = e.entry_id AND l.organization = e.organization)
		AND NOT EXISTS (SELECT 1 FROM ledger_inbox i WHERE i.entry_id = e.entry_id AND i.organization = e.organization)`},
	{"it waits for a leaf and is not stored", `SELECT i.entry_id FROM ledger_inbox i
		WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.entry_id = i.entry_id AND e.organization = i.organization)`},
	{"it waits for a leaf and has one", `SELECT i.entry_id FROM ledger_inbox i
		JOIN ledger_leaves l ON l.entry_id = i.entry_id AND l.organization = i.organization`},
}

func (v *logVerifier) unlogged(ctx context.Context) error {
	for _, unlogged := range unloggedQueries {
		var ids []string
		if err := v.tx.SelectContext(ctx, &ids, v.tx.Rebind(unlogged.query+` ORDER BY 1 LIMIT ?`), maxFindings); err != nil {
			return err
		}
		for _, id := range ids {
			v.find(-1, id, "%s", unlogged.what)
		}
	}
	return v.waiting(ctx)
}

// waiting checks the hashes that wait in the inbox.
func (v *logVerifier) waiting(ctx context.Context) error {
	last := int64(-1)
	for {
		var rows []struct {
			Position int64  `db:"position"`
			LeafHash []byte `db:"leaf_hash"`
			entryRow
		}
		err := v.tx.SelectContext(ctx, &rows, v.tx.Rebind(`SELECT i.position, i.leaf_hash, `+qualifiedEntryColumns+`
			FROM ledger_inbox i JOIN entries e ON e.entry_id = i.entry_id AND e.organization = i.organization
			WHERE i.position > ? ORDER BY i.position LIMIT ?`), last, verifyLogPage)
		if err != nil {
			return err
		}
		for _, row := range rows {
			last = row.Position
			v.report.Waiting++
			if row.LeafHash == nil {
				continue
			}
			if hash, err := row.leafHash(); err != nil || string(hash[:]) != string(row.LeafHash) {
				v.find(-1, row.EntryID, "it waits for its leaf with the hash of another content")
			}
		}
		if len(rows) < verifyLogPage {
			return nil
		}
	}
}

func (v *logVerifier) find(leaf int64, entryID, format string, args ...any) {
	if len(v.report.Findings) < maxFindings {
		v.report.Findings = append(v.report.Findings, Finding{Leaf: leaf, EntryID: entryID, What: fmt.Sprintf(format, args...)})
	}
}
