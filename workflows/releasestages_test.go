package workflows_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// row is what a test looks at in a stage of the spine.
type row struct {
	stage  records.Stage
	part   string
	status records.StageStatus
}

func rowsOf(r release.Record) []row {
	var rows []row
	for _, s := range r.Spine {
		rows = append(rows, row{s.Stage, s.Part, s.Status})
	}
	return rows
}

// typesOf counts entries about stages of the release.
func typesOf(w *world, stage records.Stage) map[string]int {
	counts := map[string]int{}
	for _, e := range w.entries[records.ReleaseSubject(releaseID)] {
		if e.Correlation.Stage == stage && e.Kind != records.KindDecision {
			counts[e.Type]++
		}
	}
	return counts
}

func TestAReleaseRecordsItsStagesAsABuildDoes(t *testing.T) {
	t.Parallel()
	w := quiet()
	lives(t, w)
	require.Equal(t, string(rollout.PhaseClosedGood), w.record().Phase)
	require.Equal(t, []row{
		{records.Distribute, "one", records.StagePass}, {records.Activate, "one", records.StagePass},
		{records.Distribute, "two", records.StagePass}, {records.Activate, "two", records.StagePass},
		{records.Render, "", records.StagePass},
	}, rowsOf(*w.record()))
	for i, s := range w.record().Spine {
		pinned, is := w.record().Pinned(s.Stage)
		require.True(t, is)
		require.Equal(t, pinned.Runner, *s.Runner, i)
		require.Equal(t, pinned.Digest, *s.Pin, i)
		require.NotNil(t, s.StartedAt, i)
		require.False(t, s.EndedAt.Before(*s.StartedAt), i)
		require.Equal(t, release.SpineInputs(fact.pack), s.Inputs, i)
		spec, _ := records.ReleaseStage(s.Stage)
		require.Len(t, s.Outputs, len(spec.Outputs), i)
		require.NotEmpty(t, s.Key, i)
		if s.Stage == records.Activate { // of the others, activities record
			require.Len(t, s.Attempts, 2)
			for n, typ := range []string{records.TypeStageStarted, records.TypeStageFinished} {
				require.Equal(t, typ, s.Attempts[n].Event)
				require.Equal(t, s.Generation, s.Attempts[n].Generation)
				require.Contains(t, w.byID, s.Attempts[n].EntryID, "the entry is in the store")
			}
		}
	}
	require.Equal(t, release.PinsOf(fact.pinned), w.record().Intent.Pins)
	require.Equal(t, map[string]int{records.TypeStageStarted: 2, records.TypeStageFinished: 2}, typesOf(w, records.Activate))

	// The index that an activation yielded is one that the channel issued.
	for _, part := range []string{"one", "two"} {
		yielded := w.record().SpineStage(records.Activate, part).Outputs[0].Ref.Digest
		issued := false
		for _, e := range w.entries[records.ReleaseSubject(releaseID)] {
			var finished records.StageFinished
			if e.Type == records.TypeStageFinished && json.Unmarshal(e.Body, &finished) == nil && finished.Outputs[0].Ref.Digest == yielded {
				require.Equal(t, records.KindOutput, e.Kind)
				require.Equal(t, records.Activate, e.Correlation.Stage)
				issued = true
			}
		}
		require.True(t, issued, part)
	}
	digest, err := w.channel.Index.Digest()
	require.NoError(t, err)
	require.Equal(t, digest, w.record().SpineStage(records.Activate, "two").Outputs[0].Ref.Digest)
}

// What cannot be rendered is a finding, and nothing else.
func TestARenderingThatFailsMovesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   stageDouble
		want gates.Code
	}{
		"fails": {func(releases.StageInput) (records.StageFinished, error) {
			return records.StageFinished{}, temporal.NewNonRetryableApplicationError("untraced", string(gates.EvidenceMissing), nil,
				activities.FailureDetail{Code: gates.EvidenceMissing, Message: "untraced"})
		}, gates.EvidenceMissing},
		"yields nothing":      {yields(), gates.OutputMissing},
		"yields no trace":     {yields(records.OutRendered), gates.OutputMissing},
		"yields another page": {yields("page", records.OutTrace), gates.OutputMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quiet()
			w.renders = c.do
			lives(t, w)
			require.Equal(t, string(rollout.PhaseClosedGood), w.record().Phase, "%s %v", w.record().Code, w.record().Codes)
			require.Empty(t, w.record().Code)
			row := w.record().SpineStage(records.Render, "")
			require.Equal(t, records.StageFail, row.Status)
			require.Equal(t, []string{string(c.want)}, row.Codes)
			require.NotEmpty(t, row.Message)
			require.Empty(t, row.Outputs)
			require.Equal(t, map[string]int{records.TypeStageFailed: 1}, typesOf(w, records.Render), "no activity said that it had recorded it")
		})
	}
}

