package resolve

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/identity"
)

// The methods of a choice.
const (
	exactMatch = "exact_match"
	aliasMatch = "alias_match"
)

// The sources of a candidate.
const (
	sourceIndex  = "index"
	sourceCorpus = "corpus"
)

// grade is how well a name fits a surface form, best first.
type grade int

const (
	labelFits grade = iota
	labelFitsFolded
	aliasFits
	aliasFitsFolded
)

// grades gives the score and the method of each grade. The scores are sixteenths,
// which binary numbers hold exactly.
var grades = [...]struct {
	score  float64
	method string
}{
	labelFits:       {1, exactMatch},
	labelFitsFolded: {0.9375, exactMatch},
	aliasFits:       {0.875, aliasMatch},
	aliasFitsFolded: {0.8125, aliasMatch},
}

// match is what the names say of one surface form.
type match struct {
	candidates []claim.Candidate // best first, then by number; up to the limit
	total      int               // before the limit
	method     string            // how the first one fits
}

// has reports whether the item of the given id is a candidate.
func (m match) has(id string) bool {
	return slices.ContainsFunc(m.candidates, func(c claim.Candidate) bool { return c.ID == id })
}

// fit is an item that a surface form may mean.
type fit struct {
	number uint64
	grade  grade
	corpus bool
	label  uint32
}

// match finds what surface may mean. An item counts once, by its best name.
func (n *names) match(surface string, limit int) match {
	called := n.called(surface)
	if len(called) == 0 {
		return match{}
	}
	exact := exactHash(surface)
	fits := make([]fit, 0, len(called))
	for _, entry := range called { // in ascending order of numbers
		next := fitOf(entry, exact)
		if last := len(fits) - 1; last >= 0 && fits[last].number == next.number {
			if compareFits(next, fits[last]) < 0 {
				fits[last] = next
			}
			continue
		}
		fits = append(fits, next)
	}
	slices.SortFunc(fits, compareFits)
	m := match{total: len(fits), method: grades[fits[0].grade].method}
	for _, f := range fits[:min(limit, len(fits))] {
		m.candidates = append(m.candidates, n.candidate(f, surface))
	}
	return m
}

func fitOf(entry name, exact uint64) fit {
	f := fit{number: entry.number >> flagBits, label: entry.label, corpus: entry.number&fromCorpus != 0}
	if entry.number&isAlias != 0 {
		f.grade = aliasFits
	}
	if entry.exact != exact {
		f.grade++ // the folded grade follows the plain one
	}
	return f
}

// compareFits orders by grade, then by number; of the same item, what the index
// says comes first.
func compareFits(a, b fit) int {
	order := cmp.Or(cmp.Compare(a.grade, b.grade), cmp.Compare(a.number, b.number))
	if order == 0 && a.corpus != b.corpus {
		if b.corpus {
			return -1
		}
		return 1
	}
	return order
}

// candidate returns f as a candidate for surface. A label that was not kept is
// shown if it is known to be the surface form.
func (n *names) candidate(f fit, surface string) claim.Candidate {
	c := claim.Candidate{
		ID:     string(n.letter) + strconv.FormatUint(f.number, 10),
		Score:  grades[f.grade].score,
		Label:  n.labelAt(f.label),
		Source: sourceIndex,
	}
	if f.corpus {
		c.Source = sourceCorpus
	}
	if f.label == noLabel && f.grade == labelFits {
		c.Label = identity.Label(surface)
	}
	return c
}

// finder remembers what names said, as the same few surface forms (a column's
// heading, above all) come again and again.
type finder struct {
	names *names
	limit int
	seen  map[string]match
	held  int // what seen holds: surface forms and candidates
}

// The bounds of what a finder remembers; it starts over when it is full.
const (
	maxHeld        = 50_000
	maxHeldSurface = 256 // bytes of one surface form
)

func newFinder(n *names, limit int) *finder {
	return &finder{names: n, limit: limit, seen: map[string]match{}}
}

// find is names.match; the caller must not change what it returns.
func (f *finder) find(surface string) match {
	if m, known := f.seen[surface]; known {
		return m
	}
	m := f.names.match(surface, f.limit)
	if len(surface) > maxHeldSurface {
		return m
	}
	if f.held > maxHeld {
		clear(f.seen)
		f.held = 0
	}
	f.seen[surface] = m
	f.held += 1 + len(m.candidates)
	return m
}
