package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
)

// The statements of an append; "?" is rebound to the database's own marks.
const (
	saveSubjectSQL = `INSERT INTO subjects (organization, subject_kind, subject_id, sequence) VALUES (?, ?, ?, ?)
		ON CONFLICT (organization, subject_kind, subject_id) DO UPDATE SET sequence = excluded.sequence`
	findEntrySQL  = `SELECT ` + entryColumns + ` FROM entries WHERE organization = ? AND entry_id = ?`
	addEntriesSQL = `INSERT INTO entries (` + entryColumns + `) VALUES `
	findOutputSQL = `SELECT o.alg AS outputs_alg, o.outputs_digest, ` + qualifiedEntryColumns + `
		FROM stage_outputs o JOIN entries e ON e.organization = o.organization AND e.entry_id = o.entry_id
		WHERE o.organization = ? AND o.stage_key = ?`
	addInboxSQL  = `INSERT INTO ledger_inbox (organization, entry_id, leaf_hash) VALUES `
	addOutputSQL = `INSERT INTO stage_outputs (organization, stage_key, entry_id, alg, outputs_digest) VALUES (?, ?, ?, ?, ?)`
	findBuildSQL = `SELECT view FROM builds WHERE organization = ? AND build_id = ?`
	saveBuildSQL = `INSERT INTO builds (organization, build_id, version, state, pipeline_id, created_at, updated_at, view)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (organization, build_id) DO UPDATE SET version = excluded.version, state = excluded.state,
			pipeline_id = excluded.pipeline_id, updated_at = excluded.updated_at, view = excluded.view`
)

// chunkSizes are how many rows one statement handles: any number of rows is a
// few statements, of few different texts, so that all can be prepared once.
var chunkSizes = []int{8, 4, 2, 1}

// chunks calls each for consecutive ranges of n rows, largest first.
func chunks(n int, each func(from, size int) error) error {
	from := 0
	for _, size := range chunkSizes {
		for ; n-from >= size; from += size {
			if err := each(from, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// tuples returns "(?, …), (?, …)".
func tuples(rows, columns int) string {
	tuple := "(" + strings.TrimSuffix(strings.Repeat("?, ", columns), ", ") + ")"
	return strings.TrimSuffix(strings.Repeat(tuple+", ", rows), ", ")
}

// statements are those of an append, prepared.
type statements struct {
	lockSubject, saveSubject *sqlx.Stmt
	findOutput, addOutput    *sqlx.Stmt
	findBuild, saveBuild     *sqlx.Stmt
	findCase, saveCase       *sqlx.Stmt
	findOtherOfCause         *sqlx.Stmt
	saveTask                 *sqlx.Stmt
	dropOwners, addOwner     *sqlx.Stmt
	// By number of rows.
	findEntries, addEntries, addInbox map[int]*sqlx.Stmt

	all []*sqlx.Stmt
}

func prepareStatements(ctx context.Context, db *sqlx.DB, lockSubjectSQL string) (*statements, error) {
	st := &statements{findEntries: map[int]*sqlx.Stmt{}, addEntries: map[int]*sqlx.Stmt{}, addInbox: map[int]*sqlx.Stmt{}}
	var failed error
	prepare := func(query string) *sqlx.Stmt {
		if failed != nil {
			return nil
		}
		statement, err := db.PreparexContext(ctx, db.Rebind(query))
		if err != nil {
			failed = fmt.Errorf("prepare %.40q: %w", query, err)
			return nil
		}
		st.all = append(st.all, statement)
		return statement
	}
	st.lockSubject, st.saveSubject = prepare(lockSubjectSQL), prepare(saveSubjectSQL)
	st.findOutput, st.addOutput = prepare(findOutputSQL), prepare(addOutputSQL)
	st.findBuild, st.saveBuild = prepare(findBuildSQL), prepare(saveBuildSQL)
	st.findCase, st.saveCase, st.saveTask = prepare(findCaseSQL), prepare(saveCaseSQL), prepare(saveTaskSQL)
	st.findOtherOfCause = prepare(findOtherOfCauseSQL)
	st.dropOwners, st.addOwner = prepare(dropOwnersSQL), prepare(addOwnerSQL)
	for _, size := range chunkSizes {
		// Not IN: without statistics both planners may take that for a reason to
		// scan the organization.
		st.findEntries[size] = prepare(strings.TrimSuffix(strings.Repeat(findEntrySQL+" UNION ALL ", size), " UNION ALL "))
		st.addEntries[size] = prepare(addEntriesSQL + tuples(size, entryColumnCount))
		st.addInbox[size] = prepare(addInboxSQL + tuples(size, 3))
	}
	if failed != nil {
		return nil, errors.Join(failed, st.close())
	}
	return st, nil
}

func (st *statements) close() error {
	var errs []error
	for _, statement := range st.all {
		errs = append(errs, statement.Close())
	}
	return errors.Join(errs...)
}
