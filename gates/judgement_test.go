package gates_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

var deadline = at.Add(time.Hour)

func cohort() gates.Subject { return gates.Subject{ReleaseID: "rel_1", Cohort: "canary"} }

func judgement(on gates.OnDeadline) gates.Judgement {
	return gates.Judgement{Subject: cohort(), Deadline: deadline, OnDeadline: on}
}

func healthDecision(verdict gates.Verdict, when time.Time) gates.Decision {
	return gates.Decision{Gate: gates.GateHealth, Subject: cohort(), Verdict: verdict, EvaluatedAt: when}
}

// steps is what must be done: written down once more, for every verdict, before
// the deadline and at it, by policies that roll back and that page.
func steps() map[gates.Verdict][3]gates.Step {
	unknown := [3]gates.Step{gates.Hold, gates.RollBack, gates.Page}
	return map[gates.Verdict][3]gates.Step{
		gates.Pass:         {gates.Advance, gates.Advance, gates.Advance},
		gates.Pending:      unknown,
		gates.Insufficient: unknown,
		gates.Stale:        unknown,
		gates.NoData:       unknown,
		gates.Error:        unknown,
		gates.Fail:         {gates.RollBack, gates.RollBack, gates.RollBack},
		"pass":             unknown,
		"":                 unknown,
	}
}

// wrongStep returns a verdict for which a judge does something else than steps say,
// and whether there is one.
func wrongStep(next func(gates.Judgement, gates.Decision) gates.Step) (gates.Verdict, bool) {
	for verdict, want := range steps() {
		got := [3]gates.Step{next(judgement(gates.DeadlineRollBack), healthDecision(verdict, deadline.Add(-1))),
			next(judgement(gates.DeadlineRollBack), healthDecision(verdict, deadline)), next(judgement(gates.DeadlinePage), healthDecision(verdict, deadline))}
		if got != want {
			return verdict, true
		}
	}
	return "", false
}

func judged(j gates.Judgement, d gates.Decision) gates.Step {
	_, step := j.Next(d)
	return step
}

func TestEveryVerdictHasItsStep(t *testing.T) {
	t.Parallel()
	for _, verdict := range gates.Verdicts() {
		require.Contains(t, steps(), verdict)
	}
	verdict, wrong := wrongStep(judged)
	require.False(t, wrong, "%q", verdict)
}

// Planted faults: a judge that passes what ended early, one that waits for ever,
// and one that advances unless something failed.
func TestWrongJudgesAreSeen(t *testing.T) {
	t.Parallel()
	for name, judge := range map[string]func(gates.Judgement, gates.Decision) gates.Step{
		"ended early is passed": func(j gates.Judgement, d gates.Decision) gates.Step {
			if d.Verdict == gates.Pending && !d.EvaluatedAt.Before(j.Deadline) {
				return gates.Advance
			}
			return judged(j, d)
		},
		"no deadline": func(j gates.Judgement, d gates.Decision) gates.Step {
			d.EvaluatedAt = at
			return judged(j, d)
		},
		"what did not fail goes on": func(j gates.Judgement, d gates.Decision) gates.Step {
			if d.Verdict != gates.Fail {
				return gates.Advance
			}
			return judged(j, d)
		},
	} {
		_, seen := wrongStep(judge)
		require.True(t, seen, name)
	}
}

// After a failure, or a deadline that rolled back, nothing advances any more.
func TestRollBackStays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		j, over := judgement(rapid.SampledFrom([]gates.OnDeadline{gates.DeadlineRollBack, gates.DeadlinePage, ""}).Draw(t, "on deadline")), false
		for range rapid.IntRange(1, 20).Draw(t, "decisions") {
			d := healthDecision(rapid.SampledFrom(gates.Verdicts()).Draw(t, "verdict"), at.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "minute"))*time.Minute))
			next, step := j.Next(d)
			require.True(t, step != gates.Advance || d.Permits() && !over, "%v after %+v", d.Verdict, j)
			require.True(t, !over || step == gates.RollBack)
			over = over || step == gates.RollBack
			require.True(t, over || d.Verdict != gates.Fail)
			j = next
		}
	})
}

// A pass that is of another gate, cohort or release, or that nobody waits for,
// does not advance.
func TestOnlyItsOwnPassAdvances(t *testing.T) {
	t.Parallel()
	d := healthDecision(gates.Pass, at)
	require.Equal(t, gates.Advance, judged(judgement(""), d))
	other := d
	other.Subject.Cohort = "everybody"
	require.Equal(t, gates.Hold, judged(judgement(""), other))
	other = d
	other.Subject.Pack = records.DigestOf([]byte("another pack")).String()
	require.Equal(t, gates.Hold, judged(judgement(""), other), "of the same release, before its intent changed")
	other = d
	other.Gate = gates.GateFreeze
	require.Equal(t, gates.Hold, judged(judgement(""), other))
	require.Equal(t, gates.RollBack, judged(gates.Judgement{}, d))
	require.Equal(t, gates.RollBack, judged(gates.Judgement{Subject: cohort()}, d))
}

// Of several rules the one that rolls back is heard, and none that only warns.
func TestOnDeadlineIsThePolicys(t *testing.T) {
	t.Parallel()
	rule := func(end string) string {
		return `rollout_health {"metrics":[{"name":"e","max":1,"min_samples":1}],"min_reporting_percent":1,"max_age":"1h"` + end + `}`
	}
	c := context(records.Activate)
	for _, x := range []struct {
		rules []string
		want  gates.OnDeadline
	}{
		{[]string{rule("")}, gates.DeadlineRollBack},
		{[]string{rule(`,"on_deadline":"page"`)}, gates.DeadlinePage},
		{[]string{rule(`,"on_deadline":"page"`), rule("")}, gates.DeadlineRollBack},
		{[]string{rule(""), rule(`,"on_deadline":"page"`)}, gates.DeadlineRollBack},
		{[]string{`freeze_window {"windows":[{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","reason":"r"}]}`}, gates.DeadlineRollBack},
	} {
		require.Equal(t, x.want, parsed(t, x.rules...).OnDeadline(c), "%v", x.rules)
	}
	require.Equal(t, gates.DeadlineRollBack, gates.Ruleset{}.OnDeadline(c))
	refused(t, configAt+"/on_deadline", bundleOf(rule(`,"on_deadline":"advance"`)))
	refused(t, configAt+"/on_deadline", bundleOf(rule(`,"on_deadline":""`)))
}
