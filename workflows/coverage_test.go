package workflows_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/workflows"
)

// A place is a dependency in a phase of the release: what can go wrong there goes wrong.
type place struct{ call, phase string }

// looked is what was seen of a place.
type looked struct {
	calls  int
	odds   int // of faults, summed over the calls, in a thousandth
	faults map[fault]int
	// idle is what of the odds was of calls in which a fault would have changed nothing.
	idle map[fault]int
}

// coverage is what a number of histories saw.
type coverage struct {
	entered map[string]int // the phases
	places  map[place]*looked
}

func newCoverage() coverage {
	return coverage{entered: map[string]int{}, places: map[place]*looked{}}
}

func (c coverage) at(p place) *looked {
	if c.places[p] == nil {
		c.places[p] = &looked{faults: map[fault]int{}, idle: map[fault]int{}}
	}
	return c.places[p]
}

// called counts a call that fails in so many of a thousand cases.
func (c coverage) called(phase, call string, rate int) {
	is := c.at(place{call, phase})
	is.calls++
	is.odds += rate
}

// hit counts a fault that changed what a call did; none is nothing.
func (c coverage) hit(phase, call string, f fault) {
	if f != "" {
		c.at(place{call, phase}).faults[f]++
	}
}

// idles counts a call in which a fault would have changed nothing: an inbox of one message
// has no other order.
func (c coverage) idles(phase, call string, f fault, rate int) {
	c.at(place{call, phase}).idle[f] += rate
}

// expected is how many faults of a kind the calls make likely.
func (l *looked) expected(call string, f fault) int {
	return (l.odds - l.idle[f]) / 1000 / max(1, len(faultsOf[call]))
}

func (c coverage) merge(other coverage) {
	for phase, n := range other.entered {
		c.entered[phase] += n
	}
	for p, more := range other.places {
		is := c.at(p)
		is.calls += more.calls
		is.odds += more.odds
		for f, n := range more.faults {
			is.faults[f] += n
		}
		for f, odds := range more.idle {
			is.idle[f] += odds
		}
	}
}

func (c coverage) faults() int {
	sum := 0
	for _, is := range c.places {
		for _, n := range is.faults {
			sum += n
		}
	}
	return sum
}

// certain is how many faults of a kind a place has to be expected to see for it to be
// impossible, in effect, that it sees none (e^-30).
const certain = 30

// missed are the faults that were not seen of a place that has to have seen them: one that
// its phase is about, or that was called often enough.
func (c coverage) missed() []string {
	var list []string
	for p, is := range c.places {
		for _, f := range faultsOf[p.call] {
			if is.faults[f] == 0 && isReached(p, f) && (isNamed(p) || is.expected(p.call, f) >= certain) {
				list = append(list, fmt.Sprintf("%s in phase %q: no %s, of %d expected", p.call, p.phase, f, is.expected(p.call, f)))
			}
		}
	}
	slices.Sort(list)
	return list
}

// faultsSeen is every fault that there is, in order.
var faultsSeen = []fault{timeout, unavailable, final, malformed, empty, notANumber, stale, duplicate, reordered, late, lost, forged, contradictory, wrong}

// table prints the coverage: dependency by phase by fault. A fault that a dependency
// does not have is a point, one that cannot occur in the phase a dash, and one that was
// not seen of a place that no phase is about has a question mark. What follows says why.
func (c coverage) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%-42s %9s", "dependency, phase", "calls")
	for _, f := range faultsSeen {
		fmt.Fprintf(&text, " %9.9s", f)
	}
	byName := func(a, b place) int { return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.phase, b.phase)) }
	for _, p := range slices.SortedFunc(maps.Keys(c.places), byName) {
		fmt.Fprintf(&text, "\n%-24s %-17s %9d", p.call, cmp.Or(p.phase, "(new)"), c.places[p].calls)
		for _, f := range faultsSeen {
			fmt.Fprintf(&text, " %9s", c.cell(p, f))
		}
	}
	for _, call := range slices.Sorted(maps.Keys(faultsOf)) {
		fmt.Fprintf(&text, "\n%s is not called in %s", call, strings.Join(c.uncalled(call), ", "))
	}
	for _, r := range never {
		fmt.Fprintf(&text, "\n. %v of %s: %s", r.faults, strings.Join(r.calls, ", "), r.why)
	}
	for _, r := range cannot {
		fmt.Fprintf(&text, "\n- %v of %s in %q: %s", r.faults, strings.Join(r.calls, ", "), r.phases, r.why)
	}
	fmt.Fprintf(&text, "\n? no phase is about the place: a call that was under way, or was to be tried again, as the release moved on, and finds what it finds")
	fmt.Fprintf(&text, "\nentered: %v", c.entered)
	return text.String()
}

