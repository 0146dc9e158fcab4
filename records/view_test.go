package records_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

const organization = records.DefaultOrganization

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// history builds the entries of one build, a second apart.
type history struct {
	t       *testing.T
	id      string
	entries []records.Entry
}

func newHistory(t *testing.T) *history {
	return &history{t: t, id: records.BuildID(organization, t.Name())}
}

func (h *history) add(entryType string, stage records.Stage, generation int, codes []string, body any) *history {
	kind := records.KindEvent
	switch entryType {
	case records.TypeStageFinished:
		kind = records.KindOutput
	case records.TypeGatePassed, records.TypeGateFailed, records.TypeGateOverridden:
		kind = records.KindDecision
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: kind, Type: entryType,
		Subject: records.Subject{Kind: records.SubjectBuild, ID: h.id},
		At:      start.Add(time.Duration(len(h.entries)) * time.Second), Actor: "ann", Codes: codes,
		Correlation: records.Correlation{BuildID: h.id, Stage: stage, Generation: generation, Attempt: 1},
	}, fmt.Sprint(len(h.entries)), body)
	require.NoError(h.t, err)
	h.entries = append(h.entries, entry)
	return h
}

func (h *history) requested() *history {
	return h.add(records.TypeBuildRequested, "", 0, nil, records.BuildRequested{
		IdempotencyKey: "k", Request: ref("request"), Trigger: records.Trigger{Type: records.TriggerManual, Actor: "ann"},
	}).add(records.TypeBuildPinned, records.StepPin, 1, nil, records.BuildPinned{Pins: ref("pins"), PipelineID: "p"})
}

func (h *history) stage(stage records.Stage, generation int) *history {
	spec, _ := records.BuildStage(stage)
	finished := records.StageFinished{Key: string(stage)}
	for _, output := range spec.Outputs {
		finished.Outputs = append(finished.Outputs, records.Artifact{Name: output.Name, Ref: ref(output.Name)})
	}
	return h.add(records.TypeStageStarted, stage, generation, nil, records.StageStarted{Attempt: 1}).
		add(records.TypeStageFinished, stage, generation, nil, finished)
}

func (h *history) fold() records.BuildView {
	view, err := h.try()
	require.NoError(h.t, err)
	return view
}

func (h *history) try() (view records.BuildView, err error) {
	for i, entry := range h.entries {
		if view, err = records.ReduceBuild(view, entry, int64(i+1)); err != nil {
			return view, err
		}
	}
	return view, nil
}

func ref(content string) records.Ref {
	return records.Ref{Digest: records.DigestOf([]byte(content)), MediaType: records.MediaJSON, Size: int64(len(content))}
}

func statuses(view records.BuildView) string {
	text := ""
	for _, step := range view.Steps {
		text += fmt.Sprintf("%s=%s ", step.Stage, step.Status)
	}
	return text
}

func (h *history) whole() *history {
	h.requested()
	for _, spec := range records.BuildSpine() {
		h.stage(spec.Stage, 1)
	}
	return h
}

func TestViewOfAPassedBuild(t *testing.T) {
	t.Parallel()
	h := newHistory(t).whole()
	require.Equal(t, "pin=PASS ingest=PASS extract=PASS resolve=PASS validate=PASS compile=GATING record=PENDING ", statuses(h.fold()))
	h.add(records.TypeRecordWritten, "", 0, nil, struct{}{}).
		add(records.TypeBuildPassed, "", 0, nil, records.BuildEnded{State: records.BuildPassed})
	view := h.fold()
	require.Equal(t, records.BuildPassed, view.State)
	require.Equal(t, "pin=PASS ingest=PASS extract=PASS resolve=PASS validate=PASS compile=PASS record=PASS ", statuses(view))
	require.Equal(t, int64(len(h.entries)), view.Version)
	require.NotNil(t, view.Record)

	h.add(records.TypeStageStarted, records.Compile, 2, nil, records.StageStarted{})
	_, err := h.try()
	require.ErrorIs(t, err, records.ErrBuildEnded)
}

func TestViewOfABlockedBuild(t *testing.T) {
	t.Parallel()
	view := newHistory(t).requested().stage(records.Ingest, 1).stage(records.Extract, 1).
		add(records.TypeGateFailed, records.Extract, 1, []string{"B"}, struct{}{}).
		add(records.TypeGateFailed, records.Extract, 1, []string{"A"}, struct{}{}).
		add(records.TypeRecordWritten, "", 0, nil, struct{}{}).
		add(records.TypeBuildBlocked, "", 0, []string{"B", "A"}, records.BuildEnded{State: records.BuildBlocked, Stage: records.Extract}).
		fold()
	require.Equal(t, "pin=PASS ingest=PASS extract=FAIL resolve=SKIP validate=SKIP compile=SKIP record=PASS ", statuses(view))
	require.Equal(t, []string{"A", "B"}, view.Codes)
	require.Equal(t, []string{"A", "B"}, view.Step(records.Extract).Codes)
}

