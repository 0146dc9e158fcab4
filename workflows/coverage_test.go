package workflows_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
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
			expected := is.odds / 1000 / len(faultsOf[p.call])
			if expected >= certain && is.faults[f] == 0 && !slices.Contains(cannot[f], p) {
				list = append(list, fmt.Sprintf("%s in phase %q: no %s, of %d expected", p.call, p.phase, f, expected))
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

// cannot says where a fault that a dependency has cannot occur, and why.
var cannot = map[fault][]place{}
