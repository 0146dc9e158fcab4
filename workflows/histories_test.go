package workflows_test

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
	"github.com/initkoa/orgo/workflows"
)

const (
	tick    = 5 * time.Second
	horizon = 2 * time.Minute // of a history, in the time of its world
)

// tick is what happens in the world every few seconds.
func (w *world) tick() {
	since := w.now().Sub(worldStart)
	if w.phase == string(rollout.PhaseClosedGood) && w.channel.Turn == nil {
		w.after++
	}
	if since >= cmp.Or(w.length, horizon) || w.after > 2 {
		w.ended = true
		w.env.CancelWorkflow()
		return
	}
	w.later(tick, (*world).tick)
	w.report(since)
	if !w.calm {
		w.operators()
	}
	if w.every != nil {
		w.every()
	}
	if w.chance("long history", 15) {
		w.env.SetContinueAsNewSuggested(true)
	}
}

// report has the nodes report, and the relay tell.
func (w *world) report(since time.Duration) {
	var windows []telemetry.Window
	for _, stage := range w.outline().Stages {
		if stage.ActivatedAt == nil {
			continue
		}
		for _, cohort := range stage.Cohorts {
			for i := range 2 {
				status := telemetry.Succeeded
				if w.bad > 0 && since > w.bad {
					status = telemetry.Failed
				}
				at := w.now().Add(time.Duration(i-2) * time.Millisecond)
				if at.Before(*stage.ActivatedAt) {
					continue
				}
				w.samples = append(w.samples, telemetry.Stored{Position: int64(len(w.samples) + 1), Sample: telemetry.Sample{
					ReleaseID: releaseID, Cohort: cohort, NodeID: "node-" + cohort, Kind: telemetry.KindExecution, At: at, Outcome: &telemetry.Outcome{Status: status},
				}})
			}
			if made, err := w.reduce(cohort, int64(len(w.samples))); err == nil {
				windows = append(windows, made)
			}
		}
	}
	if len(windows) > 0 {
		w.signal(windows)
	}
}

// signal sends windows as the relay does, or as somebody who is not the relay.
func (w *world) signal(windows []telemetry.Window) {
	f := w.goesWrong("signal")
	last := len(windows) - 1
	older := w.sent[windows[last].Cohort]
	switch f {
	case lost:
		return
	case late:
		w.later(time.Duration(5+w.pick("late", 60))*time.Second, func(w *world) { w.send(windows) })
		return
	case empty:
		w.send([]telemetry.Window{{}})
	case notANumber:
		w.send([]map[string]any{{"cohort": "a", "counted": "NaN"}})
	case malformed:
		w.send("these are no windows")
	case stale:
		windows[last] = older
	case duplicate:
		w.send(windows)
	case reordered:
		w.send(windows)
		windows = []telemetry.Window{older}
	case forged, contradictory, wrong:
		windows[last] = w.forge(windows[last], f)
	}
	newest := windows[len(windows)-1]
	w.sent[newest.Cohort] = newest
	w.send(windows)
}

func (w *world) send(value any) { w.env.SignalWorkflow(workflows.SignalWindows, value) }

// forge makes a window that says that all is well, and has the digest of what it says.
func (w *world) forge(window telemetry.Window, f fault) telemetry.Window {
	metric := window.Metrics[string(telemetry.KindExecution)]
	metric.Failures = 0
	window.Metrics = map[string]telemetry.Metric{string(telemetry.KindExecution): metric}
	switch f {
	case contradictory: // the same sequence, more samples
		metric.Samples++
		window.Counted++
		window.Sequence++
	case wrong: // of a later time
		window.Sequence += int64(w.pick("forge", 3)) * 1000
		window.To = window.To.Add(time.Duration(w.pick("forge", 20)) * time.Second)
	default:
		window.Sequence += int64(w.pick("forge", 2))
	}
	window.Digest = records.Digest{}
	window.Digest, _ = records.CanonicalDigest(window)
	return window
}

// operators vote, and now and then do something else.
func (w *world) operators() {
	if w.outline().IntentDigest != nil && w.phase == string(rollout.PhaseAwaitingApproval) {
		w.vote()
	}
	if w.phase == string(rollout.PhaseObserving) && w.chance("promote", 200) {
		w.onRelease("olga", release.ActionPromote, release.Promote{Stage: w.outline().Stage})
	}
	w.drastic()
	for range w.pick("at once", w.restless) + 1 {
		w.operator()
	}
}

// drastic is what ends a release, or gives its turn to another. It is as rare where
// operators are restless: or none of those would come far.
func (w *world) drastic() {
	switch w.pick("drastic", 250) {
	case 0:
		w.onRelease("olga", release.ActionAbort, struct{}{})
	case 1:
		w.onChannel("otto", release.ActionRollback, release.Rollback{})
	case 2:
		w.onChannel("otto", release.ActionRevoke, release.Packs{Packs: []records.Digest{fact.digest}})
	case 3, 4:
		w.supersede()
	}
}