func TestRetryVoidsWhatLiesDownstream(t *testing.T) {
	t.Parallel()
	h := newHistory(t).requested().stage(records.Ingest, 1).stage(records.Extract, 1).stage(records.Resolve, 1).
		add(records.TypeGateFailed, records.Resolve, 1, []string{"A"}, struct{}{}).
		add(records.TypeBuildWaiting, records.Resolve, 1, []string{"A"}, records.BuildWaits{Stage: records.Resolve, Until: start})
	require.Equal(t, records.BuildWaiting, h.fold().State)
	h.add(records.TypeOperatorAction, records.Extract, 2, nil, records.OperatorAction{Action: records.ActionRetry, Stage: records.Extract})
	view := h.fold()
	require.Equal(t, records.BuildRunning, view.State)
	require.Equal(t, 2, view.Generation)
	require.Empty(t, view.Codes)
	require.Equal(t, "pin=PASS ingest=PASS extract=PENDING resolve=PENDING validate=PENDING compile=PENDING record=PENDING ", statuses(view))

	late := *h
	late.stage(records.Resolve, 1)
	_, err := late.try()
	require.ErrorIs(t, err, records.ErrVoided, "an output of a voided generation")

	h.stage(records.Extract, 2)
	again := h.fold()
	require.Equal(t, records.StageGating, again.Step(records.Extract).Status)
	h.stage(records.Extract, 1)
	_, err = h.try()
	require.ErrorIs(t, err, records.ErrVoided)
}

func TestViewRefusesWhatIsNoHistory(t *testing.T) {
	t.Parallel()
	_, err := newHistory(t).stage(records.Ingest, 1).try()
	require.ErrorContains(t, err, "must be its first entry")
	_, err = newHistory(t).requested().requested().try()
	require.ErrorContains(t, err, "must be its first entry")
	_, err = newHistory(t).requested().add("orgo.build.painted", "", 0, nil, struct{}{}).try()
	require.ErrorContains(t, err, "unknown type")
	_, err = newHistory(t).requested().add(records.TypeStageStarted, "paint", 1, nil, struct{}{}).try()
	require.ErrorContains(t, err, "no step")
}

func TestEntryIDIsTheFact(t *testing.T) {
	t.Parallel()
	base := records.Entry{Organization: organization, Type: "t", Subject: records.Subject{Kind: "build", ID: "1"}, At: start}
	a, err := records.NewEntry(base, "x", map[string]int{"b": 1, "a": 2})
	require.NoError(t, err)
	base.At = start.Add(time.Hour)
	b, err := records.NewEntry(base, "x", map[string]int{"a": 2, "b": 1})
	require.NoError(t, err)
	require.Equal(t, a.ID, b.ID)
	require.Equal(t, a.Digest, b.Digest)
	c, err := records.NewEntry(base, "y", nil)
	require.NoError(t, err)
	require.NotEqual(t, a.ID, c.ID)
	base.Organization = "other"
	d, err := records.NewEntry(base, "x", nil)
	require.NoError(t, err)
	require.NotEqual(t, a.ID, d.ID)
}

// An override takes a build on from where it waits. One of several refusals that
// are still to be overridden does not.
func TestOverrideTakesABuildOn(t *testing.T) {
	t.Parallel()
	override := func(after records.BuildState) records.OperatorAction {
		return records.OperatorAction{Action: records.ActionOverride, Stage: records.Ingest, Gate: "provenance", Before: records.BuildWaiting, After: after}
	}
	h := newHistory(t).requested().stage(records.Ingest, 1).
		add(records.TypeGateFailed, records.Ingest, 1, []string{"SOURCE_NOT_ALLOWED"}, struct{}{}).
		add(records.TypeBuildWaiting, records.Ingest, 1, []string{"SOURCE_NOT_ALLOWED"}, records.BuildWaits{Stage: records.Ingest, As: records.StageFail}).
		add(records.TypeGateOverridden, records.Ingest, 1, []string{"SOURCE_NOT_ALLOWED"}, struct{}{}).
		add(records.TypeOperatorAction, records.Ingest, 1, nil, override(records.BuildWaiting))
	view := h.fold()
	require.Equal(t, records.BuildWaiting, view.State)
	require.Equal(t, records.StageFail, view.Step(records.Ingest).Status)

	view = h.add(records.TypeOperatorAction, records.Ingest, 1, nil, override(records.BuildRunning)).fold()
	require.Equal(t, records.BuildRunning, view.State)
	require.Empty(t, view.Codes)
	require.Equal(t, records.StageGating, view.Step(records.Ingest).Status)

	view = h.stage(records.Extract, 1).fold()
	require.Equal(t, records.StagePass, view.Step(records.Ingest).Status)
}
