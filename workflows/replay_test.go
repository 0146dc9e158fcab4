package workflows

import (
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// histories returns the recorded histories of builds that began under a version
// of the evaluator; make histories records those of the newest again, and those
// of older ones stay as they are.
func histories(t *testing.T, evaluator string) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/evaluator-" + evaluator + "/*.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 9, "a history of every outcome")
	return files
}

func replay(file string, build any) error {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(build, workflow.RegisterOptions{Name: BuildWorkflow})
	return replayer.ReplayWorkflowHistoryFromJSONFile(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), file)
}

// Builds that ran before must still run as they did.
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	for _, evaluator := range []string{"1", "2"} {
		for _, file := range histories(t, evaluator) {
			require.NoError(t, replay(file, Build), file)
		}
	}
}

// A build keeps the evaluator that it began with: replayed by this code, it still
// decides by that.
func TestABuildKeepsItsEvaluator(t *testing.T) {
	t.Parallel()
	for _, evaluator := range []string{"1", "2"} {
		decided := map[string]bool{}
		watched := func(ctx workflow.Context, in BuildInput) (BuildOutcome, error) {
			b := newBuild(in)
			outcome, err := b.live(ctx)
			for _, passed := range b.passed {
				for _, d := range passed.Decisions {
					decided[d.EvaluatorVersion] = true
				}
			}
			return outcome, err
		}
		require.NoError(t, replay("testdata/evaluator-"+evaluator+"/passed-inline.json", watched))
		require.Equal(t, map[string]bool{evaluator: true}, decided)
	}
	require.Equal(t, gates.EvaluatorVersion, strconv.Itoa(int(gatesNow)), "builds that begin now decide by the newest")
}

// The planted fault: code that takes every build to the newest evaluator. A build
// that began under the first and marks a version now does not replay.
func TestABuildThatChangesItsEvaluatorDoesNotReplay(t *testing.T) {
	t.Parallel()
	raised := func(ctx workflow.Context, in BuildInput) (BuildOutcome, error) {
		b := newBuild(in)
		if err := b.handle(ctx); err != nil {
			return BuildOutcome{}, err
		}
		var version int
		marked := workflow.SideEffect(ctx, func(workflow.Context) any { return int(gatesNow) })
		if err := marked.Get(&version); err != nil {
			return BuildOutcome{}, err
		}
		b.evaluator = strconv.Itoa(version)
		return b.finish(ctx, b.run(ctx))
	}
	require.Error(t, replay("testdata/evaluator-1/passed-inline.json", raised))
}

// The planted fault: a spine in another order. Every history that came to the
// stages that changed places must fail to replay.
func TestAnotherOrderOfTheSpineDoesNotReplay(t *testing.T) {
	t.Parallel()
	swapped := func(first, second records.Stage) any {
		return func(ctx workflow.Context, in BuildInput) (BuildOutcome, error) {
			b := newBuild(in)
			i, j := records.BuildIndex(first), records.BuildIndex(second)
			b.spine = slices.Clone(b.spine)
			b.spine[i], b.spine[j] = b.spine[j], b.spine[i]
			return b.live(ctx)
		}
	}
	for _, name := range []string{"passed-remote", "passed-inline", "blocked", "blocked-inline", "retried"} {
		file := filepath.Join("testdata", "evaluator-2", name+".json")
		require.Error(t, replay(file, swapped(records.Ingest, records.Extract)), name)
		require.Error(t, replay(file, swapped(records.Resolve, records.Validate)), name)
	}
	require.Error(t, replay("testdata/evaluator-2/passed-remote.json", swapped(records.Validate, records.Compile)))
	require.Error(t, replay("testdata/evaluator-2/passed-inline.json", swapped(records.Validate, records.Compile)))
}
