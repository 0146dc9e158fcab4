package triage_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/release"
)

func TestAWebhookThatIsNotTaken(t *testing.T) {
	t.Parallel()
	cause := "webhook/" + webhookID
	letter := event.DeadLetter{Leaf: 7, EntryID: "entry", Attempts: 12, Error: "answered 500"}
	e := ofWebhook(t, event.TypeWebhookDeadLettered, letter, "WEBHOOK_NOT_TAKEN")
	found := of(t, e, triage.Context{})
	require.Equal(t, []string{"open " + cause}, said(found))
	c := admitted(t, e, found[0])
	require.Contains(t, c.Refs, cases.Ref{Type: "entry", Ref: "entry"})
	again := event.WebhookChanged{Before: event.WebhookStatus{DeadLetters: []event.DeadLetter{letter}}}
	require.Equal(t, []string{"cleared " + cause}, said(of(t, ofWebhook(t, event.TypeWebhookRedriven, again), triage.Context{})))
	again.After.DeadLetters = again.Before.DeadLetters
	require.Empty(t, of(t, ofWebhook(t, event.TypeWebhookRedriven, again), triage.Context{}), "others are left")
	require.Equal(t, []string{"obsolete " + cause}, said(of(t, ofWebhook(t, event.TypeWebhookDeleted, again), triage.Context{})))
}

// An entry that cannot be read is not passed over: what it told is a gap.
func TestAnEntryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, typ := range triage.Types() {
		e := ofRelease(t, typ, records.SystemActor, "", "no object")
		found, err := triage.Of(e, cohorts("a"))
		require.NoError(t, err)
		for _, m := range found {
			if m.Kind == triage.Open {
				admitted(t, e, m)
			}
		}
		switch typ { // these read no body
		case records.TypeStageConflict, release.TypeOperatorPaged, release.TypeWindowRefused, release.TypeCohortActivated,
			release.TypeChannelDriftCleared, release.TypeChannelConfirmed, event.TypeWebhookDeleted:
		default:
			require.Equal(t, []string{"open audit/entry/" + e.ID}, said(found), typ)
		}
	}
}

// What is about Cases themselves means nothing, or they would open each other.
func TestCasesOpenNoCases(t *testing.T) {
	t.Parallel()
	types := triage.Types()
	for _, typ := range []string{cases.TypeOpened, cases.TypeMoved, cases.TypeEscalated, cases.TypeTaskOpened, cases.TypeTaskLate} {
		require.NotContains(t, types, typ)
		require.Empty(t, of(t, ofRelease(t, typ, "ann", "", map[string]any{}), triage.Context{}))
		require.Zero(t, triage.Needs(ofRelease(t, typ, "ann", "", map[string]any{})))
	}
}

// The same entry means the same, byte for byte.
func TestMeaningsAreTheSameAgain(t *testing.T) {
	t.Parallel()
	e := triggered(t, "ann", "ROLLBACK_REQUESTED")
	first, err := json.Marshal(of(t, e, triage.Context{}))
	require.NoError(t, err)
	for range 20 {
		again, err := json.Marshal(of(t, e, triage.Context{}))
		require.NoError(t, err)
		require.Equal(t, string(first), string(again))
	}
}

// A rollback that comes while an earlier one's Case is open needs its Tasks anew, but
// for those that are still to be done.
func TestTasksAreRenewed(t *testing.T) {
	t.Parallel()
	e := triggered(t, "ann", "ROLLBACK_REQUESTED")
	found := of(t, e, triage.Context{})
	c := admitted(t, e, found[0])
	opening := *found[0].Opening
	require.Empty(t, triage.Renewals(c, opening), "all are to be done")
	finish := func(keys ...string) {
		for _, key := range keys {
			triage.Pending(c, key).Status = cases.TaskCompleted
		}
	}
	finish("freeze", "roll-back", "validate")
	plans := triage.Renewals(c, opening)
	require.Equal(t, []string{"freeze-2", "roll-back-2", "validate-2"}, []string{plans[0].Key, plans[1].Key, plans[2].Key})
	for _, plan := range plans {
		c.Tasks = append(c.Tasks, cases.Task{Key: plan.Key, TaskID: plan.Key, Status: cases.TaskPending})
	}
	require.Equal(t, "roll-back-2", triage.Pending(c, "roll-back").Key)
	require.Equal(t, "unfreeze", triage.Pending(c, "unfreeze").Key)
	finish("freeze", "roll-back", "validate", "unfreeze")
	require.Nil(t, triage.Pending(c, "freeze"))
	plans = triage.Renewals(c, opening)
	require.Len(t, plans, 4)
	require.Equal(t, "freeze-3", plans[0].Key)
	require.Equal(t, "unfreeze-2", plans[3].Key)
	opening.Renew = nil
	require.Empty(t, triage.Renewals(c, opening))
}

func TestAKnownDeadlineThatHasPassedIsDueAtOnce(t *testing.T) {
	t.Parallel()
	o := triage.Opening{Due: []triage.Due{{Key: "a", At: now.Add(-1)}, {Key: "none", At: now}}}
	route := cases.Route{Tasks: []cases.Plan{{Key: "a", DueWithin: 9}, {Key: "b", DueWithin: 9}}}
	routed := o.Routed(route, now)
	require.EqualValues(t, 1, routed.Tasks[0].DueWithin)
	require.EqualValues(t, 9, routed.Tasks[1].DueWithin)
	require.EqualValues(t, 9, route.Tasks[0].DueWithin, "the route is left as it was")
}

// What happened completes a Task whatever somebody did with it before.
func TestEveryTaskCanBeCompletedByWhatHappens(t *testing.T) {
	t.Parallel()
	for _, from := range cases.TaskStatuses() {
		path, at := triage.Path(from), from
		for _, to := range path {
			require.Contains(t, at.From(), to)
			at = to
		}
		require.Equal(t, from.Terminal(), path == nil)
		if !from.Terminal() {
			require.Equal(t, cases.TaskCompleted, at)
		}
	}
}
