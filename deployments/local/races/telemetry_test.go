package races_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"

	"github.com/initkoa/orgo/deployments/local/races"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
	"github.com/initkoa/orgo/workflows"
)

// maxEvents is how long a run may get.
const maxEvents = 4096

// past is what Temporal has of all runs of a workflow.
type past struct {
	lengths  []int // events of each run, the newest first
	windows  map[string]telemetry.Window
	signals  int
	unheard  int // signals that came after the last task of a run had begun
	failures int // of tasks
}

// pastOf reads every run of a workflow.
func pastOf(ctx context.Context, t *testing.T, r *races.Rig, workflowID string) past {
	t.Helper()
	p := past{windows: map[string]telemetry.Window{}}
	for run := ""; ; {
		history := r.Temporal.GetWorkflowHistory(ctx, workflowID, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		length, before, waiting := 0, "", 0
		for history.HasNext() {
			event, err := history.Next()
			require.NoError(t, err)
			length++
			switch event.GetEventType() {
			case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
				before = event.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
			case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
				p.signals++
				waiting++
				if signal := event.GetWorkflowExecutionSignaledEventAttributes(); signal.GetSignalName() == workflows.SignalWindows {
					var windows []telemetry.Window
					require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(signal.GetInput(), &windows))
					for _, w := range windows {
						if w.Sequence > p.windows[w.Cohort].Sequence {
							p.windows[w.Cohort] = w
						}
					}
				}
			case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
				waiting = 0
			case enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
				p.failures++
			}
		}
		p.lengths, p.unheard = append(p.lengths, length), p.unheard+waiting
		if run = before; run == "" {
			return p
		}
	}
}

// TestManySamplesToOneRelease reports so much of one release that its workflow has to go
// on as new runs, and looks for all of it.
func TestManySamplesToOneRelease(t *testing.T) {
	t.Parallel()
	samples, batch := 4000, 100
	if scaled() {
		samples, batch = 100_000, 500
	}
	onRig(t, 20*time.Millisecond, func(ctx context.Context, t *testing.T, r *races.Rig) {
		_, watched := placed(ctx, t, r)
		id := workflows.ReleaseWorkflowID(races.Organization, watched.ReleaseID)
		lengthen(ctx, t, r, id, 2990)
		sent := map[string]int64{}
		for n := 0; n < samples; n += batch {
			var some []telemetry.Sample
			for i := range batch {
				cohort := watched.Intent.Plan.Cohorts[i%2].Cohort
				some = append(some, races.Execution(watched, cohort, telemetry.Succeeded))
				sent[cohort]++
			}
			require.NoError(t, r.Report(ctx, some...))
		}
		p := awaitWindows(ctx, t, r, id, sent)
		for len(p.lengths) < 2 {
			require.NoError(t, ctx.Err(), "the release was to continue as new, after %v events and %d signals", p.lengths, p.signals)
			p = pastOf(ctx, t, r, id)
		}
		for _, length := range p.lengths {
			require.Less(t, length, maxEvents)
		}
		require.Zero(t, p.unheard, "signals that no task of their run took")
		requireJudged(ctx, t, r, watched, p.windows)
		require.Empty(t, entriesOf(ctx, t, r, watched, release.TypeWindowRefused))
		t.Logf("%d samples, %d signals, runs of %v events, %d tasks failed", samples, p.signals, p.lengths, p.failures)
	})
}

// awaitWindows waits until the release was told of windows with all samples.
func awaitWindows(ctx context.Context, t *testing.T, r *races.Rig, id string, sent map[string]int64) past {
	t.Helper()
	for {
		p := pastOf(ctx, t, r, id)
		all := true
		for cohort, n := range sent {
			// Their targets tell of themselves besides.
			seen := p.windows[cohort].Metrics[string(telemetry.KindExecution)].Samples
			require.LessOrEqual(t, seen, n)
			all = all && seen == n
		}
		if all {
			return p
		}
		select {
		case <-ctx.Done():
			require.FailNow(t, "not every sample is in a window")
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// requireJudged waits until the last windows were decided on.
func requireJudged(ctx context.Context, t *testing.T, r *races.Rig, of release.Record, last map[string]telemetry.Window) {
	t.Helper()
	require.Eventually(t, func() bool {
		judged := map[records.Digest]bool{}
		for _, e := range entriesOf(ctx, t, r, of, records.TypeGateFailed) {
			var d gates.Decision
			var looked gates.Window
			if json.Unmarshal(e.Body, &d) == nil && d.Gate == gates.GateHealth && json.Unmarshal(d.Inputs, &looked) == nil {
				judged[looked.Digest] = true
			}
		}
		for _, w := range last {
			if !judged[w.Digest] {
				return false
			}
		}
		return true
	}, 30*time.Second, 500*time.Millisecond, "the last windows were not decided on")
}

// entriesOf returns the newest entries of a type about a release.
func entriesOf(ctx context.Context, t *testing.T, r *races.Rig, of release.Record, typ string) []store.Stored {
	t.Helper()
	entries, err := r.Stack.Store().Entries(ctx, races.Organization, records.ReleaseSubject(of.ReleaseID),
		store.EntryQuery{Types: []string{typ}, Newest: true, Limit: 50})
	require.NoError(t, err)
	return entries
}
