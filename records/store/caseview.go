package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

const (
	caseColumns  = `organization, case_id, version, status, open, type, label, priority, severity, cause_kind, cause_id, ordinal, created_at, due_at, view`
	ownerColumns = `organization, case_id, owner_kind, owner_id, status, open, type, label, priority, severity, created_at, due_at`
	taskColumns  = `organization, task_id, case_id, version, status, open, label, priority, owner_kind, owner_id, created_at, due_at, task`

	findCaseSQL = `SELECT view FROM cases WHERE organization = ? AND case_id = ?`
	saveCaseSQL = `INSERT INTO cases (` + caseColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (case_id, organization) DO UPDATE SET version = excluded.version, status = excluded.status, open = excluded.open,
			type = excluded.type, label = excluded.label, priority = excluded.priority, severity = excluded.severity,
			cause_kind = excluded.cause_kind, cause_id = excluded.cause_id, ordinal = excluded.ordinal,
			created_at = excluded.created_at, due_at = excluded.due_at, view = excluded.view`
	saveTaskSQL = `INSERT INTO tasks (` + taskColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (task_id, organization) DO UPDATE SET case_id = excluded.case_id, version = excluded.version, status = excluded.status,
			open = excluded.open, label = excluded.label, priority = excluded.priority, owner_kind = excluded.owner_kind,
			owner_id = excluded.owner_id, created_at = excluded.created_at, due_at = excluded.due_at, task = excluded.task`
	dropOwnersSQL = `DELETE FROM case_owners WHERE organization = ? AND case_id = ?`
	addOwnerSQL   = `INSERT INTO case_owners (` + ownerColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// orphanedOfCases removes what a table has of Cases without entries.
func orphanedOfCases(table string) string {
	return `DELETE FROM ` + table + ` WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.organization = ` + table + `.organization
		AND e.subject_kind = 'case' AND e.subject_id = ` + table + `.case_id)`
}

// noDue stands where nothing is due: it comes after every time.
const noDue = "~"

func dueText(due *time.Time) string {
	if due == nil {
		return noDue
	}
	return due.UTC().Format(timeLayout)
}

func flag(is bool) int {
	if is {
		return 1
	}
	return 0
}

// caseRow are the columns of a Case, in the order of caseColumns.
func caseRow(c cases.Case) ([]any, error) {
	encoded, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("view of case %s: %w", c.CaseID, err)
	}
	return []any{
		c.Organization, c.CaseID, c.Version, string(c.Status), flag(!c.Status.Terminal()), c.Type, c.Route.Label, string(c.Route.Priority),
		c.Route.Severity, c.Cause.Kind, c.Cause.ID, c.Ordinal, c.CreatedAt.UTC().Format(timeLayout), dueText(c.DueAt()), string(encoded),
	}, nil
}

// taskRow are the columns of a Task, in the order of taskColumns.
func taskRow(c cases.Case, t cases.Task) ([]any, error) {
	encoded, err := json.Marshal(ListedTask{CaseID: c.CaseID, CaseSummary: c.Summary, Task: t})
	if err != nil {
		return nil, fmt.Errorf("task %s of case %s: %w", t.TaskID, c.CaseID, err)
	}
	return []any{
		c.Organization, t.TaskID, c.CaseID, t.Version, string(t.Status), flag(!t.Status.Terminal()), t.Label, string(t.Priority),
		string(t.Owner.Kind), t.Owner.ID, t.CreatedAt.UTC().Format(timeLayout), dueText(t.DueAt()), string(encoded),
	}, nil
}

// ownerRow are the columns of an owner of a Case, in the order of ownerColumns.
func ownerRow(c cases.Case, o cases.Owner) []any {
	return []any{
		c.Organization, c.CaseID, string(o.Kind), o.ID, string(c.Status), flag(!c.Status.Terminal()), c.Type, c.Route.Label,
		string(c.Route.Priority), c.Route.Severity, c.CreatedAt.UTC().Format(timeLayout), dueText(c.DueAt()),
	}
}

// foldedCase is a Case in a batch: as it is stored, and as it will be.
type foldedCase struct {
	before, after cases.Case
	row           []any
	tasks         [][]any // those that changed
	owners        [][]any // all, if anything of them changed
}

// encode makes the rows that differ from what is stored.
func (f *foldedCase) encode() (err error) {
	if f.row, err = caseRow(f.after); err != nil {
		return err
	}
	if !sameOwned(f.before, f.after) {
		for _, o := range f.after.Owners {
			f.owners = append(f.owners, ownerRow(f.after, o))
		}
	}
	for i, t := range f.after.Tasks {
		if i < len(f.before.Tasks) && sameTask(f.before.Tasks[i], t) {
			continue
		}
		row, err := taskRow(f.after, t)
		if err != nil {
			return err
		}
		f.tasks = append(f.tasks, row)
	}
	return nil
}

// sameOwned reports whether nothing has changed of what owners are listed with: the
// route of a Case, and when it was opened, never do.
func sameOwned(a, b cases.Case) bool {
	return slices.Equal(a.Owners, b.Owners) && a.Status == b.Status && sameTime(a.DueAt(), b.DueAt())
}

// sameTask reports whether nothing of a Task has changed: a pause of its Case changes
// its clocks and not its version.
func sameTask(a, b cases.Task) bool {
	return a.Version == b.Version && sameTime(a.PausedAt, b.PausedAt) && sameTime(a.Due.Due, b.Due.Due) && sameTime(a.Reactivity.Due, b.Reactivity.Due)
}

func sameTime(a, b *time.Time) bool {
	return (a == nil) == (b == nil) && (a == nil || a.Equal(*b))
}

// write writes what differs.
func (f *foldedCase) write(ctx context.Context, tx *transaction) error {
	c := f.after
	failed := func(err error) error { return fmt.Errorf("write the view of case %s: %w", c.CaseID, err) }
	if _, err := tx.StmtxContext(ctx, tx.saveCase).ExecContext(ctx, f.row...); err != nil {
		return failed(err)
	}
	for _, row := range f.tasks {
		if _, err := tx.StmtxContext(ctx, tx.saveTask).ExecContext(ctx, row...); err != nil {
			return failed(err)
		}
	}
	if len(f.owners) == 0 {
		return nil
	}
	if _, err := tx.StmtxContext(ctx, tx.dropOwners).ExecContext(ctx, c.Organization, c.CaseID); err != nil {
		return failed(err)
	}
	for _, row := range f.owners {
		if _, err := tx.StmtxContext(ctx, tx.addOwner).ExecContext(ctx, row...); err != nil {
			return failed(err)
		}
	}
	return nil
}

// caseModel is the read model of Cases and their Tasks. Views are not cached: unlike
// builds, Cases that have ended change, and an erasure by another process changes what
// they say.
type caseModel struct{}

func (caseModel) recall(ctx context.Context, b *batch, id string, last int64) error {
	var encoded []byte
	find := b.tx.StmtxContext(ctx, b.tx.findCase)
	if err := find.QueryRowContext(ctx, b.organization, id).Scan(&encoded); err != nil {
		return fmt.Errorf("read the view of case %s: %w", id, err)
	}
	c, err := decodeCase(id, encoded)
	if err != nil {
		return err
	}
	if c.Version != last {
		return fmt.Errorf("the view of case %s is at version %d and its entries are at %d: the read model was changed behind the store", id, c.Version, last)
	}
	b.cases[id] = &foldedCase{before: c, after: c}
	return nil
}

func decodeCase(id string, encoded []byte) (cases.Case, error) {
	var c cases.Case
	if err := json.Unmarshal(encoded, &c); err != nil {
		return c, fmt.Errorf("stored view of case %s: %w", id, err)
	}
	return c, nil
}

func (caseModel) reduce(b *batch, e records.Entry, sequence int64) error {
	folded := b.cases[e.Subject.ID]
	if folded == nil {
		folded = &foldedCase{}
	}
	after, err := cases.Reduce(folded.after, e, sequence)
	if err != nil {
		return err
	}
	folded.after = after
	b.cases[e.Subject.ID] = folded
	return nil
}

func (caseModel) encode(b *batch, id string) error { return b.cases[id].encode() }

func (caseModel) write(ctx context.Context, b *batch) error {
	for _, subject := range subjectsOf(b.added) {
		if subject.Kind != cases.SubjectCase {
			continue
		}
		if err := b.cases[subject.ID].write(ctx, b.tx); err != nil {
			return err
		}
	}
	return nil
}

func (caseModel) replay(state any, e records.Entry, sequence int64) (any, error) {
	c, _ := state.(cases.Case)
	return cases.Reduce(c, e, sequence)
}

func (caseModel) erased(ctx context.Context, tx *transaction, state any) error {
	folded := &foldedCase{after: state.(cases.Case)}
	return errors.Join(folded.encode(), folded.write(ctx, tx))
}

// compare compares a Case, its owners and its Tasks with what the lists have.
func (caseModel) compare(ctx context.Context, v *verifier, state any) error {
	folded := &foldedCase{after: state.(cases.Case)}
	if err := folded.encode(); err != nil {
		return err
	}
	want := []string{fmt.Sprint(folded.row...)}
	for _, row := range slices.Concat(folded.tasks, folded.owners) {
		want = append(want, fmt.Sprint(row...))
	}
	have, err := storedCase(ctx, v.tx, v.at.Organization, v.at.SubjectID)
	if err != nil {
		return err
	}
	slices.Sort(want)
	if slices.Equal(have, want) {
		return nil
	}
	v.differ(v.at, "it is listed as\n %v\nand folds to\n %v", have, want)
	for _, statement := range []string{dropOwnersSQL, `DELETE FROM tasks WHERE organization = ? AND case_id = ?`} {
		if err := v.save(ctx, statement, v.at.Organization, v.at.SubjectID); err != nil {
			return err
		}
	}
	return folded.restore(ctx, v)
}

// restore writes everything of a Case through a verifier.
func (f *foldedCase) restore(ctx context.Context, v *verifier) error {
	if err := v.save(ctx, saveCaseSQL, f.row...); err != nil {
		return err
	}
	for _, row := range f.tasks {
		if err := v.save(ctx, saveTaskSQL, row...); err != nil {
			return err
		}
	}
	for _, row := range f.owners {
		if err := v.save(ctx, addOwnerSQL, row...); err != nil {
			return err
		}
	}
	return nil
}

// storedCase returns the rows of a Case as text, sorted.
func storedCase(ctx context.Context, tx *sqlx.Tx, organization, id string) ([]string, error) {
	var all []string
	for _, query := range []string{
		`SELECT ` + caseColumns + ` FROM cases WHERE organization = ? AND case_id = ?`,
		`SELECT ` + taskColumns + ` FROM tasks WHERE organization = ? AND case_id = ?`,
		`SELECT ` + ownerColumns + ` FROM case_owners WHERE organization = ? AND case_id = ?`,
	} {
		rows, err := tx.QueryxContext(ctx, tx.Rebind(query), organization, id)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			values, err := rows.SliceScan()
			if err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			for i, value := range values {
				if bytes, is := value.([]byte); is {
					values[i] = string(bytes)
				}
			}
			all = append(all, fmt.Sprint(values...))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	slices.Sort(all)
	return all, nil
}
