package triage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
)

func TestAReleaseThatEndsBadly(t *testing.T) {
	t.Parallel()
	cause := "open release/" + releaseID
	left := []string{"obsolete promotion/" + releaseID, "obsolete page/" + releaseID}
	for name, c := range map[string]struct {
		on            rollout.ReleaseEventKind
		before, after rollout.Phase
		code          string
		want          []string
		severity      string
	}{
		"not eligible":     {rollout.NotEligible, rollout.PhaseChecking, rollout.PhaseIneligible, "ARTIFACT_MISSING", []string{cause}, "SEV3"},
		"not distributed":  {rollout.NotDistributed, rollout.PhaseDistributing, rollout.PhaseFailed, "TARGET_UNAVAILABLE", []string{cause}, "SEV4"},
		"not verified":     {rollout.NotVerified, rollout.PhaseVerifying, rollout.PhaseFailed, "ARTIFACT_DIGEST_MISMATCH", []string{cause}, "SEV3"},
		"not verified 2":   {rollout.NotVerified, rollout.PhaseVerifying, rollout.PhaseRollingBack, "ARTIFACT_DIGEST_MISMATCH", []string{cause}, "SEV1"},
		"not activated":    {rollout.StageInactive, rollout.PhaseActivating, rollout.PhaseRollingBack, "ACTIVATION_FAILED", []string{cause}, "SEV4"},
		"judged bad":       {rollout.JudgedBad, rollout.PhaseObserving, rollout.PhaseRollingBack, "METRIC_OUT_OF_BOUNDS", append(left, cause), "SEV1"},
		"by the channel":   {rollout.WentBack, rollout.PhaseSoaking, rollout.PhaseRolledBack, "DRIFT_DETECTED", append(left, cause), "SEV1"},
		"to nothing":       {rollout.NoTargetFound, rollout.PhaseClosedGood, rollout.PhaseSafeMode, "DRIFT_DETECTED", []string{cause}, "SEV1"},
		"with its set":     {rollout.AskedAbort, rollout.PhaseActivating, rollout.PhaseRollingBack, "RELEASE_SET_ABORTED", []string{cause}, "SEV3"},
		"at last":          {rollout.WentBack, rollout.PhaseRollingBack, rollout.PhaseRolledBack, "METRIC_OUT_OF_BOUNDS", nil, ""},
		"in safe mode":     {rollout.NoTargetFound, rollout.PhaseRollingBack, rollout.PhaseSafeMode, "METRIC_OUT_OF_BOUNDS", nil, ""},
		"asked for":        {rollout.WentBack, rollout.PhaseClosedGood, rollout.PhaseRolledBack, "ROLLBACK_REQUESTED", nil, ""},
		"aborted":          {rollout.AskedAbort, rollout.PhaseObserving, rollout.PhaseRollingBack, "ABORT_REQUESTED", left, ""},
		"aborted early":    {rollout.AskedAbort, rollout.PhaseApproved, rollout.PhaseAborted, "ABORT_REQUESTED", nil, ""},
		"revoked":          {rollout.WasRevoked, rollout.PhaseClosedGood, rollout.PhaseRollingBack, "ARTIFACT_REVOKED", nil, ""},
		"superseded":       {rollout.WasSuperseded, rollout.PhaseActivating, rollout.PhaseRollingBack, "RELEASE_SUPERSEDED", nil, ""},
		"well":             {rollout.JudgedGood, rollout.PhaseSoaking, rollout.PhaseClosedGood, "", wentOn(), ""},
		"to another stage": {rollout.JudgedGood, rollout.PhaseObserving, rollout.PhaseDistributing, "", wentOn(), ""},
		"held":             {rollout.AskedHold, rollout.PhaseObserving, rollout.PhaseObserving, "", nil, ""},
	} {
		var codes []string
		if c.code != "" {
			codes = []string{c.code}
		}
		e := moved(t, c.on, c.before, c.after, codes...)
		found := of(t, e, triage.Context{})
		require.Equal(t, c.want, said(found), name)
		if c.severity != "" {
			opened := admitted(t, e, found[len(found)-1])
			require.Equal(t, c.severity, opened.Route.Severity, name)
			require.Equal(t, "release_failed", opened.Type)
			require.Contains(t, opened.Refs, cases.Ref{Type: "channel", Ref: "production/stable"})
			require.True(t, strings.HasSuffix(opened.Summary, ": because"), opened.Summary)
		}
	}
}

