package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/initkoa/orgo/records/telemetry"
)

// TelemetryItem is a sample that was admitted, or refused with a code that is kept.
type TelemetryItem struct {
	telemetry.Item
	Code       telemetry.Code
	ReceivedAt time.Time
}

// TelemetryOutcome is what became of a sample.
type TelemetryOutcome string

// The outcomes.
const (
	TelemetryStored    TelemetryOutcome = "stored"
	TelemetryDuplicate TelemetryOutcome = "duplicate" // it was there: nothing changed
	TelemetryConflict  TelemetryOutcome = "conflict"  // its id is another sample's: nothing changed
)

// TelemetryHead is a release that has samples, and the position of the last one.
type TelemetryHead struct {
	Organization string `db:"organization"`
	ReleaseID    string `db:"release_id"`
	Position     int64  `db:"position"`
}

const (
	findSamplesSQL = `SELECT sample_id, code, digest FROM telemetry_samples WHERE organization = ? AND sample_id IN (?)`
	addSamplesSQL  = `INSERT INTO telemetry_samples (organization, release_id, position, sample_id, code, digest, received_at, body) VALUES `
	// The row of a release is the lock under which its samples are numbered: they
	// become visible in the order of their positions.
	lockHeadSQL = `INSERT INTO telemetry_heads (organization, release_id, position) VALUES (?, ?, 0)
		ON CONFLICT (release_id, organization) DO UPDATE SET position = telemetry_heads.position RETURNING position`
	saveHeadSQL = `INSERT INTO telemetry_heads (organization, release_id, position) VALUES (?, ?, ?)
		ON CONFLICT (release_id, organization) DO UPDATE SET position = excluded.position`
)

// sampleColumns is how many columns addSamplesSQL fills.
const sampleColumns = 8

