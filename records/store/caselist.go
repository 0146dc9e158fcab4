package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/records/cases"
)

// Case returns a Case as it is. It returns ErrNotFound for one that the organization
// does not have.
func (s *Store) Case(ctx context.Context, organization, caseID string) (cases.Case, error) {
	return s.oneCase(ctx, "case "+caseID, findCaseSQL, organization, caseID)
}

// CaseOfTask returns the Case that a Task is of.
func (s *Store) CaseOfTask(ctx context.Context, organization, taskID string) (cases.Case, error) {
	return s.oneCase(ctx, "the case of task "+taskID, `SELECT c.view FROM tasks t JOIN cases c ON c.case_id = t.case_id AND c.organization = t.organization
		WHERE t.organization = ? AND t.task_id = ?`, organization, taskID)
}

// CaseOfCause returns the newest Case of a cause.
func (s *Store) CaseOfCause(ctx context.Context, organization string, cause cases.Cause) (cases.Case, error) {
	return s.oneCase(ctx, "a case of "+cause.String(), `SELECT view FROM cases WHERE organization = ? AND cause_kind = ? AND cause_id = ?
		ORDER BY ordinal DESC LIMIT 1`, organization, cause.Kind, cause.ID)
}

func (s *Store) oneCase(ctx context.Context, what, query string, args ...any) (cases.Case, error) {
	var encoded []byte
	err := s.reader.QueryRowxContext(ctx, s.reader.Rebind(query), args...).Scan(&encoded)
	if errors.Is(err, sql.ErrNoRows) {
		return cases.Case{}, fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	if err != nil {
		return cases.Case{}, s.readFault(ctx, "read "+what, err)
	}
	return decodeCase(what, encoded)
}

// Cases returns a page of Cases and the cursor of the next page, which is empty after
// the last. A cursor that no page of the same order returned is *InvalidCursor, or
// yields another page of the list.
func (s *Store) Cases(ctx context.Context, organization string, q CaseQuery) ([]cases.Case, string, error) {
	l := newListing("cases", "case_id", "view", organization)
	l.order, l.cursor, l.limit = q.Order, q.Cursor, q.Limit
	l.only("status", texts(q.Statuses))
	l.only("priority", texts(q.Priorities))
	l.only("severity", q.Severities)
	l.only("type", q.Types)
	l.common(q.Open, q.Label, dueBefore(q.DueBefore))
	switch owned := ownedBy(q.Owners); {
	case q.Cause != nil:
		l.where("cause_id = ? AND cause_kind = ?", q.Cause.ID, q.Cause.Kind)
		if len(owned) > 0 { // a cause has few Cases, and an owner may have many
			owns, args := anyOf(owned)
			l.where("EXISTS (SELECT 1 FROM case_owners o WHERE o.case_id = cases.case_id AND o.organization = cases.organization AND "+owns+")", args...)
		}
	case len(owned) > 0:
		l.searched, l.either = "case_owners", owned
	}
	rows, next, err := s.list(ctx, l)
	if err != nil {
		return nil, "", err
	}
	all := make([]cases.Case, len(rows))
	for i, row := range rows {
		if all[i], err = decodeCase(row.ID, []byte(row.Document)); err != nil {
			return nil, "", err
		}
	}
	return all, next, nil
}

// Tasks returns a page of Tasks, as Cases does of Cases.
func (s *Store) Tasks(ctx context.Context, organization string, q TaskQuery) ([]ListedTask, string, error) {
	l := newListing("tasks", "task_id", "task", organization)
	l.order, l.cursor, l.limit = q.Order, q.Cursor, q.Limit
	l.only("status", texts(q.Statuses))
	l.only("priority", texts(q.Priorities))
	l.common(q.Open, q.Label, dueBefore(q.DueBefore))
	l.either = ownedBy(q.Owners)
	if q.CaseID != "" {
		l.where("case_id = ?", q.CaseID)
		l.together() // a Case has few Tasks, and an owner may have many
	}
	rows, next, err := s.list(ctx, l)
	if err != nil {
		return nil, "", err
	}
	all := make([]ListedTask, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal([]byte(row.Document), &all[i]); err != nil {
			return nil, "", fmt.Errorf("stored task %s: %w", row.ID, err)
		}
	}
	return all, next, nil
}

// ownedBy returns the conditions that something is owned by one of owners, each once.
func ownedBy(owners []cases.Owner) []condition {
	var each []condition
	seen := map[cases.Owner]bool{}
	for _, o := range owners {
		o.Display = ""
		if !seen[o] {
			seen[o] = true
			each = append(each, condition{"owner_id = ? AND owner_kind = ?", []any{o.ID, string(o.Kind)}})
		}
	}
	return each
}

func texts[S ~string](values []S) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}
