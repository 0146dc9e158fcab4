package resolve

import "github.com/initkoa/orgo/activities/reference/claim"

// tally counts the outcomes of references.
type tally struct {
	documents, claims int64
	entities          map[string]int64
	properties        map[string]int64
}

func (t *tally) add(doc claim.Resolved) {
	if t.entities == nil {
		t.entities, t.properties = map[string]int64{}, map[string]int64{}
	}
	t.documents++
	t.claims += int64(len(doc.Claims))
	t.entities[doc.Subject.Status]++
	for _, c := range doc.Claims {
		t.properties[c.Predicate.Status]++
		if entity, isItem := c.Object.Value.(claim.ResolvedEntity); isItem {
			t.entities[entity.Status]++
		}
	}
}

func (t *tally) metrics() map[string]int64 {
	metrics := map[string]int64{"documents": t.documents, "claims": t.claims}
	for _, status := range []string{claim.StatusResolved, claim.StatusAmbiguous, claim.StatusUnresolved} {
		metrics["entities_"+status] = t.entities[status]
		metrics["properties_"+status] = t.properties[status]
	}
	return metrics
}
