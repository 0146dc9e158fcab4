package rollout_test

import (
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// The search goes through every state that a channel of three cohorts and three
// packs can come to: all events, in all orders, also twice, late and forged. What it
// may not find is written in broken. Two channels share no state, so that what holds
// for each holds for both.

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func digest(text string) records.Digest { return records.DigestOf([]byte(text)) }

var packs = []rollout.Pack{
	{Digest: digest("p0"), Version: "1.0.0", BuildID: "b0"},
	{Digest: digest("p1"), Version: "1.1.0", BuildID: "b1"},
	{Digest: digest("p2"), Version: "2.0.0", BuildID: "b2"},
}

var stages = [][]string{{"a"}, {"a", "b", "c"}}

func candidacy(i int) rollout.Candidacy {
	return rollout.Candidacy{Placement: rollout.Placement{ReleaseID: fmt.Sprintf("r%d", i), Pack: packs[i]}, Stages: stages}
}

// warrant permits a stage of the i-th release in full.
func warrant(i, stage int) rollout.Warrant {
	w := rollout.Warrant{ReleaseID: fmt.Sprintf("r%d", i), Pack: packs[i].Digest, Stage: stage}
	for _, gate := range gates.Gates() {
		w.Permits = append(w.Permits, rollout.Permit{Gate: gate, Verdict: gates.Pass, ReleaseID: w.ReleaseID, Pack: w.Pack, Stage: stage, Inputs: digest("d")})
	}
	return w
}

// forgeries are the ways in which a warrant does not permit: each changes one permit
// of a gate that is asked.
var forgeries = map[string]func(*rollout.Warrant, int){
	"FAIL":             func(w *rollout.Warrant, n int) { w.Permits[n].Verdict = gates.Fail },
	"NO_DATA":          func(w *rollout.Warrant, n int) { w.Permits[n].Verdict = gates.NoData },
	"an earlier stage": func(w *rollout.Warrant, n int) { w.Permits[n].Stage-- },
	"another release":  func(w *rollout.Warrant, n int) { w.Permits[n].ReleaseID = "r9" },
	"another pack":     func(w *rollout.Warrant, n int) { w.Permits[n].Pack = digest("other") },
	"no decision":      func(w *rollout.Warrant, n int) { w.Permits[n].Inputs = records.Digest{} },
	"nothing":          func(w *rollout.Warrant, n int) { w.Permits = slices.Delete(w.Permits, n, n+1) },
	"a refusal as well": func(w *rollout.Warrant, n int) {
		p := w.Permits[n]
		p.Verdict = gates.Fail
		w.Permits = append(w.Permits, p)
	},
}

// askedInto says again, in words of its own, which gates must permit a stage.
func askedInto(stage int) []gates.Gate {
	if stage == 0 {
		return []gates.Gate{gates.GateIntegrity, gates.GateCompatibility, gates.GateApprovals, gates.GateFreeze}
	}
	return []gates.Gate{gates.GateIntegrity, gates.GateFreeze, gates.GateHealth}
}

// movedByForgery tries all forgeries of a warrant that moves a channel.
func movedByForgery(reduce reducer, c rollout.Channel, w rollout.Warrant) (string, bool) {
	asked := askedInto(w.Stage)
	for n, p := range w.Permits {
		if !slices.Contains(asked, p.Gate) {
			continue
		}
		for name, forge := range forgeries {
			forged := w
			forged.Permits = slices.Clone(w.Permits)
			forge(&forged, n)
			if _, _, refused := reduce(c, by("orgo", rollout.Advance{Warrant: forged})); refused == nil {
				return fmt.Sprint(p.Gate, ": ", name), true
			}
		}
	}
	return "", false
}

// read is what is read back of a channel: of each cohort the desired or the old pack.
func read(c rollout.Channel, sequence int64, desired bool) rollout.Confirm {
	confirm := rollout.Confirm{Sequence: sequence}
	for _, s := range c.Slots {
		placed := s.Active
		if desired {
			placed = s.Desired
		}
		o := rollout.Observed{Cohort: s.Cohort}
		if placed != nil {
			o.Pack = &placed.Pack.Digest
		}
		confirm.Observed = append(confirm.Observed, o)
	}
	return confirm
}

func facts(good ...int) []rollout.Fact {
	var all []rollout.Fact
	for i, p := range packs {
		fine := slices.Contains(good, i)
		all = append(all, rollout.Fact{Pack: p.Digest, Verified: fine, Compatible: true, Retained: true})
	}
	return all
}

// event is one that the search tries. Rare ones are bounded in number on every path.
type event struct {
	name string
	rare bool
	rollout.ChannelEvent
}

func by(actor string, action rollout.Action) rollout.ChannelEvent {
	return rollout.ChannelEvent{At: at, Actor: actor, Reason: "r", Action: action}
}

// fixed are the events that are tried in every state.
func fixed() []event {
	var all []event
	add := func(name string, e rollout.ChannelEvent) { all = append(all, event{name, false, e}) }
	rare := func(name string, e rollout.ChannelEvent) { all = append(all, event{name, true, e}) }
	for i, pack := range packs {
		release, these := candidacy(i).ReleaseID, []records.Digest{pack.Digest}
		add(fmt.Sprint("join ", i), by("orgo", rollout.Join{Candidacy: candidacy(i)}))
		rare(fmt.Sprint("supersede ", i), by("orgo", rollout.Join{Candidacy: candidacy(i), Supersede: true}))
		for stage := range len(stages) + 1 {
			add(fmt.Sprint("advance ", i, stage), by("orgo", rollout.Advance{Warrant: warrant(i, stage)}))
			add(fmt.Sprint("close ", i, stage), by("orgo", rollout.Close{Warrant: warrant(i, stage)}))
		}
		add(fmt.Sprint("leave ", i), by("orgo", rollout.Leave{ReleaseID: release}))
		rare(fmt.Sprint("contain ", i), by("ann", rollout.Contain{ID: "release", ReleaseID: release, Code: gates.MetricOutOfBounds, Class: gates.ClassRuntime}))
		rare(fmt.Sprint("revoke ", i), by("ann", rollout.Revoke{ID: "revoke", Packs: these}))
		rare(fmt.Sprint("quarantine ", i), by("ann", rollout.Quarantine{ID: "quarantine", Packs: these}))
		add(fmt.Sprint("clear ", i), by("ann", rollout.Clear{Packs: these}))
		rare(fmt.Sprint("pin ", i), by("ann", rollout.PlacePin{Pack: pack.Digest, For: rollout.PinActive, ExpiresAt: at.Add(time.Hour)}))
		rare(fmt.Sprint("pin rollback ", i), by("ann", rollout.PlacePin{Pack: pack.Digest, For: rollout.PinRollback, ExpiresAt: at.Add(time.Hour)}))
	}
	rare("contain all", by("ann", rollout.Contain{ID: "all", Code: gates.DriftDetected, Class: gates.ClassRuntime}))
	rare("contain a", by("ann", rollout.Contain{ID: "a", Cohorts: []string{"a"}, Code: gates.ActivationFailed, Class: gates.ClassDistribution}))
	rare("hold", by("ann", rollout.PlaceHold{}))
	rare("freeze", by("ann", rollout.PlaceFreeze{Until: at.Add(time.Hour)}))
	rare("minimum", by("ann", rollout.RaiseMinimum{ID: "minimum", Version: "1.1.0"}))
	add("lift own", by("ann", rollout.LiftHold{Owner: "ann"}))
	add("lift another's", by("bob", rollout.LiftHold{Owner: "ann"}))
	add("lift after rollback", by("ann", rollout.LiftHold{Owner: rollout.AfterRollback}))
	add("lift by a service", by(records.SystemActor, rollout.LiftHold{Owner: rollout.AfterRollback}))
	add("unfreeze", by("ann", rollout.Unfreeze{}))
	add("unpin", by("ann", rollout.Unpin{For: rollout.PinActive}))
	add("restore late", by("orgo", rollout.Restore{ID: "earlier", Facts: facts(0, 1, 2)}))
	return all
}

// possible are the events that are tried in a state: the fixed ones, what may be read
// back of it, and what may be found out for a rollback.
func possible(c rollout.Channel, fixed []event) []event {
	all := slices.Clone(fixed)
	add := func(name string, e rollout.ChannelEvent) { all = append(all, event{name, false, e}) }
	if len(c.Queue) > 0 { // a longer queue only waits longer
		all = slices.DeleteFunc(all, func(e event) bool { return strings.HasPrefix(e.name, "join") })
	}
	add("read new", by("orgo", read(c, c.Sequence, true)))
	add("read old", by("orgo", read(c, c.Sequence, false)))
	add("read late", by("orgo", read(c, c.Sequence-1, true)))
	add("read nothing", by("orgo", rollout.Confirm{Sequence: c.Sequence}))
	add("not taken", by("orgo", rollout.NotTaken{Sequence: c.Sequence}))
	add("reissue", by("orgo", rollout.Reissue{}))
	if c.Containment != nil {
		add("restore", by("orgo", rollout.Restore{ID: c.Containment.ID, Facts: facts(0, 1, 2)}))
		add("restore oldest", by("orgo", rollout.Restore{ID: c.Containment.ID, Facts: facts(0)}))
		add("restore blind", by("orgo", rollout.Restore{ID: c.Containment.ID}))
	}
	return all
}

// reducer is the machine that is searched: the real one, or one with a fault.
type reducer func(rollout.Channel, rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal)

func genuine(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
	return c.Reduce(e)
}

// broken returns what a step broke, or nil.
func broken(before rollout.Channel, e rollout.ChannelEvent, after rollout.Channel, effects []rollout.Effect) error {
	published := int64(0)
	for _, effect := range effects {
		if effect.Kind == rollout.Publish && effect.Sequence > before.Sequence {
			published++
		}
	}
	if after.Sequence != before.Sequence+published || after.Confirmed > after.Sequence || after.Confirmed < before.Confirmed {
		return errors.New("the sequence does not rise by one with each index")
	}
	if !subset(before.Revoked, after.Revoked) {
		return errors.New("a revocation was undone")
	}
	for _, p := range after.Good {
		if slices.Contains(after.Revoked, p.Pack.Digest) {
			return errors.New("what is revoked is said to be good")
		}
	}
	for _, slot := range after.Slots {
		if slot.Desired != nil && slices.Contains(after.Revoked, slot.Desired.Pack.Digest) && after.Containment == nil {
			return errors.New("what is revoked stays desired, and nothing takes it back")
		}
		if slot.Desired == desired(before, slot.Cohort) || slot.Desired == nil {
			continue
		}
		if err := mayBecome(before, e, *slot.Desired); err != nil {
			return fmt.Errorf("cohort %s: %w", slot.Cohort, err)
		}
	}
	return nil
}

func subset(a, b []records.Digest) bool {
	return !slices.ContainsFunc(a, func(d records.Digest) bool { return !slices.Contains(b, d) })
}

func desired(c rollout.Channel, cohort string) *rollout.Placement {
	for _, slot := range c.Slots {
		if slot.Cohort == cohort {
			return slot.Desired
		}
	}
	return nil
}

// mayBecome says again, in words of its own, when a pack may become desired.
func mayBecome(c rollout.Channel, e rollout.ChannelEvent, p rollout.Placement) error {
	d := p.Pack.Digest
	switch {
	case slices.Contains(c.Revoked, d):
		return errors.New("a revoked pack was activated")
	case slices.Contains(c.Quarantined, d):
		return errors.New("a quarantined pack was activated")
	case c.Minimum != "" && p.Pack.Version < c.Minimum:
		return errors.New("a pack below the minimum was activated")
	}
	switch action := e.Action.(type) {
	case rollout.Restore:
		good := func(f rollout.Fact) bool { return f.Pack == d && f.Verified && f.Compatible && f.Retained }
		if !slices.ContainsFunc(action.Facts, good) {
			return errors.New("a rollback went to a pack that was not verified")
		}
		if slices.Contains(c.Containment.Packs, d) {
			return errors.New("a rollback went to what it takes back")
		}
		return nil
	case rollout.Advance:
		return forwardFault(c, action.Warrant, p)
	default:
		return fmt.Errorf("%T changed what is active", e.Action)
	}
}

func forwardFault(c rollout.Channel, w rollout.Warrant, p rollout.Placement) error {
	if c.Containment != nil || len(c.Holds) > 0 || len(c.Freezes) > 0 || c.Confirmed != c.Sequence || len(c.Drifted) > 0 {
		return errors.New("a release moved while something held it back")
	}
	if c.Turn == nil || c.Turn.ReleaseID != p.ReleaseID || c.Turn.Stage+1 != w.Stage {
		return errors.New("a release moved out of turn")
	}
	for _, gate := range askedInto(w.Stage) {
		fine := 0
		for _, permit := range w.Permits {
			if permit.Gate != gate {
				continue
			}
			if permit.Verdict != gates.Pass || permit.ReleaseID != p.ReleaseID || permit.Pack != p.Pack.Digest || permit.Stage != w.Stage {
				return errors.New("a release moved without PASS")
			}
			fine++
		}
		if fine == 0 {
			return errors.New("a release moved without a decision")
		}
	}
	return nil
}

// recovers reports whether everything that is active can be taken back from here,
// with nothing known of any pack.
func recovers(reduce reducer, c rollout.Channel) error {
	for _, action := range []func(rollout.Channel) rollout.Action{
		func(rollout.Channel) rollout.Action {
			return rollout.Contain{ID: "last", Code: gates.DriftDetected, Class: gates.ClassRuntime}
		},
		func(rollout.Channel) rollout.Action { return rollout.Restore{ID: "last"} },
		func(c rollout.Channel) rollout.Action { return read(c, c.Sequence, true) },
	} {
		next, _, refused := reduce(c, by("ann", action(c)))
		if refused != nil {
			return refused
		}
		c = next
	}
	for _, slot := range c.Slots {
		if slot.Active != nil || slot.Desired != nil {
			return fmt.Errorf("cohort %s is not in safe mode", slot.Cohort)
		}
	}
	if c.Containment != nil {
		return errors.New("the containment does not end")
	}
	return nil
}

// anyActive reports whether there is anything to take back.
func anyActive(c rollout.Channel) bool {
	return slices.ContainsFunc(c.Slots, func(s rollout.Slot) bool {
		return s.Desired != nil || s.Active != nil && s.Active.Pack.Digest.Valid()
	})
}

// key is the identity of a state, written by hand because it is made a million
// times. Of sequences only their difference matters. It reads every field of Channel
// that Reduce does; TestTheKeyReadsAllThatReduceDoes holds that.
func key(seed maphash.Seed, c rollout.Channel, rare int) [2]uint64 {
	b := make([]byte, 0, 256)
	b = append(b, byte(rare), byte(min(c.Sequence-c.Confirmed, 1)))
	mark := func(list ...string) {
		for _, s := range list {
			b = append(append(b, s...), ',')
		}
		b = append(b, ';')
	}
	place := func(p *rollout.Placement) {
		if p != nil {
			mark(p.ReleaseID, short(p.Pack.Digest))
			return
		}
		mark("-")
	}
	for _, s := range c.Slots {
		mark(s.Cohort)
		place(s.Desired)
		place(s.Active)
	}
	mark(c.Drifted...)
	mark(string(c.OnDrift))
	if c.Turn != nil {
		mark("turn", c.Turn.ReleaseID)
		b = append(b, byte(c.Turn.Stage+1))
	}
	for _, q := range c.Queue {
		mark(q.ReleaseID)
	}
	b = append(b, '|')
	for _, g := range c.Good {
		mark(g.ReleaseID)
	}
	b = append(b, '|')
	for _, f := range c.Bad {
		mark(short(f.Pack), string(f.Class))
	}
	for _, p := range c.Pins {
		mark("pin", string(p.For), short(p.Pack))
	}
	for _, h := range c.Holds {
		mark("hold", h.Owner)
	}
	for _, f := range c.Freezes {
		mark("freeze", f.Owner)
	}
	mark(c.Minimum)
	for _, d := range c.Revoked {
		mark("revoked", short(d))
	}
	for _, d := range c.Quarantined {
		mark("quarantined", short(d))
	}
	if k := c.Containment; k != nil {
		mark("containment", strings.TrimRight(k.ID, "0123456789"), string(k.Code), string(k.Class), fmt.Sprint(k.Hold, k.Placed))
		mark(k.Cohorts...)
		mark(k.Releases...)
		mark(k.NoGood...)
		for _, d := range k.Packs {
			mark(short(d))
		}
	}
	first := maphash.Bytes(seed, b)
	return [2]uint64{first, maphash.Bytes(seed, append(b, 'x'))}
}

func short(d records.Digest) string {
	if d.Value == "" {
		return ""
	}
	return d.Value[:4]
}

type found struct {
	states, steps int
	fault         error
	path          []string
}

// search goes through all states with at most so many rare events on a path.
func search(t testing.TB, reduce reducer, rares, limit int) found {
	return searchFrom(t, rollout.Channel{Organization: records.DefaultOrganization, Environment: "staging", Name: "stable"}, reduce, rares, limit)
}

// searchFrom begins with a channel on which nothing happened.
func searchFrom(t testing.TB, start rollout.Channel, reduce reducer, rares, limit int) found {
	seed := maphash.MakeSeed()
	type node struct {
		channel rollout.Channel
		rare    int
		from    int
		by      string
	}
	nodes := []node{{channel: start, from: -1}}
	seen := map[[2]uint64]bool{key(seed, start, 0): true}
	events, result := fixed(), found{}
	fault := func(at int, by string, err error) found {
		result.fault, result.path, result.states = err, []string{by}, len(seen)
		for n := at; n >= 0; n = nodes[n].from {
			result.path = append([]string{nodes[n].by}, result.path...)
		}
		return result
	}
	for i := 0; i < len(nodes) && len(nodes) < limit; i++ {
		c := nodes[i].channel
		if anyActive(c) {
			if err := recovers(reduce, c); err != nil {
				return fault(i, "recover", err)
			}
		}
		for _, e := range possible(c, events) {
			if e.rare && nodes[i].rare == rares {
				continue
			}
			result.steps++
			next, effects, refused := reduce(c, e.ChannelEvent)
			if refused != nil {
				continue
			}
			if advance, is := e.Action.(rollout.Advance); is {
				if name, moved := movedByForgery(reduce, c, advance.Warrant); moved {
					return fault(i, e.name+" with "+name, errors.New("a release moved without PASS"))
				}
			}
			if err := broken(c, e.ChannelEvent, next, effects); err != nil {
				return fault(i, e.name, err)
			}
			rare := nodes[i].rare
			if e.rare || drifted(c, next) {
				rare++
			}
			if rare > rares {
				continue
			}
			if k := key(seed, next, rare); !seen[k] {
				seen[k] = true
				nodes = append(nodes, node{next, rare, i, e.name})
			}
		}
		nodes[i].channel = rollout.Channel{} // its key is enough from now on
	}
	result.states = len(seen)
	require.Less(t, len(nodes), limit, "not all states were seen")
	return result
}

// drifted reports whether drift began to take something back, which is rare.
func drifted(before, after rollout.Channel) bool {
	return before.Containment == nil && after.Containment != nil && strings.HasPrefix(after.Containment.ID, "drift-")
}

// rares is how many rare events a path has, in the test of every day. make search
// has two: about three million states.
func rares(t testing.TB) int {
	text := os.Getenv("ORGO_SEARCH")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, "ORGO_SEARCH")
	return n
}

