package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/records/cases"
)

const findOtherOfCauseSQL = `SELECT case_id, open FROM cases WHERE cause_id = ? AND cause_kind = ? AND organization = ?
	AND case_id <> ? AND (open = 1 OR ordinal > ?) ORDER BY ordinal DESC LIMIT 1`

// oneOpen refuses to open or reopen a Case whose cause has another that is open, or came
// later: what happens to the cause goes to the newest. Two transactions that do not see
// each other meet in the index cases_open_cause.
func (b *batch) oneOpen(ctx context.Context) (refusal, err error) {
	for _, subject := range subjectsOf(b.added) {
		if subject.Kind != cases.SubjectCase {
			continue
		}
		before, after := b.cases[subject.ID].before, b.cases[subject.ID].after
		begins := before.CaseID == "" || before.Status.Terminal()
		if !begins || after.Status.Terminal() {
			continue
		}
		var other string
		var open int
		find := b.tx.StmtxContext(ctx, b.tx.findOtherOfCause)
		err := find.QueryRowContext(ctx, after.Cause.ID, after.Cause.Kind, b.organization, after.CaseID, after.Ordinal).Scan(&other, &open)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			continue
		case err != nil:
			return nil, fmt.Errorf("look for other cases of %s: %w", after.Cause, err)
		}
		refused := &cases.Refusal{Code: cases.CodeReopen, CaseID: after.CaseID, Message: fmt.Sprintf(
			"case %s of the same cause, %s, came later: what happens to it goes there", other, after.Cause)}
		if open == 1 {
			refused.Code, refused.Message = cases.CodeCauseOpen, fmt.Sprintf("case %s of the same cause, %s, is open: go on there", other, after.Cause)
		}
		return refused, nil
	}
	return nil, nil
}