func (c coverage) cell(p place, f fault) string {
	is := c.places[p]
	switch n := is.faults[f]; {
	case !slices.Contains(faultsOf[p.call], f):
		return "."
	case n > 0:
		return fmt.Sprint(n)
	case !isReached(p, f):
		return "-"
	case !isNamed(p) && is.expected(p.call, f) < certain:
		return "?"
	default:
		return "MISSED"
	}
}

// uncalled are the phases in which a release does not call a dependency.
func (c coverage) uncalled(call string) []string {
	var list []string
	for _, phase := range slices.Sorted(maps.Keys(reached)) {
		if _, was := c.places[place{call, string(phase)}]; !was {
			list = append(list, cmp.Or(string(phase), "(new)"))
		}
	}
	return list
}

// reason says why calls do not have faults: in some phases, or in all if it names none.
type reason struct {
	calls  []string
	faults []fault
	phases []rollout.Phase
	why    string
}

var (
	pushed = []string{"signal", "told", "published", "vote"}
	asked  = []string{
		workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityCheck, workflows.ActivityFreeze,
		workflows.ActivityPinRelease, workflows.ActivityDistribute,
		workflows.ActivityRender, workflows.ActivityAttempts, workflows.ActivitySample, workflows.ActivityAttest, workflows.ActivityVerify, workflows.ActivityAgain, workflows.ActivityAsk,
	}
)

// never are the cells of dependency and fault that faultsOf leaves out, and why.
var never = []reason{
	{calls: pushed, faults: []fault{timeout, unavailable, final}, why: "nobody waits for an answer: it comes late or not at all"},
	{calls: asked, faults: []fault{late, lost}, why: "whoever asks sees a timeout; half of what then failed was done"},
	{calls: except(asked, workflows.ActivityInbox), faults: []fault{reordered}, why: "one answer has no order"},
	{calls: except(asked, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityAsk), faults: []fault{duplicate}, why: "doing it twice is what follows on a timeout of what was done"},
	{calls: except(asked, workflows.ActivityAgain), faults: []fault{notANumber}, why: "nothing in the answer is measured: malformed stands for it"},
	{calls: except(slices.Concat(asked, pushed), "signal"), faults: []fault{contradictory}, why: "it does not count: nothing is said twice of one sequence"},
	{calls: except(asked, workflows.ActivityCheck), faults: []fault{forged}, why: "no evidence that says who made it; an answer in bad faith is that of Orgo's own worker"},
	{calls: except(asked, workflows.ActivityCheck, workflows.ActivityVerify), faults: []fault{wrong}, why: "a fact that only it states, or held to a digest and then stale or empty"},
	{calls: []string{workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityAttempts}, faults: []fault{final, malformed}, why: "a read or write of Orgo's own store by the worker itself: tried until it answers, in the type that reads it"},
	{calls: []string{workflows.ActivityCommit}, faults: []fault{empty, stale}, why: "a store that says that it wrote what it did not leaves nothing to decide by"},
	{calls: []string{workflows.ActivityAttempts}, faults: []fault{empty}, why: "nothing is what it answers here"},
	{calls: []string{workflows.ActivityAttest}, faults: []fault{final, malformed, empty}, why: "tried until it is done; its answer is not read"},
	{calls: []string{workflows.ActivitySample}, faults: []fault{malformed}, why: "its answer is not read"},
	{calls: []string{workflows.ActivityAsk}, faults: []fault{final}, why: "the channel refuses by its answer"},
	{
		calls: []string{
			workflows.ActivityFreeze, workflows.ActivityPinRelease, workflows.ActivityDistribute, workflows.ActivityRender, workflows.ActivityAttempts,
			workflows.ActivitySample, workflows.ActivityAttest, workflows.ActivityVerify,
		}, faults: []fault{stale}, why: "the answer is the same throughout a history",
	},
	{calls: []string{"told"}, faults: []fault{malformed, empty, notANumber, stale, reordered, wrong}, why: "an entry of the store, which is read in order: only who wrote it can be another"},
	{calls: []string{"published"}, faults: []fault{malformed, empty, notANumber, duplicate, reordered, forged}, why: "the channel's machine takes it, in its own type; gates/rollout searches that"},
	{calls: []string{"vote"}, faults: []fault{malformed, empty, notANumber, stale, duplicate, reordered, lost}, why: "an entry of the store that somebody asked to be made; before that there is no vote"},
}