// operator holds and lifts, now and then, or asks for what nobody may.
func (w *world) operator() {
	switch n := w.pick("operator", 400/w.restless); n {
	case 0, 1, 2, 3:
		w.onRelease("olga", release.ActionHold, struct{}{})
	case 4, 5, 6, 7, 8, 9, 10, 11:
		w.onRelease("olga", release.ActionLift, struct{}{})
	case 12, 13, 14:
		w.onChannel("otto", release.ActionHold, struct{}{})
	case 15, 16, 17, 18, 19, 20, 21, 22:
		w.onChannel("otto", release.ActionLift, release.Lift{})
	case 23:
		w.onRelease("orgo", release.ActionApprove, release.Ballot{Intent: fact.digest})
	case 24:
		w.onRelease("olga", "release it now", map[string]any{"force": true})
	}
}

// onRelease has somebody ask for an action on the release.
func (w *world) onRelease(actor, action string, arguments any) {
	w.person(records.ReleaseSubject(releaseID), records.TypeActionRequested, actor, action, arguments)
}

// onChannel has somebody ask for an action on its channel.
func (w *world) onChannel(actor, action string, arguments any) {
	w.person(records.ChannelSubject(organization, main0), records.TypeActionRequested, actor, action, arguments)
}

// supersede has another release ask for the turn.
func (w *world) supersede() {
	w.person(records.ChannelSubject(organization, main0), records.TypeActionAsked, records.SystemActor, rollout.AskJoin, successor())
}

// successor is another release, which takes the turn.
func successor() rollout.JoinArguments {
	content := fact.pack
	content.BuildID, content.Version, content.Manifest.Digest = "build-2", "1.3.0", records.DigestOf([]byte("another"))
	digest, err := content.Digest()
	if err != nil {
		panic(err)
	}
	return rollout.JoinArguments{
		Join: rollout.Join{Supersede: true, Candidacy: rollout.Candidacy{
			Placement: rollout.Placement{ReleaseID: "r2", Pack: rollout.Pack{Digest: digest, Version: content.Version, BuildID: content.BuildID}},
			Stages:    [][]string{{"a", "b"}},
		}},
		Content: content, Plan: release.Plan{Cohorts: []release.Portion{{Cohort: "a", Points: 1000}, {Cohort: "b", Points: 9000}}},
	}
}

func (w *world) vote() {
	intent := *w.outline().IntentDigest
	if w.lie == ballotStuff {
		w.onRelease("vera", release.ActionApprove, release.Ballot{Intent: intent})
		return
	}
	switch w.goesWrong("vote") {
	case forged: // by who asked for it
		w.onRelease(requester, release.ActionApprove, release.Ballot{Intent: intent})
	case wrong: // on something else
		w.onRelease("adam", release.ActionApprove, release.Ballot{Intent: records.DigestOf([]byte("another intent"))})
	case late:
		w.later(time.Minute, func(w *world) { w.onRelease("adam", release.ActionApprove, release.Ballot{Intent: intent}) })
		w.votes["adam"] = intent
	default:
		if w.chance("vote", 500) {
			w.votes["adam"] = intent
			w.onRelease("adam", release.ActionApprove, release.Ballot{Intent: intent})
		}
	}
}

// tally is what a number of histories came to.
type tally struct {
	mu                       sync.Mutex
	histories, moves, faults int
	failed                   int
	seen                     coverage
	breaches                 []string
	ends                     map[string]int
	errs                     map[string]int
}

// count returns how many histories have ended.
func (t *tally) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.histories
}

func (t *tally) add(w *world, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.histories++
	t.moves += w.moves
	t.seen.merge(w.seen)
	t.faults += w.seen.faults()
	t.ends[w.phase]++
	for _, b := range w.breaches {
		t.breaches = append(t.breaches, fmt.Sprintf("seed %s: %s", w.name, b))
	}
	if err != nil && !temporal.IsCanceledError(err) {
		t.failed++
		t.errs[err.Error()]++
	}
}

// rates are how often a call goes wrong, in a thousand, until a history branches: from
// worlds in which most get to their end to those in which few get far.
var rates = []int{10, 50, 100, 300}

// simulate lives through histories, on every processor: as many worlds as it takes.
func simulate(first uint64, histories int, plant lie) *tally {
	total := &tally{seen: newCoverage(), ends: map[string]int{}, errs: map[string]int{}}
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for seed := range seeds {
				w := newWorld(seed, rates[seed%uint64(len(rates))], plant)
				w.branches = 3
				w.unfold(begins, total.add)
			}
		})
	}
	for seed := first; total.count() < histories; seed++ {
		seeds <- seed
	}
	close(seeds)
	workers.Wait()
	return total
}

// enough is how many histories see everything.
const enough = 50_000