func wentOn() []string {
	return []string{"done promotion/" + releaseID + " promote", "cleared promotion/" + releaseID, "done page/" + releaseID + " investigate", "cleared page/" + releaseID}
}

func TestAReleaseThatWaitsForApproval(t *testing.T) {
	t.Parallel()
	e := moved(t, rollout.Eligible, rollout.PhaseChecking, rollout.PhaseAwaitingApproval)
	require.True(t, triage.Needs(e).Release)
	_, err := triage.Of(e, triage.Context{})
	require.ErrorIs(t, err, triage.ErrContext)
	require.Empty(t, of(t, e, solo(true)), "nobody has to agree")
	found := of(t, e, solo(false))
	require.Equal(t, []string{"open approval/" + releaseID}, said(found))
	c := admitted(t, e, found[0])
	require.Equal(t, cases.Request, c.Category)
	require.Empty(t, c.Route.Severity)
	require.Equal(t, now.Add(7*24*time.Hour), *c.Keyed(cases.TaskApprove).Due.Due)

	intent := records.DigestOf([]byte("intent"))
	record := release.Record{IntentDigest: &intent, Votes: []release.Vote{
		{Intent: intent, Approve: true, ExpiresAt: now.Add(48 * time.Hour)}, {Intent: intent, Approve: true, ExpiresAt: now.Add(24 * time.Hour)},
		{Intent: records.DigestOf([]byte("another")), Approve: true, ExpiresAt: now.Add(time.Hour)},
		{Intent: intent, ExpiresAt: now.Add(time.Hour)}, // what was rejected is not agreed
	}}
	c = admitted(t, e, of(t, e, triage.Context{Release: &record})[0])
	require.Equal(t, now.Add(24*time.Hour), *c.Keyed(cases.TaskApprove).Due.Due, "what was agreed counts until then")

	for name, c := range map[string]struct {
		on    rollout.ReleaseEventKind
		after rollout.Phase
		code  string
		want  []string
	}{
		"approved":  {rollout.Agreed, rollout.PhaseApproved, "", []string{"done approval/" + releaseID + " approve", "cleared approval/" + releaseID}},
		"rejected":  {rollout.VotedDown, rollout.PhaseAborted, "APPROVAL_REJECTED", []string{"done approval/" + releaseID + " approve", "cleared approval/" + releaseID}},
		"aborted":   {rollout.AskedAbort, rollout.PhaseAborted, "ABORT_REQUESTED", []string{"obsolete approval/" + releaseID}},
		"changed":   {rollout.IntentChanged, rollout.PhaseChecking, "", []string{"obsolete approval/" + releaseID}},
		"withdrawn": {rollout.WasRevoked, rollout.PhaseAborted, "ARTIFACT_REVOKED", []string{"obsolete approval/" + releaseID}},
	} {
		var codes []string
		if c.code != "" {
			codes = []string{c.code}
		}
		require.Equal(t, c.want, said(of(t, moved(t, c.on, rollout.PhaseAwaitingApproval, c.after, codes...), triage.Context{})), name)
	}
}

func TestAReleaseThatWaitsToBePromoted(t *testing.T) {
	t.Parallel()
	record := func(codes ...string) records.Entry {
		e := ofRelease(t, records.TypeRecordWritten, records.SystemActor, "", release.Record{Kind: "release_record", Phase: "OBSERVING", Codes: codes})
		e.Kind = records.KindRecord
		return e
	}
	require.Empty(t, of(t, record(), triage.Context{}))
	require.Empty(t, of(t, ofBuild(t, records.TypeRecordWritten, records.BuildRecord{}), triage.Context{}))
	e := record("PROMOTION_MISSING")
	found := of(t, e, triage.Context{})
	require.Equal(t, []string{"open promotion/" + releaseID}, said(found))
	require.True(t, found[0].Opening.Continues, "the record is written often")
	require.NotNil(t, admitted(t, e, found[0]).Keyed(cases.TaskPromote))
}

