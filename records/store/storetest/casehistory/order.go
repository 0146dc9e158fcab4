package casehistory

import (
	"math"
	"slices"
)

// order knows from when on a version of a Case can have been seen, and from when on all
// answers must be from it or a later one.
type order struct {
	c *checker
	// asked is when each entry of the log was asked for first, by its place from 0.
	asked []int64
	// answers are those that showed that a version was there.
	answers []shownVersion
}

type shownVersion struct{ at, version int64 }

func newOrder(c *checker) order {
	o := order{c: c, asked: make([]int64, len(c.log))}
	for i := range o.asked {
		o.asked[i] = math.MaxInt64
	}
	for _, a := range c.attempts {
		for _, e := range a.entries {
			if place, there := c.places[e.ID]; there {
				o.asked[place-1] = min(o.asked[place-1], a.asked)
			}
		}
		if a.err != nil {
			continue
		}
		for _, s := range a.stored {
			o.answers = append(o.answers, shownVersion{a.answered, s.Sequence})
		}
	}
	for _, l := range c.looks {
		o.answers = append(o.answers, shownVersion{l.answered, l.view.Version})
	}
	slices.SortFunc(o.answers, func(a, b shownVersion) int { return int(a.at - b.at) })
	return o
}

// current returns the least and the greatest version that can have been current between
// a question and its answer: what was shown before is there, and what nobody has asked for
// yet is not.
func (o order) current(s span) (from, to int64) {
	for _, shown := range o.answers {
		if shown.at >= s.asked {
			break
		}
		from = max(from, min(shown.version, int64(len(o.asked))))
	}
	for to = 0; to < int64(len(o.asked)) && o.asked[to] < s.answered; to++ {
	}
	return from, to
}

// notBefore checks that an answer is not from a version that was over when it was asked for.
func (o order) notBefore(s span, version int64, what string) {
	if from, _ := o.current(s); version < from {
		o.c.broken(RuleOrder, "%s is of version %d, and an answer before it was of %d", what, version, from)
	}
}

// notAfter checks that an answer is not from a version that nobody had asked for yet.
func (o order) notAfter(s span, version int64, what string) {
	if _, to := o.current(s); version > to {
		o.c.broken(RuleOrder, "%s is of version %d, and nobody had asked for what is after %d", what, version, to)
	}
}
