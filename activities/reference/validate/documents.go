package validate

import (
	"fmt"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/reference/statement"
)

// checker looks at documents, one after the other. What can only be seen across
// documents goes to the cross checks.
type checker struct {
	issues  *collector
	sources sources
	known   properties
	cross   *cross
	count   struct{ documents, claims int64 }
}

// subject is the document that is looked at.
type subject struct {
	line     int64
	doc      document.Resolved
	entity   identity.Ref
	position int64 // of the next issue
	named    references
}

// check looks at one line. The error is one of sorting, not of the document.
func (c *checker) check(line int64, text []byte) error {
	c.count.documents++
	doc, err := document.ReadResolved(text)
	at := &subject{line: line, doc: doc}
	if err == nil {
		at.entity, err = identity.Entity(doc.Subject, doc.ID)
	}
	if err != nil {
		c.report(at, SchemaViolation, "", "", fmt.Sprintf("line %d %s: %v", line, codeTable[SchemaViolation].says, err), nil)
		return nil
	}
	if len(doc.Errors) > 0 {
		first := doc.Errors[0]
		c.report(at, ResolutionFailed, "/errors/0", "", fmt.Sprintf("%q %s: %s", name(doc.Subject), codeTable[ResolutionFailed].says, document.Excerpt(first.Message)),
			map[string]any{"errors": len(doc.Errors), "code": first.Code})
	}
	if len(doc.Claims) == 0 {
		c.report(at, NoClaims, "/claims", "", fmt.Sprintf("%q %s", name(doc.Subject), codeTable[NoClaims].says), nil)
	}
	c.entity(at, doc.Subject, "/subject", "")
	for i := range doc.Claims {
		if err := c.claim(at, i); err != nil {
			return err
		}
	}
	at.named.report(c, at)
	return nil
}

func name(e claim.ResolvedEntity) string {
	if e.Surface != "" {
		return document.Excerpt(e.Surface)
	}
	return e.QID
}

func (c *checker) claim(at *subject, i int) error {
	c.count.claims++
	one := at.doc.Claims[i]
	path := fmt.Sprintf("/claims/%d", i)
	c.evidence(at, one, path)
	c.predicate(at, one.Predicate, path+"/predicate", one.ClaimID)
	c.object(at, one, one.Predicate, one.Object, path+"/object")
	for j, q := range one.Qualifiers {
		path := fmt.Sprintf("%s/qualifiers/%d", path, j)
		c.predicate(at, q.Predicate, path+"/predicate", one.ClaimID)
		c.object(at, one, q.Predicate, q.Object, path+"/object")
	}
	states, err := statement.Of(at.entity, one, at.doc.ID)
	if err != nil {
		c.report(at, SchemaViolation, path, one.ClaimID, fmt.Sprintf("claim %q states nothing: %v", document.Excerpt(one.ClaimID), err), nil)
		return nil
	}
	at.position++
	return c.cross.add(mention{
		at: place{at.line, at.position}, claimID: one.ClaimID, docID: at.doc.Input.ClaimIRRef.DocID, statement: states,
		single: c.known.singleValued(one.Predicate),
	})
}

func (c *checker) evidence(at *subject, one claim.ResolvedClaim, path string) {
	if len(one.Evidence) == 0 {
		c.report(at, EvidenceMissing, path, one.ClaimID, fmt.Sprintf("claim %q %s", document.Excerpt(one.ClaimID), codeTable[EvidenceMissing].says), nil)
	}
	for i, evidence := range one.Evidence {
		if source := evidence.Source.SourceID; !c.sources.has(source) {
			c.report(at, EvidenceUnknownSource, fmt.Sprintf("%s/evidence/%d/source", path, i), one.ClaimID,
				fmt.Sprintf("claim %q %s: %q", document.Excerpt(one.ClaimID), codeTable[EvidenceUnknownSource].says, document.Excerpt(source)),
				map[string]any{"source_id": document.Excerpt(source)})
		}
	}
}

func (c *checker) object(at *subject, one claim.ResolvedClaim, predicate claim.ResolvedPredicate, object claim.Object, path string) {
	if entity, isItem := object.Value.(claim.ResolvedEntity); isItem {
		c.entity(at, entity, path+"/value", one.ClaimID)
	}
	if want, known := c.known.datatype(predicate); known && want != object.Kind {
		c.report(at, ValueType, path, one.ClaimID,
			fmt.Sprintf("a value of %q %s: %s, not %s", predicateName(predicate), codeTable[ValueType].says, object.Kind, want),
			map[string]any{"expected": want, "actual": object.Kind})
	}
	if time, isTime := object.Value.(claim.Time); isTime && !possible(time) {
		c.report(at, ValueInvalid, path, one.ClaimID,
			fmt.Sprintf("%q %s", document.Excerpt(time.ISO8601), codeTable[ValueInvalid].says),
			map[string]any{"value": document.Excerpt(time.ISO8601)})
	}
}

func predicateName(p claim.ResolvedPredicate) string {
	if p.PID != "" {
		return p.PID
	}
	return document.Excerpt(p.Surface)
}

// report adds an issue about the document that is looked at.
func (c *checker) report(at *subject, code Code, pointer, claimID, message string, details map[string]any) {
	at.position++
	c.issues.add(code, place{at.line, at.position}, func() issue {
		one := issue{Message: message, Location: &location{JSONPointer: pointer, ClaimID: claimID}, Details: map[string]any{"line": at.line}}
		if at.entity != (identity.Ref{}) {
			one.Location.EntityID = at.entity.String()
		}
		if id := at.doc.Input.ClaimIRRef.DocID; id != "" {
			one.Details["document"] = id
		}
		for name, value := range details {
			one.Details[name] = value
		}
		return one
	})
}
