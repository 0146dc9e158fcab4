package rollout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// Each test is a promise over a machine, which the real one keeps and a faulty one
// does not.

// releaser is a machine of releases: the real one, or one with a fault.
type releaser func(rollout.Release, rollout.ReleaseEvent) (rollout.Release, []rollout.Step, *rollout.Refusal)

func realRelease(r rollout.Release, in rollout.ReleaseEvent) (rollout.Release, []rollout.Step, *rollout.Refusal) {
	return r.Reduce(in)
}

// walk goes through all states of a release of two stages that a machine reaches.
func walk(reduce releaser, on func(path []rollout.ReleaseEvent, next rollout.Release, do []rollout.Step) error) error {
	type place struct {
		release rollout.Release
		path    []rollout.ReleaseEvent
	}
	start := rollout.NewRelease("r", 2)
	seen := map[string]bool{}
	for queue := []place{{release: start}}; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		for _, happening := range happenings {
			for _, stage := range []int{0, 1} {
				in := rollout.ReleaseEvent{Kind: happening, Stage: stage, Actor: "ann", Owner: "ann", Reason: "r", Code: gates.MetricOutOfBounds}
				next, do, refused := reduce(from.release, in)
				if refused != nil {
					continue
				}
				path := append(slices.Clone(from.path), in)
				if err := on(path, next, do); err != nil {
					return fmt.Errorf("%v: %w", kinds(path), err)
				}
				if key := fmt.Sprintf("%+v", next); !seen[key] {
					seen[key] = true
					queue = append(queue, place{next, path})
				}
			}
		}
	}
	return nil
}

func kinds(path []rollout.ReleaseEvent) []rollout.ReleaseEventKind {
	var all []rollout.ReleaseEventKind
	for _, in := range path {
		all = append(all, in.Kind)
	}
	return all
}

// analysed: whatever closes well was judged good once for each stage and once as a
// whole, and verified before each.
func analysed(path []rollout.ReleaseEvent, next rollout.Release, _ []rollout.Step) error {
	count := map[rollout.ReleaseEventKind]int{}
	for _, in := range path {
		count[in.Kind]++
	}
	switch {
	case next.Phase == rollout.PhaseClosedGood && count[rollout.JudgedGood] < next.Stages+1:
		return errors.New("it closed well without every analysis")
	case next.Phase == rollout.PhaseActivating && count[rollout.Verified] < next.Stage+1:
		return errors.New("it is activated without a verification of this stage")
	}
	return nil
}

// abandoned: whoever asks that a release which placed something ends has it taken back.
func abandoned(reduce releaser) error {
	return walk(reduce, func(path []rollout.ReleaseEvent, next rollout.Release, _ []rollout.Step) error {
		if !next.Placed() || next.Ended() {
			return nil
		}
		for _, kind := range containment {
			after, do, refused := reduce(next, rollout.ReleaseEvent{Kind: kind, Actor: "ann", Reason: "r", Code: gates.AbortRequested})
			goes := after.Phase == rollout.PhaseRollingBack && (next.Phase == rollout.PhaseRollingBack || slices.Contains(do, rollout.DoContain))
			if next.Phase == rollout.PhaseClosedGood && (kind == rollout.AskedAbort || kind == rollout.WasSuperseded) {
				continue // it has ended well: only a rollback or a revocation takes it back
			}
			if refused != nil || !goes {
				return fmt.Errorf("after %s it is %s and does %v", kind, after.Phase, do)
			}
		}
		return nil
	})
}