const maxStates = 20_000_000

func TestNoStateOfAChannelActivatesWhatItShouldNot(t *testing.T) {
	t.Parallel()
	began := time.Now()
	result := search(t, genuine, rares(t), maxStates)
	require.NoError(t, result.fault, "%v", result.path)
	require.Greater(t, result.states, 1000)
	t.Logf("%d states, %d steps, %s", result.states, result.steps, time.Since(began))
}

// A channel that takes drift back goes nowhere else for it, and a rollback that nobody
// looked into is not followed by another.
func TestNoStateOfAChannelThatTakesDriftBackActivatesWhatItShouldNot(t *testing.T) {
	t.Parallel()
	start := rollout.Channel{Organization: records.DefaultOrganization, Environment: "staging", Name: "stable", OnDrift: rollout.DriftRollback}
	taken, again := 0, 0
	watched := func(reduce reducer) reducer {
		return func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
			next, effects, refused := reduce(c, e)
			if refused == nil && drifted(c, next) {
				taken++
				if slices.ContainsFunc(c.Holds, func(h rollout.Hold) bool { return h.Owner == rollout.AfterRollback }) {
					again++
				}
			}
			return next, effects, refused
		}
	}
	result := searchFrom(t, start, watched(genuine), rares(t), maxStates)
	require.NoError(t, result.fault, "%v", result.path)
	require.Positive(t, taken)
	require.Zero(t, again)
	t.Logf("%d states, %d steps, drift was taken back %d times", result.states, result.steps, taken)

	// One that does not see the hold is found.
	blind := func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
		unheld := c
		if _, is := e.Action.(rollout.Confirm); is {
			unheld.Holds = nil
		}
		return unheld.Reduce(e)
	}
	c := start
	p := candidacy(0).Placement
	c.Sequence, c.Confirmed, c.Slots = 1, 1, []rollout.Slot{{Cohort: "a", Desired: &p, Active: &p}}
	c.Holds = []rollout.Hold{{Owner: rollout.AfterRollback}}
	_, _, refused := watched(blind)(c, by("orgo", rollout.Confirm{Sequence: 1}))
	require.Nil(t, refused)
	require.Equal(t, 1, again)
}