// AppendTelemetry stores samples of an organization, all that are new or, on error,
// none. The result has their order and length. A sample whose id is stored as one
// that counts is never stored again, whatever its code; one that was refused before
// is stored once more when it counts.
//
// Errors: *SchemaMismatch, *Unavailable, and the context's. After the last two the
// samples may be stored; to append them again is safe, and has them as duplicates.
func (s *Store) AppendTelemetry(ctx context.Context, organization string, items []TelemetryItem) ([]TelemetryOutcome, error) {
	if len(items) == 0 {
		return nil, nil
	}
	if organization == "" {
		return nil, errors.New("append telemetry: there is no organization")
	}
	for _, item := range items {
		if !item.Code.Kept() {
			return nil, fmt.Errorf("append telemetry: sample %s is refused with %s, and such are not stored", item.ID, item.Code)
		}
	}
	pause := firstPause
	for attempt := 1; ; attempt++ {
		outcomes, err := s.appendTelemetry(ctx, organization, items)
		if err == nil {
			s.sampled.wake()
			return outcomes, nil
		}
		if ctx.Err() != nil || s.dialect.classify(err) == classOther || attempt == maxAttempts {
			return nil, s.readFault(ctx, "append telemetry", err)
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Store) appendTelemetry(ctx context.Context, organization string, items []TelemetryItem) ([]TelemetryOutcome, error) {
	tx, err := s.writer.BeginTxx(ctx, nil)
	if err != nil {
		return nil, err
	}
	outcomes, err := appendSamples(ctx, tx, organization, items)
	if err != nil {
		// This error says why; a rollback that fails too only ends the connection.
		_ = tx.Rollback()
		return nil, err
	}
	return outcomes, tx.Commit()
}

func appendSamples(ctx context.Context, tx *sqlx.Tx, organization string, items []TelemetryItem) ([]TelemetryOutcome, error) {
	heads, err := lockHeads(ctx, tx, organization, items)
	if err != nil {
		return nil, err
	}
	known, err := knownSamples(ctx, tx, organization, items)
	if err != nil {
		return nil, err
	}
	outcomes := make([]TelemetryOutcome, len(items))
	var args []any
	for i, item := range items {
		if outcomes[i] = known.admit(item); outcomes[i] != TelemetryStored {
			continue
		}
		heads[item.ReleaseID]++
		args = append(args, organization, item.ReleaseID, heads[item.ReleaseID], item.ID, string(item.Code), item.Digest.String(),
			item.ReceivedAt.UTC().Format(timeLayout), string(item.Body))
	}
	err = wideChunks(len(args)/sampleColumns, func(from, size int) error {
		_, err := tx.ExecContext(ctx, tx.Rebind(addSamplesSQL+tuples(size, sampleColumns)), args[sampleColumns*from:sampleColumns*(from+size)]...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("insert samples: %w", err)
	}
	for release, position := range heads {
		if _, err := tx.ExecContext(ctx, tx.Rebind(saveHeadSQL), organization, release, position); err != nil {
			return nil, fmt.Errorf("number the samples of release %s: %w", release, err)
		}
	}
	return outcomes, nil
}

// lockHeads makes this transaction the only one that appends samples of the
// releases, and returns their last positions. All transactions lock in one order.
func lockHeads(ctx context.Context, tx *sqlx.Tx, organization string, items []TelemetryItem) (map[string]int64, error) {
	releases := make([]string, 0, 1)
	for _, item := range items {
		if !slices.Contains(releases, item.ReleaseID) {
			releases = append(releases, item.ReleaseID)
		}
	}
	slices.SortFunc(releases, cmp.Compare[string])
	heads := make(map[string]int64, len(releases))
	for _, release := range releases {
		var position int64
		if err := tx.GetContext(ctx, &position, tx.Rebind(lockHeadSQL), organization, release); err != nil {
			return nil, fmt.Errorf("lock the samples of release %s: %w", release, err)
		}
		heads[release] = position
	}
	return heads, nil
}

// sampleSet is what is stored under sample ids: the digest by code.
type sampleSet map[string]map[telemetry.Code]string

func knownSamples(ctx context.Context, tx *sqlx.Tx, organization string, items []TelemetryItem) (sampleSet, error) {
	known := make(sampleSet, len(items))
	err := wideChunks(len(items), func(from, size int) error {
		ids := make([]string, size)
		for i, item := range items[from : from+size] {
			ids[i] = item.ID
		}
		query, args, err := sqlx.In(findSamplesSQL, organization, ids)
		if err != nil {
			return err
		}
		var rows []struct {
			ID     string         `db:"sample_id"`
			Code   telemetry.Code `db:"code"`
			Digest string         `db:"digest"`
		}
		if err := tx.SelectContext(ctx, &rows, tx.Rebind(query), args...); err != nil {
			return fmt.Errorf("find samples: %w", err)
		}
		for _, row := range rows {
			known.put(row.ID, row.Code, row.Digest)
		}
		return nil
	})
	return known, err
}

func (k sampleSet) put(id string, code telemetry.Code, digest string) {
	if k[id] == nil {
		k[id] = make(map[telemetry.Code]string, 1)
	}
	k[id][code] = digest
}

// admit decides about one sample, and remembers one that is to be stored.
func (k sampleSet) admit(item TelemetryItem) TelemetryOutcome {
	digest := item.Digest.String()
	for _, code := range []telemetry.Code{telemetry.Counts, item.Code} {
		switch kept, stored := k[item.ID][code]; {
		case stored && kept == digest:
			return TelemetryDuplicate
		case stored:
			return TelemetryConflict
		}
	}
	k.put(item.ID, item.Code, digest)
	return TelemetryStored
}

// Telemetry returns up to limit samples of a release with positions above after, in
// their order, which is without gaps.
func (s *Store) Telemetry(ctx context.Context, organization, releaseID string, after int64, limit int) ([]telemetry.Stored, error) {
	op := "read the samples of release " + releaseID
	rows, err := s.reader.QueryContext(ctx, s.reader.Rebind(`SELECT position, code, body FROM telemetry_samples
		WHERE release_id = ? AND organization = ? AND position > ? ORDER BY position LIMIT ?`), releaseID, organization, after, limit)
	if err != nil {
		return nil, s.readFault(ctx, op, err)
	}
	defer rows.Close()
	var samples []telemetry.Stored
	var body sql.RawBytes
	for rows.Next() {
		var stored telemetry.Stored
		if err := rows.Scan(&stored.Position, &stored.Code, &body); err != nil {
			return nil, s.readFault(ctx, op, err)
		}
		if stored.Sample, err = telemetry.ReadStored(body); err != nil {
			return nil, fmt.Errorf("%s: position %d: %w", op, stored.Position, err)
		}
		samples = append(samples, stored)
	}
	if err := rows.Err(); err != nil {
		return nil, s.readFault(ctx, op, err)
	}
	return samples, nil
}

// TelemetryHeads returns every release that has samples, of all organizations.
func (s *Store) TelemetryHeads(ctx context.Context) ([]TelemetryHead, error) {
	heads := []TelemetryHead{}
	err := s.reader.SelectContext(ctx, &heads, `SELECT organization, release_id, position FROM telemetry_heads ORDER BY release_id, organization`)
	if err != nil {
		return nil, s.readFault(ctx, "list the releases that have samples", err)
	}
	return heads, nil
}

// Sampled returns a channel that is closed when this process next stores samples.
// Take it before reading those that are there.
func (s *Store) Sampled() <-chan struct{} { return s.sampled.wait() }
