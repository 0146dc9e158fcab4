package validate

import (
	"cmp"
	"fmt"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/document"
)

// references groups the references of one document that came to no single
// thing, so that a name that comes a hundred times is one issue.
type references struct {
	groups []group
	index  map[named]int
}

type named struct {
	code Code
	name string
}

type group struct {
	named
	count      int
	pointer    string // of the first
	claimID    string // of the first
	candidates []claim.Candidate
}

// maxListed is how many candidates an issue lists.
const maxListed = 10

func (r *references) add(code Code, name, pointer, claimID string, candidates []claim.Candidate) {
	at, known := r.index[named{code, name}]
	if !known {
		if r.index == nil {
			r.index = map[named]int{}
		}
		at = len(r.groups)
		r.index[named{code, name}] = at
		r.groups = append(r.groups, group{named: named{code, name}, pointer: pointer, claimID: claimID, candidates: candidates})
	}
	r.groups[at].count++
}

// report adds one issue for each group.
func (r *references) report(c *checker, at *subject) {
	for _, g := range r.groups {
		if !c.issues.on(g.code) {
			continue
		}
		details := map[string]any{"surface": document.Excerpt(g.name), "references": g.count}
		if len(g.candidates) > 0 {
			var ids []string
			for _, candidate := range g.candidates[:min(len(g.candidates), maxListed)] {
				ids = append(ids, candidate.ID)
			}
			details["candidates"] = ids
			details["candidate_count"] = len(g.candidates)
		}
		c.report(at, g.code, g.pointer, g.claimID, fmt.Sprintf("%q %s", document.Excerpt(g.name), codeTable[g.code].says), details)
	}
}

// The codes of references that came to no single item or property.
var (
	entityCodes   = map[string]Code{claim.StatusAmbiguous: EntityAmbiguous, claim.StatusUnresolved: EntityUnresolved}
	propertyCodes = map[string]Code{claim.StatusAmbiguous: PropertyAmbiguous, claim.StatusUnresolved: PropertyUnresolved}
)

func (c *checker) entity(at *subject, e claim.ResolvedEntity, pointer, claimID string) {
	c.reference(at, entityCodes, outcome{e.Status, e.QID, e.Surface, e.Candidates, e.Decision}, pointer, claimID)
}

func (c *checker) predicate(at *subject, p claim.ResolvedPredicate, pointer, claimID string) {
	c.reference(at, propertyCodes, outcome{p.Status, p.PID, p.Surface, p.Candidates, p.Decision}, pointer, claimID)
}

// outcome is what a resolver says of a reference, to an item or to a property.
type outcome struct {
	status     string
	id         string
	surface    string
	candidates []claim.Candidate
	decision   *claim.Choice
}

func (c *checker) reference(at *subject, codes map[string]Code, o outcome, pointer, claimID string) {
	name := cmp.Or(o.surface, o.id)
	if code, open := codes[o.status]; open {
		at.named.add(code, name, pointer, claimID, o.candidates)
		return
	}
	if o.status != claim.StatusResolved {
		c.report(at, ResolutionFailed, pointer, claimID, fmt.Sprintf("%q %s", document.Excerpt(name), codeTable[ResolutionFailed].says),
			map[string]any{"status": document.Excerpt(o.status)})
		return
	}
	if coerced(o) {
		at.named.add(AmbiguityCoerced, name, pointer, claimID, o.candidates)
	}
}

// judged are the methods of a choice that may go against the scores.
var judged = map[string]bool{"embedding_rank": true, "judge": true, "human": true}

// coerced reports whether one of several candidates was chosen that is not
// strictly the best of them, and nobody judged it to be.
func coerced(o outcome) bool {
	if o.decision != nil && judged[o.decision.Method] {
		return false
	}
	chosen, listed := -1.0, false
	for _, candidate := range o.candidates {
		if candidate.ID == o.id {
			chosen, listed = candidate.Score, true
		}
	}
	for _, candidate := range o.candidates {
		if candidate.ID != o.id && candidate.Score >= chosen {
			return true
		}
	}
	return len(o.candidates) > 0 && !listed
}
