package trail_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/trail"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func entries(t *testing.T, all ...records.Entry) []event.Entry {
	t.Helper()
	var numbered []event.Entry
	for i, e := range all {
		e.At, e.ID = start.Add(time.Duration(i)*time.Second), string(rune('a'+i))
		numbered = append(numbered, event.Entry{Entry: e, Sequence: int64(i + 1)})
	}
	return numbered
}

func body(t *testing.T, v any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}

func ref(text string) records.Ref {
	return records.Ref{Digest: records.DigestOf([]byte(text)), MediaType: records.MediaJSON, Size: int64(len(text))}
}

// decisions as the gates write them: this package reads them by their members alone.
func decision(t *testing.T, verdict gates.Verdict, override *gates.Override) records.Entry {
	d := gates.Decision{
		Gate: gates.GateFreeze, Subject: gates.Subject{ReleaseID: "r", Stage: records.Activate, Generation: 2, Cohort: "canary"}, Verdict: verdict,
		Codes: []gates.Code{}, Findings: []gates.Finding{{RuleID: "frozen", Verdict: verdict, Code: gates.ChannelFrozen, Message: "frozen until then"}},
		InputsDigest: records.DigestOf([]byte("inputs")), PolicyDigest: records.DigestOf([]byte("policy")), EvaluatorVersion: "2", EvaluatedAt: start, Override: override,
	}
	if verdict == gates.Fail {
		d.Codes = []gates.Code{gates.ChannelFrozen}
	}
	return records.Entry{Kind: records.KindDecision, Type: records.TypeGateFailed, Actor: records.SystemActor, Body: body(t, d)}
}

func TestGatesKeepWhatWasRefusedBesideTheOverride(t *testing.T) {
	t.Parallel()
	override := &gates.Override{Actor: "bob", ConfirmedBy: "carol", Reason: "outage", CaseID: "case", ExpiresAt: start, BreakGlass: true, Of: records.DigestOf([]byte("inputs"))}
	found, err := trail.Gates(entries(t, decision(t, gates.Fail, nil), records.Entry{Body: body(t, 1)}, decision(t, gates.Pass, override)))
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, trail.Decided{
		Sequence: 1, EntryID: "a", At: start, Gate: "freeze", Rollout: 2, Cohort: "canary", Verdict: "FAIL", Codes: []string{"CHANNEL_FROZEN"},
		Says: []string{"frozen until then"}, Inputs: override.Of, Policy: records.DigestOf([]byte("policy")), Evaluator: "2",
	}, found[0])
	require.Equal(t, int64(3), found[1].Sequence)
	require.Equal(t, "carol", found[1].Override.ConfirmedBy)
	require.True(t, found[1].Override.BreakGlass)
	require.Empty(t, found[1].Says)

	_, err = trail.Gates(entries(t, records.Entry{Kind: records.KindDecision, Body: []byte("[")}))
	require.ErrorContains(t, err, "decision a")
	none, err := trail.Gates(nil)
	require.NoError(t, err)
	require.NotNil(t, none, "an empty list, not null")
}

func TestTimelineSaysWhatHappened(t *testing.T) {
	t.Parallel()
	moments := trail.Timeline(entries(t,
		records.Entry{Type: release.TypeReleaseMoved, Actor: "ann", Body: body(t, release.Moved{Event: "agreed", Before: "AWAITING_APPROVAL", After: "APPROVED"})},
		decision(t, gates.Fail, nil),
		records.Entry{Type: records.TypeActionRefused, Codes: []string{"X"}, Body: body(t, records.CommandOutcome{Action: "hold", Before: "A", After: "A", Message: "no"})},
		records.Entry{Type: records.TypeStageFinished, Correlation: records.Correlation{Stage: records.Extract, Generation: 2, Attempt: 3}, Body: []byte("{}")},
		records.Entry{Type: release.TypeReleaseMoved, Body: []byte("not json")},
	))
	var what []string
	for _, m := range moments {
		what = append(what, m.What)
	}
	require.Equal(t, []string{
		"agreed: AWAITING_APPROVAL → APPROVED, stage 1", "freeze FAIL", "hold: A → A: no", "extract (generation 2, attempt 3)", "",
	}, what)
	require.Equal(t, "ann", moments[0].Actor)
	require.Equal(t, start.Add(2*time.Second), moments[2].At)
}

func TestArtifactsAreNamedOnce(t *testing.T) {
	t.Parallel()
	one, two, three := ref("one"), ref("two"), ref("three")
	found, err := trail.Artifacts(entries(t,
		records.Entry{Type: records.TypeBuildRequested, Body: body(t, records.BuildRequested{Request: one})},
		records.Entry{Type: records.TypeStageFinished, Correlation: records.Correlation{Stage: records.Compile}, Body: body(t, records.StageFinished{
			Inputs: []records.Artifact{{Name: "request", Ref: one}, {Name: "request", Ref: one}}, Outputs: []records.Artifact{{Name: "pack-file", Path: "a/b.json", Ref: two}},
		})},
		// Digests alone, and what only looks like a reference, name no artifact.
		records.Entry{Body: body(t, map[string]any{"policy_digest": three.Digest, "x": map[string]any{"alg": "sha256", "value": three.Value, "size": 1, "more": 2}})},
		records.Entry{Body: body(t, map[string]any{"x": map[string]any{"alg": "sha256", "value": "short", "size": 1}})},
	))
	require.NoError(t, err)
	require.Equal(t, []trail.Named{
		{Ref: one, Name: "request", Sequence: 1, Type: records.TypeBuildRequested, Mentions: 2},
		{Ref: two, Name: "pack-file", Path: "a/b.json", Sequence: 2, Type: records.TypeStageFinished, Stage: "compile", Mentions: 1},
	}, found)
	_, err = trail.Artifacts(entries(t, records.Entry{Body: []byte("{")}))
	require.ErrorContains(t, err, "entry a")
}
