//go:build linux

package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// TestABuildThatIsKilledInEveryStageEndsAsItWouldHave has every stage done by a
// program that waits in the middle of its work, and kills the stack there.
func TestABuildThatIsKilledInEveryStageEndsAsItWouldHave(t *testing.T) {
	t.Parallel()
	for _, execution := range []records.Execution{records.ExecuteRemote, records.ExecuteInline} {
		t.Run(string(execution), func(t *testing.T) {
			s, elsewhere := newStack(t), newStack(t)
			recorded := elsewhere.end(t, elsewhere.begin(t, demoRequest(t, elsewhere, demoCorpus), "recorded"), records.BuildPassed)
			players := map[records.Stage]player{}
			changes := []change{executed(execution)}
			for _, spec := range records.BuildSpine() {
				p := newPlayer(t, elsewhere, recorded, spec.Stage)
				players[spec.Stage] = p
				changes = append(changes, doneBy(spec.Stage, p.runner()), patient(spec.Stage))
				p.set(t, "go")
			}
			undisturbed := elsewhere.end(t, elsewhere.begin(t, demoRequest(t, elsewhere, demoCorpus, changes...), "undisturbed"), records.BuildPassed)
			for _, p := range players {
				require.Len(t, p.started(t), 1)
				p.unset(t, "go")
				p.unset(t, "started")
			}

			id := s.begin(t, demoRequest(t, s, demoCorpus, changes...), "killed")
			for _, spec := range records.BuildSpine() {
				p := players[spec.Stage]
				first := p.awaitStart(t, 1)
				s.restart(t)
				gone(t, "the program of "+string(spec.Stage), first)
				p.awaitStart(t, 2)
				p.set(t, "go")
			}
			killed := s.end(t, id, records.BuildPassed)
			require.Equal(t, outputs(undisturbed), outputs(killed))
			requireRecordedOnce(t, s, id)
			for stage, p := range players {
				require.Len(t, p.started(t), 2, stage)
			}
		})
	}
}

// patient gives a stage an attempt for the one that is killed.
func patient(stage records.Stage) change {
	return func(p *records.Pipeline) {
		settings := p.Stages[stage]
		settings.Retry.MaxAttempts = 3
		p.Stages[stage] = settings
	}
}

// requireRecordedOnce requires that of everything that a passed build of one
// generation does, one outcome is recorded and no more.
func requireRecordedOnce(t *testing.T, s *stack, id string) {
	t.Helper()
	count := map[string]int{}
	for _, entry := range s.entries(t, id) {
		switch entry.Type {
		case records.TypeStageFinished:
			count[fmt.Sprintf("%s/%s/%d", entry.Type, entry.Correlation.Stage, entry.Correlation.Generation)]++
		case records.TypeStageStarted, records.TypeGatePassed: // attempts; several gates
		default:
			count[entry.Type]++
		}
	}
	want := map[string]int{
		records.TypeBuildRequested: 1, records.TypeBuildPinned: 1, records.TypeRecordWritten: 1,
		records.TypeRecordAttested: 1, records.TypeBuildPassed: 1,
	}
	for _, spec := range records.BuildSpine() {
		want[fmt.Sprintf("%s/%s/%d", records.TypeStageFinished, spec.Stage, 1)] = 1
	}
	require.Equal(t, want, count, "build %s", id)
}

const (
	// crowd is how many builds run at once when the stack is killed.
	crowd = 16
	// maxKills bounds how often it is killed until it has been in every step.
	maxKills = 12
)

// TestManyBuildsThatAreKilledAtAnyMomentEndAsTheyWouldHave kills the stack while
// many builds run, until some build was killed in every step: in pinning and
// recording too, which nothing can hold up. Half of the builds run inline. Those
// record the output of their last stage together with the end, so that only the
// others can be seen between the two.
func TestManyBuildsThatAreKilledAtAnyMomentEndAsTheyWouldHave(t *testing.T) {
	t.Parallel()
	s, elsewhere := newStack(t), newStack(t)
	killedIn := map[records.Stage]int{}
	kills := 0
	for ; kills < maxKills && len(killedIn) < len(records.BuildSteps()); kills++ {
		corpus := numbered(t, kills)
		name := fmt.Sprintf("undisturbed/%d", kills)
		undisturbed := elsewhere.end(t, elsewhere.begin(t, demoRequest(t, elsewhere, corpus), name), records.BuildPassed)

		ids := make([]string, crowd)
		for i := range ids {
			execution := []records.Execution{records.ExecuteInline, records.ExecuteRemote}[i%2]
			ids[i] = s.begin(t, demoRequest(t, s, corpus, executed(execution)), fmt.Sprintf("%d/%d", kills, i))
		}
		// The more kills there were, the later comes the next.
		s.until(t, ids[crowd*kills/maxKills], "it has come far enough", func(view records.BuildView) bool {
			return view.Step(records.Compile).Status != records.StagePending
		})
		s.process.kill()
		for step, builds := range stepsOf(t, s, ids) {
			killedIn[step] += builds
		}
		s.start(t)
		for _, id := range ids {
			require.Equal(t, outputs(undisturbed), outputs(s.end(t, id, records.BuildPassed)))
			requireRecordedOnce(t, s, id)
		}
	}
	t.Logf("killed %d times, builds in %v", kills, killedIn)
	require.ElementsMatch(t, records.BuildSteps(), slices.Collect(maps.Keys(killedIn)), "not killed in every step")
}

// numbered returns a corpus like the demo's that no other test has.
func numbered(t *testing.T, n int) string {
	t.Helper()
	dir := copyCorpus(t)
	text := fmt.Sprintf("name,number\nMoon,%d\n", n)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "numbers.csv"), []byte(text), 0o600))
	return dir
}

// stepsOf reads from the store of a stack that does not run how many builds are in
// which step. Those that have ended are in none.
func stepsOf(t *testing.T, s *stack, ids []string) map[records.Stage]int {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(s.dir, "orgo.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	steps := map[records.Stage]int{}
	for _, id := range ids {
		view, err := db.Build(t.Context(), records.DefaultOrganization, id)
		require.NoError(t, err)
		if !view.State.Terminal() {
			steps[step(view)]++
		}
	}
	return steps
}

// step returns the step in which a build is: the first that has not passed its
// gates, or if that has its output, the next.
func step(view records.BuildView) records.Stage {
	for i, s := range view.Steps {
		switch s.Status {
		case records.StagePass:
		case records.StageGating:
			return view.Steps[i+1].Stage
		default:
			return s.Stage
		}
	}
	return records.StepRecord
}