// First releases are gated like any other: nothing is promoted past an analysis, and
// what is abandoned is not desired any more.
func TestFailOpen06NothingSkipsAnalysis(t *testing.T) {
	t.Parallel()
	require.NoError(t, walk(realRelease, analysed))
	require.NoError(t, abandoned(realRelease))
	require.NoError(t, badIsGone(genuine))
	require.NoError(t, gatesOfEveryStage(genuine))

	skips := func(r rollout.Release, in rollout.ReleaseEvent) (rollout.Release, []rollout.Step, *rollout.Refusal) {
		if in.Kind == rollout.StageActive && r.Phase == rollout.PhaseActivating && r.Stage+1 == r.Stages {
			r.Phase = rollout.PhaseClosedGood // promote-full
			return r, []rollout.Step{rollout.DoClose}, nil
		}
		return r.Reduce(in)
	}
	require.ErrorContains(t, walk(skips, analysed), "without every analysis")
	leaves := func(r rollout.Release, in rollout.ReleaseEvent) (rollout.Release, []rollout.Step, *rollout.Refusal) {
		if in.Kind == rollout.AskedAbort && r.Phase == rollout.PhaseObserving {
			r.Phase = rollout.PhaseAborted
			return r, nil, nil
		}
		return r.Reduce(in)
	}
	require.ErrorContains(t, abandoned(leaves), "after abort it is ABORTED")
	keeps := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		next, effects, refused := c.Reduce(e)
		if _, is := e.Action.(rollout.Restore); is && refused == nil {
			next.Slots = slices.Clone(c.Slots)
		}
		return next, effects, refused
	}
	require.ErrorContains(t, badIsGone(keeps), "is desired")
	first := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		if a, is := e.Action.(rollout.Advance); is && len(c.Good) == 0 { // the first deployment
			a.Warrant = warrant(0, a.Warrant.Stage)
			e.Action = a
		}
		return c.Reduce(e)
	}
	require.ErrorContains(t, gatesOfEveryStage(first), "moved by")
}

// run has a machine take actions, each by orgo.
func run(reduce reducer, c rollout.Channel, actions ...func(rollout.Channel) rollout.Action) (rollout.Channel, []rollout.Effect, error) {
	var effects []rollout.Effect
	for i, action := range actions {
		next, now, refused := reduce(c, by("ann", action(c)))
		if refused != nil {
			return c, nil, fmt.Errorf("action %d: %w", i, refused)
		}
		c, effects = next, now
	}
	return c, effects, nil
}

func always(a rollout.Action) func(rollout.Channel) rollout.Action {
	return func(rollout.Channel) rollout.Action { return a }
}

func readsDesired(c rollout.Channel) rollout.Action { return read(c, c.Sequence, true) }

// entered is a channel on which the i-th release has entered so many stages.
func entered(reduce reducer, i, stages int) (rollout.Channel, error) {
	actions := []func(rollout.Channel) rollout.Action{always(rollout.Join{Candidacy: candidacy(i)})}
	for stage := range stages {
		actions = append(actions, always(rollout.Advance{Warrant: warrant(i, stage)}), readsDesired)
	}
	c, _, err := run(reduce, rollout.Channel{}, actions...)
	return c, err
}

// badIsGone: what is taken back is neither desired nor active, with a target and
// without.
func badIsGone(reduce reducer) error {
	for _, good := range [][]int{nil, {0}} {
		c, err := entered(reduce, 0, len(stages))
		if err != nil {
			return err
		}
		c, _, err = run(reduce, c, always(rollout.Close{Warrant: warrant(0, len(stages))}), always(rollout.Join{Candidacy: candidacy(1)}),
			always(rollout.Advance{Warrant: warrant(1, 0)}), readsDesired,
			always(rollout.Contain{ID: "abort", ReleaseID: "r1", Code: gates.AbortRequested, Class: gates.ClassGovernance}),
			always(rollout.Restore{ID: "abort", Facts: facts(good...)}), readsDesired)
		if err != nil {
			return err
		}
		for _, slot := range c.Slots {
			for _, p := range []*rollout.Placement{slot.Desired, slot.Active} {
				if p != nil && p.ReleaseID == "r1" {
					return fmt.Errorf("the bad pack is desired or active in cohort %s", slot.Cohort)
				}
			}
		}
	}
	return nil
}

// gatesOfEveryStage: every gate that is asked of a stage has to permit that very stage,
// also of a first release.
func gatesOfEveryStage(reduce reducer) error {
	for stage := range stages {
		c, err := entered(reduce, 0, stage)
		if err != nil {
			return err
		}
		if forged, moved := movedByForgery(reduce, c, warrant(0, stage)); moved {
			return fmt.Errorf("stage %d is moved by %s", stage, forged)
		}
	}
	return nil
}

