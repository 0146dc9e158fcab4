package schemas

import (
	"encoding/json"
	"strconv"

	"github.com/kaptinlin/jsonschema"
)

// site is where a node stands in the schema that the library is given. It leads
// back from what the library reports to the schema as it was written.
type site struct {
	node     *node
	ref      *site // of a $ref that was emitted as such
	children map[step]*site
}

// inlineBudget is how many schemas may be written in place of references to
// them. Beyond it references are emitted, so that the size stays bounded.
const inlineBudget = 2_000

// emitter writes what can be reached from one schema in a normal form of which
// the library leaves nothing to chance:
//
//   - no $id, $anchor or $schema, and $defs at the top alone, so that it has one
//     way to resolve a reference, and it is the one resolved here;
//   - {} for true, as it takes true for a schema that has evaluated all members;
//   - no annotations, which cost time and change what some keywords do;
//   - the schema of unevaluatedItems twice negated, as the library takes the items
//     that it has evaluated of an item for such of the array around it;
//   - the target of a $ref in its place, where that is possible: it is faster.
type emitter struct {
	defs     map[string]any
	sites    map[*node]*site // of defs, by the node they stand for
	names    map[*node]string
	pending  []*node
	inlining map[*node]bool
	budget   int
}

// emit returns the normal form of a schema as JSON, and its site.
func emit(root *node) ([]byte, *site, error) {
	e := emitter{
		defs: map[string]any{}, sites: map[*node]*site{}, names: map[*node]string{},
		inlining: map[*node]bool{}, budget: inlineBudget,
	}
	form, at := e.schema(root)
	for len(e.pending) > 0 {
		next := e.pending[0]
		e.pending = e.pending[1:]
		body, site := e.schema(next)
		e.defs[e.names[next]] = body
		*e.sites[next] = *site
	}
	members, isObject := form.(map[string]any)
	if !isObject {
		members = map[string]any{"allOf": []any{form}}
		at = &site{node: root, children: map[step]*site{{"allOf", "0"}: at}}
	}
	if len(e.defs) > 0 {
		members["$defs"] = e.defs
	}
	data, err := json.Marshal(members)
	return data, at, err
}

func (e *emitter) schema(n *node) (any, *site) {
	if n.target != nil && len(n.asserts) == 0 && len(applied(n)) == 0 && e.mayInline(n.target) {
		e.inlining[n.target] = true
		defer delete(e.inlining, n.target)
		return e.schema(n.target)
	}
	e.budget--
	at := &site{node: n, children: make(map[step]*site, len(n.steps))}
	if n.never {
		return false, at
	}
	form := make(map[string]any, len(n.asserts)+len(n.steps)+1)
	for name, value := range n.asserts {
		form[name] = value
	}
	if pattern, ok := n.asserts["pattern"].(string); ok {
		form["pattern"], _ = translateRegex(pattern)
	}
	if n.target != nil {
		form["$ref"] = "#/$defs/" + e.define(n.target)
		at.ref = e.sites[n.target]
	}
	for _, next := range applied(n) {
		body, child := e.schema(n.children[next])
		at.children[next] = child
		if next.keyword == "unevaluatedItems" {
			body = negateTwice(body)
		}
		put(form, next, body)
	}
	return form, at
}

// negateTwice returns a schema that accepts the same and has evaluated nothing.
func negateTwice(body any) any {
	if members, isObject := body.(map[string]any); !isObject || len(members) == 0 {
		return body // true and false have evaluated nothing of an item
	}
	return map[string]any{"not": map[string]any{"not": body}}
}

// negatedTwice leads from the result of what negateTwice returned to that of the
// schema inside.
func negatedTwice(result *jsonschema.EvaluationResult) *jsonschema.EvaluationResult {
	if len(result.Details) != 1 || len(result.Details[0].Details) != 1 {
		return result
	}
	return result.Details[0].Details[0]
}

func (e *emitter) mayInline(target *node) bool {
	return e.budget > 0 && !e.inlining[target]
}

// define returns the name of the definition that stands for a node.
func (e *emitter) define(n *node) string {
	name, known := e.names[n]
	if !known {
		name = strconv.Itoa(len(e.names))
		e.names[n] = name
		e.sites[n] = &site{}
		e.pending = append(e.pending, n)
	}
	return name
}

// applied returns the steps to the schemas that apply to something.
func applied(n *node) []step {
	steps := make([]step, 0, len(n.steps))
	for _, at := range n.steps {
		if keywords[at.keyword].use == applies {
			steps = append(steps, at)
		}
	}
	return steps
}

// put puts a schema where a step leads.
func put(form map[string]any, at step, body any) {
	switch {
	case isSchemaMap(at.keyword):
		members, ok := form[at.keyword].(map[string]any)
		if !ok {
			members = map[string]any{}
			form[at.keyword] = members
		}
		name := at.name
		if at.keyword == "patternProperties" {
			name, _ = translateRegex(name)
		}
		members[name] = body
	case at.name != "":
		items, _ := form[at.keyword].([]any)
		form[at.keyword] = append(items, body)
	default:
		form[at.keyword] = body
	}
}
