package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/records/ledger"
)

// A sequencer's rhythm. It looks for entries of other processes every poll; those
// of its own process wake it. The pause after that lets entries come together:
// a flush to disk is then shared by many.
const (
	sequencerPoll  = 200 * time.Millisecond
	sequencerPause = 20 * time.Millisecond
	// sequencerBatch is how many leaves one transaction adds at most.
	sequencerBatch = 2048
	// sequencerRetry is the pause after a failure.
	sequencerRetry = time.Second
)

// SequencerOptions say how a sequencer signs and whom it tells.
type SequencerOptions struct {
	// Origin names the log in its checkpoints.
	Origin string
	// Signers sign each checkpoint; at least one.
	Signers []note.Signer
	// Now gives the time that is kept beside each checkpoint.
	Now func() time.Time
	// Observe is called after each round, also an empty or failed one. It may be
	// nil.
	Observe func(Round)
}

// Round is what one turn of a sequencer did.
type Round struct {
	Leader  bool          // false: another sequencer has the log
	Added   int           // leaves
	Size    int64         // of the log, as far as this sequencer knows
	Waiting int64         // entries left in the inbox
	Oldest  time.Duration // how long the first of those in this round had waited
	Err     error
}

// Sequencer gives the entries in the inbox their leaves: dense, each one once,
// those of one subject in order. Any number may run on one database; one at a
// time works, and the primary key of the leaves fences off a second. No writer
// ever waits for it.
type Sequencer struct {
	store   *Store
	options SequencerOptions

	mu   sync.Mutex
	tree *ledger.Tree // nil: to be read
}

// NewSequencer returns a sequencer for the store's log.
func (s *Store) NewSequencer(options SequencerOptions) (*Sequencer, error) {
	if options.Origin == "" || len(options.Signers) == 0 || options.Now == nil {
		return nil, errors.New("a sequencer needs an origin, a signer and a clock")
	}
	return &Sequencer{store: s, options: options}, nil
}

// Run sequences until ctx ends. What fails is tried again: the inbox keeps it.
func (q *Sequencer) Run(ctx context.Context) {
	for {
		wake := q.store.appended.wait()
		round := q.round(ctx)
		if ctx.Err() != nil {
			return
		}
		if q.options.Observe != nil {
			q.options.Observe(round)
		}
		if round.Err == nil && round.Waiting > 0 && round.Added > 0 {
			continue
		}
		pause := sequencerPoll
		if round.Err != nil {
			wake, pause = nil, sequencerRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		case <-wake:
			select {
			case <-ctx.Done():
				return
			case <-time.After(sequencerPause):
			}
		}
	}
}

// Drain sequences until the inbox is empty. It is for tests, exports and an
// orderly stop.
func (q *Sequencer) Drain(ctx context.Context) error {
	for {
		round := q.round(ctx)
		switch {
		case round.Err != nil:
			return round.Err
		case round.Waiting == 0:
			return nil
		case !round.Leader:
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(sequencerPause):
			}
		}
	}
}

// round moves one batch from the inbox into the log.
func (q *Sequencer) round(ctx context.Context) Round {
	q.mu.Lock()
	defer q.mu.Unlock()
	round, err := q.sequence(ctx)
	if err != nil {
		// Nobody knows what a failed commit did: the tree is read again.
		q.tree = nil
		round.Err = q.store.readFault(ctx, "sequence the ledger", err)
		return round
	}
	if round.Added > 0 {
		q.store.sequenced.wake()
	}
	return round
}

// inboxRow is an entry that waits for its leaf.
type inboxRow struct {
	Position     int64  `db:"position"`
	Organization string `db:"organization"`
	EntryID      string `db:"entry_id"`
	LeafHash     []byte `db:"leaf_hash"`
	At           string `db:"at"`
}

func (q *Sequencer) sequence(ctx context.Context) (round Round, err error) {
	waiting, err := q.store.InboxSize(ctx)
	if err != nil || waiting == 0 && q.tree != nil {
		// An empty inbox costs no write lock.
		return Round{Leader: true, Waiting: waiting, Size: q.size()}, err
	}
	tx, err := q.store.writer.BeginTxx(ctx, nil)
	if err != nil {
		return round, err
	}
	// After a commit this does nothing; else the error at hand says why.
	defer func() { _ = tx.Rollback() }()

	if round.Leader, err = q.store.dialect.leads(ctx, tx); err != nil || !round.Leader {
		round.Waiting = waiting
		return round, err
	}
	if err := q.refresh(ctx, tx); err != nil {
		return round, err
	}
	var rows []inboxRow
	err = tx.SelectContext(ctx, &rows, tx.Rebind(`SELECT i.position, i.organization, i.entry_id, i.leaf_hash, e.at
		FROM ledger_inbox i JOIN entries e ON e.entry_id = i.entry_id AND e.organization = i.organization
		ORDER BY i.position LIMIT ?`), sequencerBatch)
	if err != nil || len(rows) == 0 {
		round.Size = q.tree.Size()
		return round, err
	}
	if err := q.add(ctx, tx, rows); err != nil {
		return round, err
	}
	if err := q.sign(ctx, tx); err != nil {
		return round, err
	}
	if err := tx.Commit(); err != nil {
		return round, err
	}
	round.Added, round.Size = len(rows), q.tree.Size()
	round.Waiting = max(0, waiting-int64(len(rows)))
	if at, err := time.Parse(timeLayout, rows[0].At); err == nil {
		round.Oldest = q.options.Now().Sub(at)
	}
	return round, nil
}