// A success does not hold for ever: what permitted one stage does not permit the next,
// an approval replaces no other gate, and a release that failed goes back from wherever
// it is.
func TestFailOpen07NoSuccessHolds(t *testing.T) {
	t.Parallel()
	require.NoError(t, decidedAnew(genuine))
	require.NoError(t, gatesOfEveryStage(genuine))

	remembers := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		if a, is := e.Action.(rollout.Advance); is { // once is enough
			a.Warrant.Permits = slices.Clone(a.Warrant.Permits)
			for i := range a.Warrant.Permits {
				a.Warrant.Permits[i].Stage = a.Warrant.Stage
			}
			e.Action = a
		}
		return c.Reduce(e)
	}
	require.ErrorContains(t, decidedAnew(remembers), "permits stage 1")
	suffices := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		a, is := e.Action.(rollout.Advance)
		if is && len(a.Warrant.Permits) == 1 && a.Warrant.Permits[0].Gate == gates.GateApprovals {
			a.Warrant = warrant(0, a.Warrant.Stage)
			e.Action = a
		}
		return c.Reduce(e)
	}
	require.ErrorContains(t, decidedAnew(suffices), "approval alone")
}

func decidedAnew(reduce reducer) error {
	c, err := entered(reduce, 0, 1)
	if err != nil {
		return err
	}
	before := warrant(0, 0)
	before.Stage = 1 // the decisions are still those on stage 0
	if _, _, refused := reduce(c, by("orgo", rollout.Advance{Warrant: before})); refused == nil {
		return errors.New("what was decided on stage 0 permits stage 1")
	}
	approved := warrant(0, 1)
	approved.Permits = slices.DeleteFunc(approved.Permits, func(p rollout.Permit) bool { return p.Gate != gates.GateApprovals })
	if _, _, refused := reduce(c, by("orgo", rollout.Advance{Warrant: approved})); refused == nil {
		return errors.New("an approval alone lets it go on")
	}
	return nil
}

// What holds back what is new never holds back what contains, and no failure is too old
// to count.
func TestFailOpen08NothingKeepsARollback(t *testing.T) {
	t.Parallel()
	require.NoError(t, contains(genuine))

	frozen := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		if _, is := e.Action.(rollout.Contain); is && len(c.Freezes) > 0 {
			return c, nil, &rollout.Refusal{Code: gates.ChannelFrozen}
		}
		return c.Reduce(e)
	}
	require.ErrorContains(t, contains(frozen), string(gates.ChannelFrozen))
	old := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		if _, is := e.Action.(rollout.Contain); is && e.At.After(at.Add(20*time.Minute)) {
			return c, nil, &rollout.Refusal{Code: gates.InvalidTransition}
		}
		return c.Reduce(e)
	}
	require.ErrorContains(t, contains(old), string(gates.InvalidTransition))
}

