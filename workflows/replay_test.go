package workflows

import (
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/records"
)

// histories returns the recorded histories; make histories records them again.
func histories(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
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
	for _, file := range histories(t) {
		require.NoError(t, replay(file, Build), file)
	}
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
		file := filepath.Join("testdata", name+".json")
		require.Error(t, replay(file, swapped(records.Ingest, records.Extract)), name)
		require.Error(t, replay(file, swapped(records.Resolve, records.Validate)), name)
	}
	require.Error(t, replay("testdata/passed-remote.json", swapped(records.Validate, records.Compile)))
	require.Error(t, replay("testdata/passed-inline.json", swapped(records.Validate, records.Compile)))
}