func (q *Sequencer) size() int64 {
	if q.tree == nil {
		return 0
	}
	return q.tree.Size()
}

// refresh reads the edge of the tree again unless it is the one in memory.
func (q *Sequencer) refresh(ctx context.Context, tx *sqlx.Tx) error {
	size, err := logSize(ctx, tx)
	if err != nil || q.tree != nil && q.tree.Size() == size {
		return err
	}
	q.tree, err = ledger.OpenTree(size, ledger.NewHashReader(&leafRows{ctx: ctx, db: tx}))
	return err
}

// add appends rows to the tree and to the table, and takes them from the inbox,
// one by one: what arrives meanwhile is in no range of theirs.
func (q *Sequencer) add(ctx context.Context, tx *sqlx.Tx, rows []inboxRow) error {
	args := make([]any, 0, 4*len(rows))
	positions := make([]any, 0, len(rows))
	for _, row := range rows {
		hash, err := q.leafHash(ctx, tx, row)
		if err != nil {
			return err
		}
		leaf := q.tree.Size()
		args = append(args, leaf, row.Organization, row.EntryID, q.tree.Append(hash))
		positions = append(positions, row.Position)
	}
	err := wideChunks(len(rows), func(from, size int) error {
		_, err := tx.ExecContext(ctx, tx.Rebind(`INSERT INTO ledger_leaves (leaf, organization, entry_id, hashes) VALUES `+
			tuples(size, 4)), args[4*from:4*(from+size)]...)
		return err
	})
	if err != nil {
		return fmt.Errorf("add leaves: %w", err)
	}
	return wideChunks(len(rows), func(from, size int) error {
		_, err := tx.ExecContext(ctx, tx.Rebind(`DELETE FROM ledger_inbox WHERE position IN (`+
			strings.TrimSuffix(strings.Repeat("?, ", size), ", ")+`)`), positions[from:from+size]...)
		return err
	})
}

// leafHash returns the hash that the writer of an entry handed over, or computes
// that of an entry which is older than the ledger.
func (q *Sequencer) leafHash(ctx context.Context, tx *sqlx.Tx, row inboxRow) (hash tlog.Hash, err error) {
	if row.LeafHash == nil {
		var entry entryRow
		if err := tx.GetContext(ctx, &entry, tx.Rebind(findEntrySQL), row.Organization, row.EntryID); err != nil {
			return hash, err
		}
		return entry.leafHash()
	}
	if len(row.LeafHash) != len(hash) {
		return hash, fmt.Errorf("the ledger's inbox holds %d bytes for the hash of entry %s", len(row.LeafHash), row.EntryID)
	}
	copy(hash[:], row.LeafHash)
	return hash, nil
}

// sign adds a checkpoint of the tree and tells other processes.
func (q *Sequencer) sign(ctx context.Context, tx *sqlx.Tx) error {
	checkpoint := ledger.Checkpoint{Origin: q.options.Origin, Size: q.tree.Size(), Root: q.tree.Root()}
	text, err := checkpoint.Sign(q.options.Signers...)
	if err != nil {
		return fmt.Errorf("sign the checkpoint of size %d: %w", checkpoint.Size, err)
	}
	_, err = tx.ExecContext(ctx, tx.Rebind(`INSERT INTO ledger_checkpoints (size, at, note) VALUES (?, ?, ?)`),
		checkpoint.Size, q.options.Now().UTC().Format(timeLayout), string(text))
	if err != nil {
		return fmt.Errorf("add the checkpoint of size %d: %w", checkpoint.Size, err)
	}
	return q.store.dialect.notify(ctx, tx, checkpoint.Size)
}

// logSize returns the number of leaves.
func logSize(ctx context.Context, db sqlx.QueryerContext) (int64, error) {
	var last sql.NullInt64
	if err := sqlx.GetContext(ctx, db, &last, `SELECT MAX(leaf) FROM ledger_leaves`); err != nil {
		return 0, err
	}
	if !last.Valid {
		return 0, nil
	}
	return last.Int64 + 1, nil
}

// wideChunks is chunks for statements that are not prepared.
func wideChunks(n int, each func(from, size int) error) error {
	const widest = 128
	for from := 0; from < n; from += widest {
		if err := each(from, min(widest, n-from)); err != nil {
			return err
		}
	}
	return nil
}