func contains(reduce reducer) error {
	for name, blocks := range map[string][]rollout.Action{
		"nothing, days later": nil,
		"freeze":              {rollout.PlaceFreeze{Until: at.Add(1000 * time.Hour)}},
		"hold":                {rollout.PlaceHold{}},
		"pin":                 {rollout.PlacePin{Pack: packs[0].Digest, For: rollout.PinActive, ExpiresAt: at.Add(1000 * time.Hour)}},
		"pin of another":      {rollout.PlacePin{Pack: packs[2].Digest, For: rollout.PinActive, ExpiresAt: at.Add(1000 * time.Hour)}},
		"all":                 {rollout.PlaceFreeze{Until: at.Add(1000 * time.Hour)}, rollout.PlaceHold{}, rollout.RaiseMinimum{ID: "m", Version: "0.1.0"}},
	} {
		c, err := entered(reduce, 0, 1)
		if err != nil {
			return err
		}
		for _, action := range blocks {
			if c, _, err = run(reduce, c, always(action)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		for _, action := range []func(rollout.Channel) rollout.Action{
			always(rollout.Contain{ID: "back", ReleaseID: "r0", Code: gates.MetricOutOfBounds, Class: gates.ClassRuntime}),
			always(rollout.Restore{ID: "back"}), readsDesired,
		} {
			next, _, refused := reduce(c, rollout.ChannelEvent{At: at.Add(100 * time.Hour), Actor: "orgo", Action: action(c)})
			if refused != nil {
				return fmt.Errorf("%s: %w", name, refused)
			}
			c = next
		}
		if c.Containment != nil || anyActive(c) {
			return fmt.Errorf("%s: it is still there", name)
		}
	}
	return nil
}

// Every phase in which something of a release is active counts its failures.
func TestFailOpen09FailuresCountInEveryPhase(t *testing.T) {
	t.Parallel()
	require.NoError(t, walk(realRelease, failsFrom(realRelease)))
	soaks := func(r rollout.Release, in rollout.ReleaseEvent) (rollout.Release, []rollout.Step, *rollout.Refusal) {
		if in.Kind == rollout.JudgedBad && r.Phase == rollout.PhaseSoaking {
			return r, nil, nil
		}
		return r.Reduce(in)
	}
	require.ErrorContains(t, walk(soaks, failsFrom(soaks)), "SOAKING")
}

func failsFrom(reduce releaser) func([]rollout.ReleaseEvent, rollout.Release, []rollout.Step) error {
	watched := map[rollout.Phase][]rollout.ReleaseEventKind{
		rollout.PhaseActivating: {rollout.StageInactive}, rollout.PhaseObserving: {rollout.JudgedBad}, rollout.PhaseSoaking: {rollout.JudgedBad},
		rollout.PhaseDistributing: {rollout.NotDistributed}, rollout.PhaseVerifying: {rollout.NotVerified},
	}
	return func(_ []rollout.ReleaseEvent, next rollout.Release, _ []rollout.Step) error {
		for _, kind := range watched[next.Phase] {
			after, do, refused := reduce(next, rollout.ReleaseEvent{Kind: kind, Stage: next.Stage, Code: gates.MetricOutOfBounds})
			goesBack := after.Phase == rollout.PhaseRollingBack && slices.Contains(do, rollout.DoContain)
			ends := !next.Placed() && after.Phase == rollout.PhaseFailed
			if refused != nil || !goesBack && !ends {
				return fmt.Errorf("in %s of stage %d, held %v: after %s it is %s", next.Phase, next.Stage, next.Holds, kind, after.Phase)
			}
		}
		return nil
	}
}

// An activation counts only from what is read back after the switch, and silence is
// over at the deadline.
func TestFailOpen13OnlyWhatIsReadBackIsActive(t *testing.T) {
	t.Parallel()
	require.NoError(t, readBack(genuine))
	require.NoError(t, silenceEnds(rollout.Release.Reduce, gates.Judgement.Next))

	early := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		next, effects, refused := c.Reduce(e)
		if _, is := e.Action.(rollout.Advance); is && refused == nil { // the node says so, before it starts again
			next.Confirmed = next.Sequence
			effects = append(effects, rollout.Effect{Kind: rollout.Activated, ReleaseID: next.Turn.ReleaseID, Stage: next.Turn.Stage})
		}
		return next, effects, refused
	}
	require.ErrorContains(t, readBack(early), "before anything was read")
	trusts := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		if _, is := e.Action.(rollout.Confirm); is {
			e.Action = read(c, c.Sequence, true)
		}
		return c.Reduce(e)
	}
	require.ErrorContains(t, readBack(trusts), "is told active")
	waits := func(j gates.Judgement, d gates.Decision) (gates.Judgement, gates.Step) { return j, gates.Hold }
	require.ErrorContains(t, silenceEnds(rollout.Release.Reduce, waits), "silence")
}

func tells(effects []rollout.Effect, kind rollout.EffectKind) bool {
	return slices.ContainsFunc(effects, func(e rollout.Effect) bool { return e.Kind == kind })
}