// A rendering that takes long keeps nothing from being seen: what fails meanwhile goes
// back at once, and is not rendered.
func TestAReleaseIsWatchedWhileItsPackIsRendered(t *testing.T) {
	t.Parallel()
	slow := func() releases.Pinned {
		stages := append([]records.PinnedStage{}, fact.pinned...)
		stages[2].Retry = records.RetrySettings{MaxAttempts: 12, InitialInterval: records.Duration(10 * time.Second), MaxInterval: records.Duration(10 * time.Second), Coefficient: 1}
		return releases.Pinned{Stages: stages}
	}
	for name, c := range map[string]struct {
		bad    time.Duration
		phase  rollout.Phase
		render records.StageStatus
	}{
		"well":        {0, rollout.PhaseClosedGood, records.StageFail},
		"fails in it": {80 * time.Second, rollout.PhaseSafeMode, records.StageError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quiet()
			w.length, w.bad, w.pins = 20*time.Minute, c.bad, slow
			asked := 0
			w.renders = func(releases.StageInput) (records.StageFinished, error) {
				asked++
				return records.StageFinished{}, errors.New("503 service unavailable")
			}
			soaked, waited := time.Time{}, false
			w.every = func() {
				if w.record().Soak != nil && soaked.IsZero() {
					soaked = w.now()
				}
				waited = waited || w.record().Waits != nil && w.record().Waits.For == "its pack to be rendered"
			}
			lives(t, w)
			require.True(t, waited, "it had been judged good")
			require.Equal(t, string(c.phase), w.record().Phase, "%s %v at %s", w.record().Code, w.record().Codes, w.now().Sub(worldStart))
			require.Equal(t, c.render, w.record().SpineStage(records.Render, "").Status)
			if c.bad == 0 {
				require.Equal(t, 12, asked)
				return
			}
			require.True(t, soaked.Before(worldStart.Add(c.bad)), "it began to fail after it had been judged good")
			require.Less(t, asked, 12)
		})
	}
}

func TestAPipelineThatRendersNothing(t *testing.T) {
	t.Parallel()
	w := quiet()
	w.pins = func() releases.Pinned { return releases.Pinned{Stages: fact.pinned[:2]} }
	w.renders = func(releases.StageInput) (records.StageFinished, error) {
		panic("nothing is to be rendered")
	}
	lives(t, w)
	require.Equal(t, string(rollout.PhaseClosedGood), w.record().Phase)
	row := w.record().SpineStage(records.Render, "")
	require.Equal(t, records.StageSkip, row.Status)
	require.Nil(t, row.Runner)
	require.Zero(t, row.Generation)
}

// A release does not begin on pins that are not there, and is taken back from a target
// that became another.
func TestAReleaseHoldsItsTargetToItsPin(t *testing.T) {
	t.Parallel()
	other := func() releases.Pinned {
		stages := append([]records.PinnedStage{}, fact.pinned...)
		stages[1].Digest = records.DigestOf([]byte("another target"))
		return releases.Pinned{Stages: stages}
	}
	for name, c := range map[string]struct {
		first, then func() releases.Pinned
		phase       rollout.Phase
		code        gates.Code
	}{
		"nothing is pinned": {func() releases.Pinned { return releases.Pinned{} }, nil, rollout.PhaseIneligible, gates.PinUnknown},
		"no target": {func() releases.Pinned {
			return releases.Pinned{Problems: []releases.Problem{{Code: gates.TargetUnavailable, Message: "away"}}}
		}, nil, rollout.PhaseIneligible, gates.TargetUnavailable},
		"another target": {func() releases.Pinned { return releases.Pinned{Stages: fact.pinned} }, other, rollout.PhaseFailed, gates.IntentChanged},
		"what renders is another": {func() releases.Pinned { return releases.Pinned{Stages: fact.pinned} },
			func() releases.Pinned { return releases.Pinned{Stages: fact.pinned[:2]} }, rollout.PhaseClosedGood, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := quiet()
			asked := 0
			w.pins = func() releases.Pinned {
				if asked++; asked > 1 && c.then != nil {
					return c.then()
				}
				return c.first()
			}
			lives(t, w)
			require.Equal(t, string(c.phase), w.record().Phase)
			require.Equal(t, string(c.code), w.record().Code)
			if c.phase == rollout.PhaseFailed {
				require.Equal(t, []row{
					{records.Distribute, "one", records.StagePass}, {records.Activate, "one", records.StageSkip},
					{records.Distribute, "two", records.StageSkip}, {records.Activate, "two", records.StageSkip}, {records.Render, "", records.StageSkip},
				}, rowsOf(*w.record()))
			}
		})
	}
}

// A channel that is held takes nothing: what was asked of it did not activate anything,
// and counts apart from what then does.
func TestAnActivationThatIsHeldBackIsBegunAgain(t *testing.T) {
	t.Parallel()
	w := quiet()
	w.length = 20 * time.Minute
	channel := records.ChannelSubject(organization, main0)
	held := false
	w.every = func() {
		switch turn := w.channel.Turn; {
		case turn != nil && !held:
			held = true
			w.person(channel, records.TypeActionRequested, "otto", release.ActionHold, struct{}{})
		case held && len(w.channel.Holds) > 0 && w.now().Sub(worldStart) > 3*time.Minute:
			w.person(channel, records.TypeActionRequested, "otto", release.ActionLift, release.Lift{})
		}
	}
	lives(t, w)
	require.Equal(t, string(rollout.PhaseClosedGood), w.record().Phase)
	for _, s := range w.record().Spine {
		require.Equal(t, records.StagePass, s.Status, s.Stage)
	}
	counts := typesOf(w, records.Activate)
	require.Equal(t, counts[records.TypeStageStarted], counts[records.TypeStageFailed]+counts[records.TypeStageFinished], "every start has its end")
}
