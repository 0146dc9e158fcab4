package cases_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

var (
	began = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	ops   = cases.Owner{Kind: cases.Team, ID: "ops"}
)

// history is a Case as it comes about.
type history struct {
	t     *testing.T
	now   time.Time
	n     int64
	audit []records.Entry // those that were taken
	cases.Case
}

func opened(t *testing.T, change func(*cases.Route)) *history {
	t.Helper()
	route := cases.Route{
		Rule: "any", Label: "1000.12.34.Ops", Owners: []cases.Owner{ops}, Priority: cases.High, Visibility: cases.Internal,
		RespondWithin: hours(1), ResolveWithin: hours(8),
		Escalation: []cases.Level{{}, {After: hours(2), Owners: []cases.Owner{{Kind: cases.User, ID: "lead"}}}},
		Pauses:     []cases.Status{cases.Blocked}, TaskPauses: []cases.TaskStatus{cases.TaskOnHold},
		Tasks: []cases.Plan{{Key: "look", Type: "look", Title: "Look at it", DueWithin: hours(4), ReactWithin: hours(1)}},
	}
	if change != nil {
		change(&route)
	}
	h := &history{t: t, now: began}
	require.NoError(t, h.do(cases.TypeOpened, "orgo", "", cases.Opened{
		Source: cases.SourceAPI, Type: "build_blocked", Category: cases.Incident, Summary: "Build b is blocked",
		Cause: cases.Cause{Kind: "build", ID: "b"}, Ordinal: 1, Codes: []string{"VALIDATION_FAILED"}, Route: route,
	}))
	return h
}

func hours(n int) records.Duration { return records.Duration(time.Duration(n) * time.Hour) }

// do appends an entry.
func (h *history) do(typ, actor, reason string, body any) error {
	h.t.Helper()
	e, err := records.NewEntry(records.Entry{
		Organization: records.DefaultOrganization, Kind: records.KindEvent, Type: typ, At: h.now, Actor: actor, Reason: reason,
		Subject: cases.Subject(cases.ID(records.DefaultOrganization, cases.Cause{Kind: "build", ID: "b"}, 1)),
	}, "", body)
	require.NoError(h.t, err)
	after, err := cases.Reduce(h.Case, e, h.n+1)
	if err == nil {
		h.Case = after
		h.n++
		h.audit = append(h.audit, e)
	}
	return err
}

func (h *history) move(actor, reason string, to cases.Status, resolution string) error {
	return h.do(cases.TypeMoved, actor, reason, cases.Moved{To: to, Resolution: resolution})
}

func (h *history) escalate() cases.Deadline {
	h.t.Helper()
	due, is := h.Next()
	require.True(h.t, is)
	h.now = due.At
	require.NoError(h.t, h.do(cases.TypeEscalated, "orgo", "", cases.Escalated{Deadline: due}))
	return due
}

func code(err error) cases.Code {
	var refusal *cases.Refusal
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func TestDeadlinesComeInTheirOrderAndNotWhilePaused(t *testing.T) {
	h := opened(t, nil)
	require.Equal(t, cases.DueResponse, h.escalate().Kind)
	require.Equal(t, cases.DueReactivity, h.escalate().Kind) // due at the same time
	require.Equal(t, cases.TaskEscalated, h.Tasks[0].Status)
	require.NoError(t, h.move("ann", "", cases.InProgress, ""))
	require.NoError(t, h.move("ann", "the vendor", cases.Blocked, ""))
	_, is := h.Next()
	require.False(t, is, "nothing is due while it is paused")
	h.now = h.now.Add(10 * time.Hour)
	require.NoError(t, h.move("ann", "", cases.InProgress, ""))
	due, _ := h.Next()
	require.Equal(t, cases.DueReactivity, due.Kind)
	require.Equal(t, 2, due.Level)
	require.Equal(t, began.Add(13*time.Hour), due.At)
	h.escalate()
	require.Contains(t, h.Owners, cases.Owner{Kind: cases.User, ID: "lead"})
	early := h.now
	due, _ = h.Next()
	h.now = due.At.Add(-time.Second)
	require.Equal(t, cases.CodeNotDue, code(h.do(cases.TypeEscalated, "orgo", "", cases.Escalated{Deadline: due})))
	h.now = early
}

func TestACaseIsCompletedByAnother(t *testing.T) {
	h := opened(t, func(r *cases.Route) { r.Review = true; r.Tasks = nil })
	require.NoError(t, h.move("ann", "", cases.InProgress, ""))
	require.Equal(t, cases.CodeReview, code(h.move("ann", "", cases.Completed, "fixed")))
	require.NoError(t, h.move("ann", "", cases.WaitingReview, "fixed"))
	for _, name := range []string{"ann", "Ann", "a\u200bnn", "ａnn", "bоb"} { // the last has a Cyrillic letter
		require.Equal(t, cases.CodeApprover, code(h.move(name, "", cases.Completed, "")), "%q", name)
	}
	require.NoError(t, h.move("bob", "", cases.Completed, ""))
	require.Equal(t, cases.CodeTerminal, code(h.move("carl", "", cases.Completed, "")))
}

func TestATerminalCaseTakesNothingNew(t *testing.T) {
	h := opened(t, nil)
	require.Equal(t, cases.CodeTasksOpen, code(h.move("ann", "", cases.Completed, "fixed")))
	require.NoError(t, h.move("ann", "not worth it", cases.Cancelled, ""))
	require.Equal(t, cases.TaskCancelled, h.Tasks[0].Status)
	plan := cases.Plan{Key: "more", Type: "more", Title: "More"}
	require.Equal(t, cases.CodeTerminal, code(h.do(cases.TypeTaskOpened, "ann", "", cases.TaskOpened{TaskID: cases.TaskID(h.CaseID, "more"), Plan: plan})))
	require.Equal(t, cases.CodeReopen, code(h.do(cases.TypeReopened, "ann", "it is back", cases.Reopened{})))
	require.NoError(t, h.do(cases.TypeCommented, "ann", "", cases.Commented{Text: "for the record"}))
}