func readBack(reduce reducer) error {
	c, effects, err := run(reduce, rollout.Channel{}, always(rollout.Join{Candidacy: candidacy(0)}), always(rollout.Advance{Warrant: warrant(0, 0)}))
	switch {
	case err != nil:
		return err
	case tells(effects, rollout.Activated) || c.Confirmed == c.Sequence:
		return errors.New("it is told active before anything was read back")
	}
	fell := digest("the old slot")
	for name, was := range map[string]rollout.Confirm{
		"nothing":            {Sequence: c.Sequence},
		"nothing active":     {Sequence: c.Sequence, Observed: []rollout.Observed{{Cohort: "a"}}},
		"the old slot":       {Sequence: c.Sequence, Observed: []rollout.Observed{{Cohort: "a", Pack: &fell}}},
		"another cohort":     {Sequence: c.Sequence, Observed: []rollout.Observed{{Cohort: "b", Pack: &packs[0].Digest}}},
		"two of one cohort":  {Sequence: c.Sequence, Observed: []rollout.Observed{{Cohort: "a", Pack: &packs[0].Digest}, {Cohort: "a", Pack: &fell}}},
		"of an index before": {Sequence: c.Sequence - 1, Observed: []rollout.Observed{{Cohort: "a", Pack: &packs[0].Digest}}},
	} {
		next, effects, _ := reduce(c, by("orgo", was))
		if tells(effects, rollout.Activated) || next.Confirmed == next.Sequence {
			return fmt.Errorf("read back as %s, it is told active", name)
		}
		if _, _, refused := reduce(next, by("orgo", rollout.Advance{Warrant: warrant(0, 1)})); refused == nil {
			return fmt.Errorf("read back as %s, the next stage begins", name)
		}
	}
	return nil
}

// silenceEnds: of a stage of which nothing was heard until its deadline, the release
// goes back.
func silenceEnds(
	reduce func(rollout.Release, rollout.ReleaseEvent) (rollout.Release, []rollout.Step, *rollout.Refusal),
	judge func(gates.Judgement, gates.Decision) (gates.Judgement, gates.Step),
) error {
	subject := gates.Subject{ReleaseID: "r", Cohort: "a", Stage: records.Activate, Generation: 1}
	j := gates.Judgement{Subject: subject, Deadline: at.Add(time.Hour), OnDeadline: gates.DeadlineRollBack}
	for _, verdict := range []gates.Verdict{gates.NoData, gates.Stale, gates.Insufficient, gates.Pending, gates.Error} {
		d := gates.Decision{Gate: gates.GateHealth, Subject: subject, Verdict: verdict, EvaluatedAt: at}
		if _, step := judge(j, d); step != gates.Hold {
			return fmt.Errorf("%s before the deadline: %s", verdict, step)
		}
		d.EvaluatedAt = j.Deadline
		if _, step := judge(j, d); step != gates.RollBack {
			return fmt.Errorf("silence (%s) at the deadline: %s", verdict, step)
		}
	}
	r := rollout.Release{ID: "r", Phase: rollout.PhaseObserving, Stages: 2}
	if next, _, refused := reduce(r, rollout.ReleaseEvent{Kind: rollout.JudgedBad, Code: gates.SilenceBudgetExceeded}); refused != nil || next.Phase != rollout.PhaseRollingBack {
		return fmt.Errorf("a silent release is %s", next.Phase)
	}
	return nil
}

// One of many does not suffice, nobody approves what is his own, and whoever may do
// everything else may not either.
func TestFailOpen15QuorumWithoutOneself(t *testing.T) {
	t.Parallel()
	require.NoError(t, quorate(gates.Approvals))
	require.NoError(t, approvalsAsked(genuine))

	one := func(c gates.Context, v gates.Votes) gates.Decision { // one of six reviewers
		d := gates.Approvals(c, v)
		if len(v.Votes) > 0 && d.Verdict == gates.Pending {
			d.Verdict = gates.Pass
		}
		return d
	}
	require.Error(t, quorate(one))
	self := func(c gates.Context, v gates.Votes) gates.Decision {
		v.Requester = "somebody else"
		return gates.Approvals(c, v)
	}
	require.ErrorContains(t, quorate(self), "the requester")
	admins := func(c gates.Context, v gates.Votes) gates.Decision {
		if slices.ContainsFunc(v.Votes, func(vote gates.Vote) bool { return slices.Contains(vote.Roles, "admin") }) {
			v.Votes = append(slices.Clone(v.Votes), gates.Vote{Actor: "root", Roles: []string{"security"}, Intent: v.Intent, Approve: true, At: at.Add(-time.Second), ExpiresAt: at.Add(time.Hour)})
			n := len(v.Votes)
			v.Recorded = &n
		}
		return gates.Approvals(c, v)
	}
	require.ErrorContains(t, quorate(admins), "an admin")
	trusting := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		if a, is := e.Action.(rollout.Advance); is && a.Warrant.Stage == 0 {
			a.Warrant = warrant(0, 0)
			e.Action = a
		}
		return c.Reduce(e)
	}
	require.Error(t, approvalsAsked(trusting))
}