// Planted faults: each is a channel that goes wrong in one way, and is found out.
func TestTheSearchFindsFaults(t *testing.T) {
	t.Parallel()
	// without hides something from the channel while it decides.
	without := func(hide func(*rollout.Channel, *rollout.ChannelEvent), back func(before rollout.Channel, after *rollout.Channel)) reducer {
		return func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
			blind := c
			hide(&blind, &e)
			next, effects, refused := blind.Reduce(e)
			if refused == nil && back != nil {
				back(c, &next)
			}
			return next, effects, refused
		}
	}
	for name, fault := range map[string]reducer{
		"revocations are not looked at": without(func(c *rollout.Channel, e *rollout.ChannelEvent) {
			switch e.Action.(type) {
			case rollout.Join, rollout.Advance:
				c.Revoked = nil
			}
		}, func(before rollout.Channel, after *rollout.Channel) {
			if len(after.Revoked) == 0 {
				after.Revoked = before.Revoked
			}
		}),
		"quarantines are not looked at": without(func(c *rollout.Channel, e *rollout.ChannelEvent) {
			if _, is := e.Action.(rollout.Advance); is {
				c.Quarantined = nil
			}
		}, func(before rollout.Channel, after *rollout.Channel) {
			if len(after.Quarantined) == 0 {
				after.Quarantined = before.Quarantined
			}
		}),
		"minimums are not looked at": without(func(c *rollout.Channel, e *rollout.ChannelEvent) {
			if _, is := e.Action.(rollout.RaiseMinimum); !is {
				c.Minimum = ""
			}
		}, func(before rollout.Channel, after *rollout.Channel) {
			if after.Minimum == "" {
				after.Minimum = before.Minimum
			}
		}),
		"holds are not looked at": without(func(c *rollout.Channel, e *rollout.ChannelEvent) {
			if _, is := e.Action.(rollout.Advance); is {
				c.Holds = nil
			}
		}, nil),
		"moves need no reading back": without(func(c *rollout.Channel, e *rollout.ChannelEvent) {
			if _, is := e.Action.(rollout.Advance); is {
				c.Confirmed = c.Sequence
			}
		}, nil),
		"every fact is good": without(func(_ *rollout.Channel, e *rollout.ChannelEvent) {
			if restore, is := e.Action.(rollout.Restore); is {
				restore.Facts = facts(0, 1, 2)
				e.Action = restore
			}
		}, nil),
		"verdicts are not read": without(func(_ *rollout.Channel, e *rollout.ChannelEvent) {
			if advance, is := e.Action.(rollout.Advance); is {
				advance.Warrant.Permits = slices.Clone(advance.Warrant.Permits)
				for n := range advance.Warrant.Permits {
					advance.Warrant.Permits[n].Verdict = gates.Pass
				}
				e.Action = advance
			}
		}, nil),
		"the sequence goes back with the content": func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
			next, effects, refused := c.Reduce(e)
			if _, is := e.Action.(rollout.Restore); is && refused == nil {
				next.Sequence = c.Sequence
			}
			return next, effects, refused
		},
		"a hold keeps from rolling back": func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
			if _, is := e.Action.(rollout.Contain); is && len(c.Holds) > 0 {
				return c, nil, &rollout.Refusal{Code: gates.ChannelHeld}
			}
			return c.Reduce(e)
		},
		"a rollback ends without reading back": func(c rollout.Channel, e rollout.ChannelEvent) (rollout.Channel, []rollout.Effect, *rollout.Refusal) {
			next, effects, refused := c.Reduce(e)
			if _, is := e.Action.(rollout.Revoke); is && refused == nil {
				next.Containment = nil
			}
			return next, effects, refused
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := search(t, fault, 2, maxStates)
			require.Error(t, result.fault)
			t.Logf("%v: %v", result.path, result.fault)
		})
	}
}
