package resolve

import (
	"fmt"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/records"
)

// resolver resolves documents, one after the other.
type resolver struct {
	items      *finder
	properties *finder
	resolution claim.Resolution
}

// document resolves every reference of doc. hash is that of the Claim-IR
// document; it also makes the claim ids that the document lacks.
func (r *resolver) document(doc claim.Document, hash records.Digest) claim.Resolved {
	var said notices
	resolved := claim.Resolved{
		SchemaVersion: claim.SchemaVersion,
		Input:         claim.ResolvedInput{ClaimIRHash: &hash},
		Resolution:    r.resolution,
		Claims:        make([]claim.ResolvedClaim, len(doc.Claims)),
	}
	if doc.Document != nil {
		resolved.Input.ClaimIRRef = claim.ClaimIRRef{DocID: doc.Document.DocID, SourceID: doc.Document.SourceID}
	}
	resolved.Subject = r.entity(doc.Subject, "/subject", subjectAmbiguous, &said)
	for i, c := range doc.Claims {
		at := fmt.Sprintf("/claims/%d", i)
		id := c.ClaimID
		if id == "" {
			id = fmt.Sprintf("%s#/claims/%d", hash, i)
		}
		resolved.Claims[i] = claim.ResolvedClaim{
			ClaimID:   id,
			Predicate: r.predicate(c.Predicate, at+"/predicate", &said),
			Object:    r.object(c.Object, at+"/object", &said),
			Evidence:  c.Evidence,
		}
		for j, q := range c.Qualifiers {
			at := fmt.Sprintf("%s/qualifiers/%d", at, j)
			resolved.Claims[i].Qualifiers = append(resolved.Claims[i].Qualifiers, claim.ResolvedQualifier{
				Predicate: r.predicate(q.Predicate, at+"/predicate", &said),
				Object:    r.object(q.Object, at+"/object", &said),
			})
		}
	}
	resolved.Warnings = said.list(doc.Warnings)
	return resolved
}

// object resolves the value of an item; other values pass as they are.
func (r *resolver) object(object claim.Object, path string, said *notices) claim.Object {
	if entity, isItem := object.Value.(claim.Entity); isItem {
		object.Value = r.entity(entity, path+"/value", itemAmbiguous, said)
	}
	return object
}

// entity resolves a reference to an item. An explicit Q-id is never questioned;
// that the name is another's is remarked. ambiguous is the remark to make when
// there are several candidates.
func (r *resolver) entity(e claim.Entity, path string, ambiguous remark, said *notices) claim.ResolvedEntity {
	resolved := claim.ResolvedEntity{Status: claim.StatusResolved, QID: e.QID, Surface: e.Surface, Lang: e.Lang, Candidates: e.Candidates}
	found := r.find(r.items, e.Surface)
	if e.QID != "" {
		if len(found.candidates) > 0 && found.total == len(found.candidates) && !found.has(e.QID) {
			said.add(labelOfAnother, path, e.Surface)
		}
		return resolved
	}
	v := decide(e.Candidates, found)
	v.remark(said, path, e.Surface, ambiguous, itemUnresolved)
	resolved.Status, resolved.QID, resolved.Candidates, resolved.Decision = v.status, v.id, v.candidates, v.choice()
	return resolved
}

// predicate resolves a reference to a property, as entity does to an item.
func (r *resolver) predicate(p claim.Predicate, path string, said *notices) claim.ResolvedPredicate {
	resolved := claim.ResolvedPredicate{Status: claim.StatusResolved, PID: p.PID, Surface: p.Surface, Lang: p.Lang, Candidates: p.Candidates}
	if p.PID != "" {
		return resolved
	}
	v := decide(p.Candidates, r.find(r.properties, p.Surface))
	v.remark(said, path, p.Surface, predicateAmbiguous, propertyUnresolved)
	resolved.Status, resolved.PID, resolved.Candidates, resolved.Decision = v.status, v.id, v.candidates, v.choice()
	return resolved
}

func (r *resolver) find(in *finder, surface string) match {
	if surface == "" {
		return match{}
	}
	return in.find(surface)
}

// remark says what did not come to one item, and what was dropped.
func (v verdict) remark(said *notices, path, name string, ambiguous, unresolved remark) {
	switch v.status {
	case claim.StatusAmbiguous:
		said.add(ambiguous, path, name)
	case claim.StatusUnresolved:
		said.add(unresolved, path, name)
	}
	if v.dropped > 0 {
		said.add(candidatesDropped, path, name)
	}
}

func (v verdict) choice() *claim.Choice {
	if v.status != claim.StatusResolved {
		return nil
	}
	return &claim.Choice{Method: v.method}
}