// cannot are the places where a fault that a dependency has does not occur.
var cannot = []reason{
	{
		calls: []string{workflows.ActivityLoad, workflows.ActivityInbox}, faults: []fault{stale}, phases: []rollout.Phase{""},
		why: "the first answer: there is none that is older",
	},
	{
		calls: []string{workflows.ActivityCheck}, faults: []fault{stale}, phases: []rollout.Phase{rollout.PhaseChecking},
		why: "the phase ends with the first good answer: there is none that is older",
	},
	{
		calls: []string{workflows.ActivityAsk}, faults: []fault{stale}, phases: []rollout.Phase{rollout.PhaseApproved},
		why: "to join is the first thing that a channel is asked",
	},
}

func except(calls []string, out ...string) []string {
	return slices.DeleteFunc(slices.Clone(calls), func(call string) bool { return slices.Contains(out, call) })
}

// isReached says whether a place has to have had a fault, once it is called often.
func isReached(p place, f fault) bool {
	return !slices.ContainsFunc(cannot, func(r reason) bool {
		return slices.Contains(r.calls, p.call) && slices.Contains(r.faults, f) && slices.Contains(r.phases, rollout.Phase(p.phase))
	})
}

// reached says which dependencies a phase is about. missed holds them to all their faults;
// unreached holds a search to have called them often.
var reached = map[rollout.Phase][]string{
	"":                            {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit},
	rollout.PhaseChecking:         {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityCheck, workflows.ActivityPinRelease},
	rollout.PhaseAwaitingApproval: {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityCheck, "vote"},
	rollout.PhaseApproved:         {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityAsk, "told"},
	rollout.PhaseDistributing:     {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityDistribute, workflows.ActivityAttempts},
	rollout.PhaseVerifying: {
		workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityCheck, workflows.ActivityPinRelease, workflows.ActivityVerify,
	},
	rollout.PhaseActivating: {
		workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityCheck, workflows.ActivityFreeze, workflows.ActivityAsk,
		"published", "told", "signal",
	},
	rollout.PhaseObserving: {
		workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityCheck, workflows.ActivitySample, workflows.ActivityAgain,
		"published", "told", "signal",
	},
	rollout.PhaseSoaking: {
		workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityCheck, workflows.ActivitySample, workflows.ActivityAgain,
		workflows.ActivityRender, workflows.ActivityAttempts, "signal",
	},
	rollout.PhaseClosedGood: {
		workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityAsk, workflows.ActivityAttest, "published", "told", "signal",
	},
	rollout.PhaseRollingBack: {
		workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityAsk, "published", "told", "signal",
	},
	rollout.PhaseFailed:     {workflows.ActivityCommit, workflows.ActivityAsk, workflows.ActivityAttest},
	rollout.PhaseAborted:    {workflows.ActivityAttest},
	rollout.PhaseSuperseded: {workflows.ActivityAttest},
	rollout.PhaseSafeMode:   {workflows.ActivityCommit, workflows.ActivityAttest},
	rollout.PhaseIneligible: {workflows.ActivityAttest},
	rollout.PhaseRolledBack: {workflows.ActivityAttest},
}

func isNamed(p place) bool { return slices.Contains(reached[rollout.Phase(p.phase)], p.call) }

// unreached are the phases that were not entered, and the places that were called too
// seldom for missed to look at them.
func (c coverage) unreached() []string {
	var list []string
	for phase, calls := range reached {
		if phase != "" && c.entered[string(phase)] == 0 {
			list = append(list, "phase "+string(phase))
		}
		for _, call := range calls {
			if p := (place{call, string(phase)}); c.at(p).expected(call, "") < certain {
				list = append(list, fmt.Sprintf("%s in phase %q: %d calls", call, phase, c.at(p).calls))
			}
		}
	}
	slices.Sort(list)
	return list
}
