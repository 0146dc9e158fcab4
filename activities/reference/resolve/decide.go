package resolve

import (
	"cmp"
	"slices"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// verdict is what a reference without an id comes to.
type verdict struct {
	status     string
	id         string            // if resolved
	method     string            // if resolved
	candidates []claim.Candidate // best first, then by number
	dropped    int               // candidates beyond the limit
}

// decide weighs the candidates that a reference brought along and those that
// were found by its surface form. Every one of them is kept.
//
// The rule: the reference is resolved if one candidate scores strictly higher
// than all others and owes that score to a name that was found. It is ambiguous
// if there are several and no such one, and unresolved otherwise. What a
// reference brought along can thus stand in the way of a resolution, but never
// makes one, since nobody here knows what its scores mean.
func decide(brought []claim.Candidate, found match) verdict {
	v := verdict{candidates: unite(brought, found.candidates), dropped: found.total - len(found.candidates)}
	switch {
	case len(v.candidates) > 0 && ahead(v.candidates) && owed(v.candidates[0], found):
		v.status, v.id, v.method = claim.StatusResolved, v.candidates[0].ID, found.method
	case len(v.candidates) > 1:
		v.status = claim.StatusAmbiguous
	default:
		v.status = claim.StatusUnresolved
	}
	return v
}

// ahead reports whether the first of sorted candidates is strictly the best.
func ahead(sorted []claim.Candidate) bool {
	return len(sorted) == 1 || sorted[0].Score > sorted[1].Score
}

func owed(best claim.Candidate, found match) bool {
	return len(found.candidates) > 0 && found.candidates[0].ID == best.ID && found.candidates[0].Score == best.Score
}

// unite returns the candidates of both lists, each id once with its highest
// score, sorted by score, best first, then by number.
func unite(brought, found []claim.Candidate) []claim.Candidate {
	if len(brought) == 0 {
		return found
	}
	united := slices.Concat(found, brought) // of equal ones the sort keeps the found one first
	slices.SortStableFunc(united, func(a, b claim.Candidate) int {
		return cmp.Or(compareIDs(a.ID, b.ID), cmp.Compare(b.Score, a.Score))
	})
	united = slices.CompactFunc(united, func(a, b claim.Candidate) bool { return a.ID == b.ID })
	slices.SortFunc(united, func(a, b claim.Candidate) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), compareIDs(a.ID, b.ID))
	})
	return united
}

// compareIDs orders ids of one letter by their numbers.
func compareIDs(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
