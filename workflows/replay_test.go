package workflows

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
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

// entities are the workflows of releases, as they are registered. A test may replace one.
func entities() map[string]any {
	return map[string]any{ReleaseWorkflow: Release, ChannelWorkflow: Channel, RollbackWorkflow: Rollback}
}

// storiesOfReleases returns the recorded histories of a kind, by the name of the story.
func storiesOfReleases(t *testing.T, kind string, atLeast int) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/releases/*." + kind + ".json.gz")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), atLeast, "a history of every outcome")
	stories := map[string]string{}
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		stories[name] = file
	}
	return stories
}

// replayEntity replays a compressed history by the given workflows.
func replayEntity(file string, by map[string]any) (err error) {
	packed, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, packed.Close()) }()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	history, err := client.HistoryFromJSON(plain, client.HistoryJSONOptions{})
	if err != nil {
		return err
	}
	replayer := worker.NewWorkflowReplayer()
	for name, function := range by {
		replayer.RegisterWorkflowWithOptions(function, workflow.RegisterOptions{Name: name})
	}
	return replayer.ReplayWorkflowHistory(log.NewStructuredLogger(slog.New(slog.DiscardHandler)), history)
}

// Releases, channels and rollbacks that ran before must still run as they did.
func TestRecordedReleasesReplay(t *testing.T) {
	t.Parallel()
	for kind, atLeast := range map[string]int{"release": 18, "channel": 15, "rollback": 7} {
		for name, file := range storiesOfReleases(t, kind, atLeast) {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				require.NoError(t, replayEntity(file, entities()))
			})
		}
	}
}

// The planted fault: steps of a release that changed places. Every history that came to
// them must fail to replay.
func TestAnotherOrderOfStepsDoesNotReplay(t *testing.T) {
	stories := storiesOfReleases(t, "release", 18)
	swapped := func(first, second rollout.Step, names ...string) { // nothing runs beside it: doers are everybody's
		doers[first], doers[second] = doers[second], doers[first]
		defer func() { doers[first], doers[second] = doers[second], doers[first] }()
		for _, name := range names {
			require.Error(t, replayEntity(stories[name], entities()), "%s, %s for %s", name, first, second)
		}
	}
	placed := []string{"closed-good", "second-after-first", "rolled-back", "safe-mode", "superseded", "held-and-lifted", "promoted", "glass-broken", "revoked"}
	swapped(rollout.DoDistribute, rollout.DoVerify, placed...)
	swapped(rollout.DoVerify, rollout.DoAdvance, placed...)
	swapped(rollout.DoJoin, rollout.DoDistribute, placed...)
	swapped(rollout.DoCheck, rollout.DoSeek, append(placed, "rejected", "aborted-before", "ineligible")...)
	swapped(rollout.DoSoak, rollout.DoClose, "closed-good", "promoted", "continued-as-new-newest")
	swapped(rollout.DoContain, rollout.DoObserve, "rolled-back", "safe-mode", "aborted-while-watched")
}

// The planted fault: a channel that reads what was asked before it knows how it stands,
// and a rollback that asks before it has examined anything.
func TestAnotherOrderOfAnEntityDoesNotReplay(t *testing.T) {
	t.Parallel()
	changed := entities()
	changed[ChannelWorkflow] = func(ctx workflow.Context, in ChannelInput) error {
		c := &channel{in: in}
		c.entity = newEntity(ctx, in.Organization, records.ChannelSubject(in.Organization, in.Channel), records.Correlation{Channel: in.Channel.String()})
		if err := c.handleMessages(ctx); err != nil {
			return err
		}
		if _, err := c.inbox(ctx, 0); err != nil {
			return err
		}
		return errors.Join(c.begin(ctx), c.live(ctx))
	}
	changed[RollbackWorkflow] = func(ctx workflow.Context, in RollbackInput) (RollbackOutcome, error) {
		e := newEntity(ctx, in.Organization, records.ChannelSubject(in.Organization, in.Channel), records.Correlation{Channel: in.Channel.String()})
		asked, err := ask(ctx, e, in.Channel, rollout.AskRestore, in.ID, rollout.Restore{ID: in.ID})
		return RollbackOutcome{Asked: asked}, err
	}
	for kind, atLeast := range map[string]int{"channel": 15, "rollback": 7} {
		for name, file := range storiesOfReleases(t, kind, atLeast) {
			require.Error(t, replayEntity(file, changed), "%s %s", kind, name)
		}
	}
}

// Histories tell nothing of the machine on which they were recorded, but for the
// directory of the harness.
func TestRecordedReleasesTellNothingOfTheirMachine(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads all that is recorded: without -short it does")
	}
	t.Parallel()
	for _, kind := range []string{"release", "channel", "rollback"} {
		for name, file := range storiesOfReleases(t, kind, 1) {
			for _, text := range textsOf(t, file) {
				for _, path := range paths.FindAllString(text, -1) {
					require.Contains(t, path, "/orgo-harness-", "%s %s", kind, name)
				}
				require.NotRegexp(t, `[0-9]+@[^"]*@|"kind":"TASK_QUEUE_KIND_STICKY","name":"[^s]`, text, "%s %s", kind, name)
			}
		}
	}
}

// paths finds absolute paths and URLs of files.
var paths = regexp.MustCompile(`(file://)?/(tmp|home|root|var|Users|private)/[^"\\ ]*`)

// textsOf returns a history, and every payload in it.
func textsOf(t *testing.T, file string) []string {
	t.Helper()
	packed, err := os.ReadFile(file)
	require.NoError(t, err)
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	data, err := io.ReadAll(plain)
	require.NoError(t, err)
	texts := []string{string(data)}
	for _, found := range regexp.MustCompile(`"data":"([A-Za-z0-9+/=]+)"`).FindAllSubmatch(data, -1) {
		decoded, err := base64.StdEncoding.DecodeString(string(found[1]))
		require.NoError(t, err)
		texts = append(texts, string(decoded))
	}
	require.Greater(t, len(texts), 1)
	return texts
}