func quorate(decide func(gates.Context, gates.Votes) gates.Decision) error {
	policy, err := gates.ParsePolicy(digest("policy"), []byte(`{"bundle_id":"b","policies":[{"policy_id":"p","version":"1.0.0","enforcement":"MUST",
"rules":[{"rule_id":"people","type":"approvals","config":{"quorum":2,"roles":{"security":1},"max_age":"24h"}}]}]}`))
	if err != nil {
		return err
	}
	rules, err := policy.Compile()
	if err != nil {
		return err
	}
	c := gates.Context{
		Subject: gates.Subject{BuildID: "b", Stage: records.Activate, Generation: 1, ReleaseID: "r", Channel: "production/stable", Pack: "p"},
		Rules:   rules, At: at, Actor: records.SystemActor, Evaluator: gates.EvaluatorVersion,
	}
	vote := func(actor string, roles ...string) gates.Vote {
		return gates.Vote{Actor: actor, Roles: roles, Intent: digest("intent"), Approve: true, At: at.Add(-time.Minute), ExpiresAt: at.Add(time.Hour)}
	}
	later := vote("dan", "security")
	later.At = later.At.Add(time.Second)
	for name, given := range map[string]struct {
		votes   []gates.Vote
		permits bool
	}{
		"two persons, one of the role":              {[]gates.Vote{vote("cem"), vote("dan", "security")}, true},
		"nobody":                                    {[]gates.Vote{}, false},
		"one of the role":                           {[]gates.Vote{vote("dan", "security")}, false},
		"one person twice":                          {[]gates.Vote{vote("dan", "security"), later}, false},
		"two without the role":                      {[]gates.Vote{vote("cem"), vote("eve")}, false},
		"an admin alone":                            {[]gates.Vote{vote("adm", "admin", "owner")}, false},
		"an admin and another":                      {[]gates.Vote{vote("adm", "admin"), vote("cem")}, false},
		"the requester, of the role, and another":   {[]gates.Vote{vote("ann", "security"), vote("cem")}, false},
		"the requester as an admin":                 {[]gates.Vote{vote("ann", "admin", "security"), vote("cem")}, false},
		"the build's initiator and another":         {[]gates.Vote{vote("ben", "security"), vote("cem")}, false},
		"the author of the policy and another":      {[]gates.Vote{vote("pol", "security"), vote("cem")}, false},
		"enough of them, and one rejection besides": {[]gates.Vote{vote("cem"), vote("dan", "security"), {Actor: "eve", Intent: digest("intent"), At: at.Add(-time.Minute), ExpiresAt: at.Add(time.Hour)}}, false},
	} {
		n := len(given.votes)
		d := decide(c, gates.Votes{
			Intent: digest("intent"), Requester: "ann", Initiator: "ben", PolicyAuthor: "pol", PolicyChanged: true, Recorded: &n, Votes: given.votes,
		})
		if d.Permits() != given.permits {
			return fmt.Errorf("%s: %s", name, d.Verdict)
		}
	}
	return nil
}

// approvalsAsked: a channel takes nothing into a first stage that was not approved.
func approvalsAsked(reduce reducer) error {
	c, err := entered(reduce, 0, 0)
	if err != nil {
		return err
	}
	for _, verdict := range []gates.Verdict{gates.Pending, gates.Fail, gates.NoData, gates.Error, ""} {
		w := warrant(0, 0)
		for i := range w.Permits {
			if w.Permits[i].Gate == gates.GateApprovals {
				w.Permits[i].Verdict = verdict
			}
		}
		if _, _, refused := reduce(c, by("orgo", rollout.Advance{Warrant: w})); refused == nil {
			return fmt.Errorf("it is released with approvals %q", verdict)
		}
	}
	return nil
}