func TestNoHistoryGoesForwardWithoutPass(t *testing.T) {
	if testing.Short() {
		t.Skip("histories take their time: without -short they run")
	}
	t.Parallel()
	began := time.Now()
	total := simulate(0, gatestest.Cases(t, 300), honest)
	took := time.Since(began)
	t.Logf("%d histories of the release workflow in %s, %.0f a second: %d moves forward, %d faults; they ended %v%s",
		total.histories, took.Round(time.Millisecond), float64(total.histories)/took.Seconds(), total.moves, total.faults, total.ends, total.seen.table())
	require.Empty(t, total.breaches[:min(20, len(total.breaches))], "%d breaches", len(total.breaches))
	require.Empty(t, total.errs)
	if total.histories >= enough {
		require.Empty(t, total.seen.missed())
		require.Empty(t, total.seen.unreached())
	}
	require.Greater(t, total.moves, total.histories, "histories that do not move show nothing")
}

// TestACoverageSeesItsGaps takes what was seen out, and so does the coverage see it.
func TestACoverageSeesItsGaps(t *testing.T) {
	t.Parallel()
	whole := func() coverage {
		c := newCoverage()
		for phase, calls := range reached {
			c.entered[string(phase)]++
			for _, call := range calls {
				c.called(string(phase), call, 1000*certain*len(faultsOf[call]))
				for _, f := range faultsOf[call] {
					c.hit(string(phase), call, f)
				}
			}
		}
		return c
	}
	c := whole()
	require.Empty(t, c.missed())
	require.Empty(t, c.unreached())
	delete(c.entered, string(rollout.PhaseSoaking))
	require.Equal(t, []string{"phase SOAKING"}, c.unreached())
	for p, is := range whole().places {
		for f := range is.faults {
			if !isReached(p, f) {
				continue
			}
			c = whole()
			delete(c.at(p).faults, f)
			require.Len(t, c.missed(), 1, "%v %s", p, f)
		}
		c = whole()
		delete(c.places, p)
		require.Len(t, c.unreached(), 1, "%v", p)
	}

	// A place that no phase is about is held to what it could have seen.
	rare := place{workflows.ActivityInbox, string(rollout.PhaseAborted)}
	require.False(t, isNamed(rare))
	c = newCoverage()
	c.called(rare.phase, rare.call, 1000*certain*len(faultsOf[rare.call]))
	require.Len(t, c.missed(), len(faultsOf[rare.call]))
	c.idles(rare.phase, rare.call, reordered, c.at(rare).odds)
	require.Len(t, c.missed(), len(faultsOf[rare.call])-1)
	c = newCoverage()
	c.called(rare.phase, rare.call, 1000*certain)
	require.Empty(t, c.missed())
}

// TestNoCellIsLeftOut holds every fault of every dependency to be drawn, or to have one
// reason why not.
func TestNoCellIsLeftOut(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, slices.Concat(asked, pushed), slices.Collect(maps.Keys(faultsOf)))
	for call, drawn := range faultsOf {
		for _, f := range faultsSeen {
			var reasons []string
			for _, r := range never {
				if slices.Contains(r.calls, call) && slices.Contains(r.faults, f) {
					reasons = append(reasons, r.why)
				}
			}
			if slices.Contains(drawn, f) {
				require.Empty(t, reasons, "%s of %s is drawn", f, call)
			} else {
				require.Len(t, reasons, 1, "%s of %s is left out", f, call)
			}
		}
	}
}

// TestTheOracleSeesFaults plants what would go forward without PASS.
func TestTheOracleSeesFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("histories take their time: without -short they run")
	}
	t.Parallel()
	for _, plant := range []lie{echo, undecided, secondhand, ballotStuff} {
		t.Run(string(plant), func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, simulate(0, 40, plant).breaches)
		})
	}
}

// TestTheOracleSeesStepsThatLie puts faults into the workflow itself. It runs while no
// other history does.
func TestTheOracleSeesStepsThatLie(t *testing.T) {
	if testing.Short() {
		t.Skip("histories take their time: without -short they run")
	}
	for step, happens := range map[rollout.Step]rollout.ReleaseEventKind{
		rollout.DoCheck: rollout.Eligible, rollout.DoVerify: rollout.Verified, rollout.DoSeek: rollout.Agreed,
		rollout.DoObserve: rollout.JudgedGood, rollout.DoSoak: rollout.JudgedGood,
	} {
		takeOut := workflows.PlantStep(step, happens)
		total := simulate(0, 30, honest)
		takeOut()
		require.NotEmpty(t, total.breaches, step)
	}
	// Nor is the channel believed that then lets it through.
	takeOut := workflows.PlantStep(rollout.DoVerify, rollout.Verified)
	defer takeOut()
	total := simulate(0, 40, blind)
	require.True(t, slices.ContainsFunc(total.breaches, func(b string) bool { return strings.Contains(b, "the channel went forward: advance") }))
}