func TestAReleaseThatPages(t *testing.T) {
	t.Parallel()
	e := ofRelease(t, release.TypeOperatorPaged, records.SystemActor, "", map[string]any{"stage": "canary"}, "METRIC_NO_DATA")
	found := of(t, e, triage.Context{})
	require.Equal(t, []string{"open page/" + releaseID}, said(found))
	require.Equal(t, "SEV1", admitted(t, e, found[0]).Route.Severity)
}

func TestTelemetryThatContradictsItself(t *testing.T) {
	t.Parallel()
	e := ofRelease(t, release.TypeWindowRefused, records.SystemActor, "", map[string]any{"cohort": "canary"}, "WINDOW_CONFLICT")
	e.Correlation.Cohort = "canary"
	found := of(t, e, triage.Context{})
	require.Equal(t, []string{"open audit/release/" + releaseID + "/canary"}, said(found))
	require.Equal(t, "SEV2", admitted(t, e, found[0]).Route.Severity)
}

func TestABreakGlass(t *testing.T) {
	t.Parallel()
	glass := release.BreakGlass{
		CaseID: "incident", Reason: "outage", Gates: []string{"freeze"}, By: []string{"ann", "bob"}, OpenedAt: now.Add(-time.Hour), ReviewBy: now.Add(71 * time.Hour),
	}
	cause := "break-glass/" + releaseID + "/2026-11-28T08:00:00Z"
	require.Empty(t, of(t, ofRelease(t, release.TypeGlassOpened, "ann", "outage", glass), triage.Context{}), "it counts when it is confirmed")
	e := ofRelease(t, release.TypeGlassConfirmed, "bob", "outage", glass)
	found := of(t, e, triage.Context{})
	require.Equal(t, []string{"open " + cause}, said(found))
	c := admitted(t, e, found[0])
	require.Equal(t, glass.ReviewBy, *c.Keyed(cases.TaskReview).Due.Due)
	require.Contains(t, c.Refs, cases.Ref{Type: "case", Ref: "incident", Note: "the incident that it is for"})
	require.True(t, c.Route.Review)
	require.Contains(t, c.Summary, "ann and bob")
	asked := ofRelease(t, release.TypeCaseNeeded, "bob", "outage", map[string]any{"case_id": "incident", "what": "break-glass", "review_by": glass.ReviewBy})
	require.Empty(t, of(t, asked, triage.Context{}), "the confirmation says it already")

	overdue := "break-glass/overdue/" + organization
	glass.Reviewed = []byte(`{"by":"carl"}`)
	require.Equal(t, []string{"done " + cause + " review", "cleared " + cause, "done " + overdue + " review", "cleared " + overdue},
		said(of(t, ofRelease(t, release.TypeGlassReviewed, "carl", "sound", glass), triage.Context{})))

	refused := ofRelease(t, records.TypeActionRefused, "dora", "outage",
		records.CommandOutcome{Action: release.ActionBreakGlass, Code: "BREAK_GLASS_REVIEW_OVERDUE", Message: "release x"}, "BREAK_GLASS_REVIEW_OVERDUE")
	found = of(t, refused, triage.Context{})
	require.Equal(t, []string{"open " + overdue}, said(found))
	require.NotNil(t, admitted(t, refused, found[0]).Keyed(cases.TaskReview))
	other := ofRelease(t, records.TypeActionRefused, "dora", "", records.CommandOutcome{Action: release.ActionApprove, Code: "RELEASE_HELD"}, "RELEASE_HELD")
	require.Empty(t, of(t, other, triage.Context{}))
}