// The sequence rises while the content goes back, and the index itself has the
// authorization of that very step: a device needs no counter that forbids it.
func TestFailOpen16BackWithARisingSequence(t *testing.T) {
	t.Parallel()
	before, after := wentBack(t)
	require.Greater(t, after.Sequence, before.Sequence)
	require.NoError(t, honest(before, after))

	for says, forge := range map[string]func(*index.Index){
		"without authorization":           func(i *index.Index) { i.Downgrades = nil },
		"by that of an earlier sequence":  func(i *index.Index) { i.Downgrades[0].Sequence-- },
		"by that of another cohort":       func(i *index.Index) { i.Downgrades[0].Cohort = "c" },
		"by that from another pack":       func(i *index.Index) { i.Downgrades[0].From = digest("other") },
		"by that to another pack":         func(i *index.Index) { i.Downgrades[0].To = digest("other") },
		"by that of another release":      func(i *index.Index) { i.Downgrades[0].Release = "r9" },
		"by nobody":                       func(i *index.Index) { i.Downgrades[0].Actor = "" },
		"on no decision":                  func(i *index.Index) { i.Downgrades[0].Decision = records.Digest{} },
		"with a sequence that goes back":  func(i *index.Index) { i.Sequence = before.Sequence - 1 },
		"with a sequence that stays":      func(i *index.Index) { i.Sequence = before.Sequence },
		"with one authorization too many": func(i *index.Index) { i.Downgrades = append(i.Downgrades, i.Downgrades[0]) },
		"with what one day may be of use": func(i *index.Index) { d := i.Downgrades[0]; d.Cohort = "b"; i.Downgrades = append(i.Downgrades, d) },
	} {
		forged := after
		forged.Downgrades = slices.Clone(after.Downgrades)
		forge(&forged)
		require.Error(t, honest(before, forged), "back %s", says)
	}
}

// honest is what whoever follows the index looks at.
func honest(before, after index.Index) error {
	if err := index.Follows(before, after); err != nil {
		return err
	}
	for _, was := range before.Cohorts {
		is, there := after.Cohort(was.Name)
		if !there {
			return fmt.Errorf("cohort %s is gone", was.Name)
		}
		if err := unauthorized(was, is, after); err != nil {
			return err
		}
	}
	return nil
}

// wentBack returns the index of a bad release, and that which took it back.
func wentBack(t *testing.T) (before, after index.Index) {
	t.Helper()
	r := rollout.NewRecord(records.DefaultOrganization, records.ChannelName{Environment: "staging", Name: "stable"})
	sequence := int64(0)
	var target site
	take := func(action, typ, actor string, arguments any) {
		sequence++
		var taken rollout.Taken
		r, taken = r.Take(message(sequence, action, typ, actor, arguments))
		require.True(t, taken.Outcome.Accepted(), "%s: %s", action, taken.Outcome.Message)
		if r.Sequence != r.Confirmed {
			r, _, _ = r.Read(at, target.push(r, false, true))
		}
	}
	onwards := func() { take(onward(r)) }
	take(rollout.AskJoin, records.TypeActionAsked, records.SystemActor, joining(0, false))
	for range len(stages) + 1 {
		onwards()
	}
	take(rollout.AskJoin, records.TypeActionAsked, records.SystemActor, joining(1, false))
	onwards()
	encoded, err := json.Marshal(r.Index)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &before))
	take(release.ActionRollback, records.TypeActionRequested, "ann", release.Rollback{ReleaseID: "r1"})
	take(rollout.AskRestore, records.TypeActionAsked, records.SystemActor, rollout.Restore{ID: fmt.Sprint(sequence), Facts: facts16()})
	after = *r.Index
	require.Len(t, after.Downgrades, 1)
	require.Equal(t, "ann", after.Downgrades[0].Actor, "who asked for it answers for it")
	return before, after
}

func facts16() []rollout.Fact {
	var all []rollout.Fact
	for i := range contents {
		all = append(all, rollout.Fact{Pack: contentDigest(i), Verified: true, Compatible: true, Retained: true})
	}
	return all
}
