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
		c.places[p] = &looked{faults: map[fault]int{}}
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

// expected is how many faults of each kind the calls make likely.
func (l *looked) expected(call string) int { return l.odds / 1000 / max(1, len(faultsOf[call])) }

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

// missed are the faults that a place was called often enough for, and did not see.
func (c coverage) missed() []string {
	var list []string
	for p, is := range c.places {
		for _, f := range faultsOf[p.call] {
			if is.expected(p.call) >= certain && is.faults[f] == 0 && !slices.Contains(cannot[f], p) {
				list = append(list, fmt.Sprintf("%s in phase %q: no %s, of %d expected", p.call, p.phase, f, is.expected(p.call)))
			}
		}
	}
	slices.Sort(list)
	return list
}

// faultsSeen is every fault that there is, in order.
var faultsSeen = []fault{timeout, unavailable, final, malformed, empty, notANumber, stale, duplicate, reordered, late, lost, forged, contradictory, wrong}

// table prints the coverage: dependency by phase by fault. A fault that a dependency
// cannot have is a point.
func (c coverage) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "\n%-42s %9s", "dependency, phase", "calls")
	for _, f := range faultsSeen {
		fmt.Fprintf(&text, " %9.9s", f)
	}
	byName := func(a, b place) int { return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.phase, b.phase)) }
	for _, p := range slices.SortedFunc(maps.Keys(c.places), byName) {
		is := c.places[p]
		fmt.Fprintf(&text, "\n%-24s %-17s %9d", p.call, cmp.Or(p.phase, "(new)"), is.calls)
		for _, f := range faultsSeen {
			if slices.Contains(faultsOf[p.call], f) {
				fmt.Fprintf(&text, " %9d", is.faults[f])
			} else {
				fmt.Fprintf(&text, " %9s", ".")
			}
		}
	}
	fmt.Fprintf(&text, "\nentered: %v", c.entered)
	return text.String()
}

// cannot says where a fault that a dependency has does not occur: nothing is stale in a
// phase that ends with the first good answer, since there is no older one.
var cannot = map[fault][]place{
	stale: {
		{workflows.ActivityLoad, ""}, {workflows.ActivityInbox, ""},
		{workflows.ActivityCheck, string(rollout.PhaseChecking)},
	},
}

// reached says which dependencies a phase is about. missed holds every place that is
// called often to all its faults; this, that these are called often.
var reached = map[rollout.Phase][]string{
	"":                            {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit},
	rollout.PhaseChecking:         {workflows.ActivityLoad, workflows.ActivityCommit, workflows.ActivityCheck},
	rollout.PhaseAwaitingApproval: {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, "vote"},
	rollout.PhaseApproved:         {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityAsk, "told"},
	rollout.PhaseDistributing:     {workflows.ActivityCommit, workflows.ActivityDistribute},
	rollout.PhaseVerifying:        {workflows.ActivityLoad, workflows.ActivityCommit, workflows.ActivityCheck, workflows.ActivityVerify},
	rollout.PhaseActivating:       {workflows.ActivityLoad, workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityFreeze, workflows.ActivityAsk, "published", "told", "signal"},
	rollout.PhaseObserving:        {workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivitySample, workflows.ActivityAgain, "signal"},
	rollout.PhaseSoaking:          {workflows.ActivityCommit, workflows.ActivityAgain, "signal"},
	rollout.PhaseClosedGood:       {workflows.ActivityLoad, workflows.ActivityAsk, workflows.ActivityAttest, "signal"},
	rollout.PhaseRollingBack:      {workflows.ActivityInbox, workflows.ActivityCommit, workflows.ActivityAsk, "published", "told", "signal"},
	rollout.PhaseFailed:           {workflows.ActivityAsk, workflows.ActivityAttest},
	rollout.PhaseSafeMode:         {workflows.ActivityAttest},
	rollout.PhaseIneligible:       {workflows.ActivityAttest},
	rollout.PhaseAborted:          nil, rollout.PhaseRolledBack: nil, rollout.PhaseSuperseded: nil,
}

// unreached are the phases that were not entered, and the places that were called too
// seldom for missed to look at them.
func (c coverage) unreached() []string {
	var list []string
	for phase, calls := range reached {
		if phase != "" && c.entered[string(phase)] == 0 {
			list = append(list, "phase "+string(phase))
		}
		for _, call := range calls {
			if p := (place{call, string(phase)}); c.at(p).expected(call) < certain {
				list = append(list, fmt.Sprintf("%s in phase %q: %d calls", call, phase, c.at(p).calls))
			}
		}
	}
	slices.Sort(list)
	return list
}
