package schemas

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// SchemaError says why a schema is refused.
type SchemaError struct {
	Schema  string // its name in the set
	Pointer string // JSON Pointer to the part at fault
	Problem string
	Cause   error // may be nil
}

// Error names the schema, the place and the problem.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("schema %q, at %q: %s", e.Schema, e.Pointer, e.Problem)
}

// Unwrap returns the cause.
func (e *SchemaError) Unwrap() error { return e.Cause }

// step leads from a schema to one that it holds: a keyword and, where the
// keyword holds several, a name or an index.
type step struct{ keyword, name string }

// node is one schema or subschema of a set.
type node struct {
	schema   string // the name of the schema it is written in
	pointer  string // where it is written in there
	resource *resource
	never    bool           // the schema false
	asserts  map[string]any // assertion keywords, as decoded
	steps    []step         // in the order of keywords and names
	children map[step]*node
	ref      string
	target   *node // of ref, once resolved
}

// resource is what one $id identifies: a whole schema or a part of it.
type resource struct {
	prefix  string           // pointer of its root in the schema it is written in
	nodes   map[string]*node // every schema of the whole file, by pointer
	anchors map[string]*node
}

// schemaSet is a set of parsed schemas.
type schemaSet struct {
	roots map[string]*node
	ids   map[string]*resource
	nodes []*node
}

// parseSet parses schemas and resolves every reference within the set. Nothing
// is fetched: what cannot be resolved is refused.
func parseSet(set map[string][]byte) (*schemaSet, error) {
	parsed := &schemaSet{roots: map[string]*node{}, ids: map[string]*resource{}}
	for _, name := range sortedKeys(set) {
		value, err := decodeJSON(set[name])
		if err != nil {
			return nil, &SchemaError{Schema: name, Problem: "is not JSON: " + err.Error(), Cause: err}
		}
		p := parser{set: parsed, schema: name, nodes: map[string]*node{}}
		root, err := p.parse(value, "", nil)
		if err != nil {
			return nil, err
		}
		parsed.roots[name] = root
	}
	for _, n := range parsed.nodes {
		if err := parsed.resolve(n); err != nil {
			return nil, err
		}
	}
	return parsed, refuseCycles(parsed.nodes)
}

// parser parses one schema of a set.
type parser struct {
	set    *schemaSet
	schema string
	nodes  map[string]*node
}

func (p *parser) refuse(pointer, format string, args ...any) error {
	return &SchemaError{Schema: p.schema, Pointer: pointer, Problem: fmt.Sprintf(format, args...)}
}

// parse reads the schema at pointer, which belongs to the resource around it.
func (p *parser) parse(value any, pointer string, around *resource) (*node, error) {
	n := &node{schema: p.schema, pointer: pointer, asserts: map[string]any{}, children: map[step]*node{}}
	if around == nil {
		around = &resource{nodes: p.nodes, anchors: map[string]*node{}}
	}
	n.resource = around
	p.nodes[pointer] = n
	p.set.nodes = append(p.set.nodes, n)
	members, isObject := value.(map[string]any)
	if !isObject {
		if problem := schema(value); problem != "" {
			return nil, p.refuse(pointer, "%s", problem)
		}
		n.never = value == false
		return n, nil
	}
	if err := p.identify(n, members); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(members) {
		if err := p.keyword(n, name, members[name]); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// identify reads $id and $anchor, before all that they have a say in.
func (p *parser) identify(n *node, members map[string]any) error {
	if id, ok := members["$id"].(string); ok {
		if _, taken := p.set.ids[id]; taken {
			return p.refuse(n.pointer+"/$id", "the $id %q is taken; each must be unique in the set", id)
		}
		n.resource = &resource{prefix: n.pointer, nodes: p.nodes, anchors: map[string]*node{}}
		p.set.ids[id] = n.resource
	}
	if anchor, ok := members["$anchor"].(string); ok {
		if n.resource.anchors[anchor] != nil {
			return p.refuse(n.pointer+"/$anchor", "the $anchor %q is taken", anchor)
		}
		n.resource.anchors[anchor] = n
	}
	return nil
}

func (p *parser) keyword(n *node, name string, value any) error {
	pointer := n.pointer + "/" + escapePointer(name)
	known, ok := keywords[name]
	if !ok {
		return p.refuse(pointer, "the keyword %q is not supported, so it would not be checked; remove it", name)
	}
	if problem := known.shape(value); problem != "" {
		return p.refuse(pointer, "%s %s", name, problem)
	}
	switch known.use {
	case asserts:
		n.asserts[name] = value
	case identifies:
		if name == "$ref" {
			n.ref = value.(string)
		}
	case applies, defines:
		return p.children(n, name, value)
	case annotates:
	}
	return nil
}

// children parses the schemas that a keyword holds.
func (p *parser) children(n *node, name string, value any) error {
	pointer := n.pointer + "/" + name
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			index := strconv.Itoa(i)
			if err := p.child(n, step{name, index}, item, pointer+"/"+index); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		if isSchemaMap(name) {
			for _, member := range sortedKeys(value) {
				if err := p.child(n, step{name, member}, value[member], pointer+"/"+escapePointer(member)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return p.child(n, step{keyword: name}, value, pointer)
}

func (p *parser) child(n *node, at step, value any, pointer string) error {
	child, err := p.parse(value, pointer, n.resource)
	if err != nil {
		return err
	}
	n.steps = append(n.steps, at)
	n.children[at] = child
	return nil
}

// isSchemaMap reports whether a keyword holds schemas by name.
func isSchemaMap(name string) bool {
	switch name {
	case "$defs", "definitions", "properties", "patternProperties", "dependentSchemas":
		return true
	default:
		return false
	}
}

// resolve finds the schema that a node refers to: "#", "#/pointer" and "#anchor"
// in its own resource, or the same after the $id of a schema of the set.
func (s *schemaSet) resolve(n *node) error {
	if n.ref == "" {
		return nil
	}
	id, fragment, _ := strings.Cut(n.ref, "#")
	in := n.resource
	if id != "" {
		in = s.ids[id]
	}
	if in != nil {
		n.target = in.find(fragment)
	}
	if n.target == nil {
		return &SchemaError{
			Schema: n.schema, Pointer: n.pointer + "/$ref",
			Problem: fmt.Sprintf("$ref %q leads nowhere in this set; "+
				"use #/a/pointer, #anchor, or the $id of a schema of the set", n.ref),
		}
	}
	return nil
}

// find returns the schema that a fragment names, or nil.
func (r *resource) find(fragment string) *node {
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		return nil
	}
	if fragment == "" || fragment[0] == '/' {
		return r.nodes[r.prefix+fragment]
	}
	return r.anchors[fragment]
}

// refuseCycles refuses references that lead back to a schema for the same value:
// such a schema never comes to an end. The library would cut it short, and pass.
func refuseCycles(nodes []*node) error {
	const visiting, done = 1, 2
	state := make(map[*node]int, len(nodes))
	var visit func(n *node) error
	visit = func(n *node) error {
		switch state[n] {
		case done:
			return nil
		case visiting:
			return &SchemaError{Schema: n.schema, Pointer: n.pointer, Problem: "refers to itself for the same value, without end"}
		}
		state[n] = visiting
		if n.target != nil {
			if err := visit(n.target); err != nil {
				return err
			}
		}
		for _, at := range n.steps {
			if !keywords[at.keyword].inPlace {
				continue
			}
			if err := visit(n.children[at]); err != nil {
				return err
			}
		}
		state[n] = done
		return nil
	}
	for _, n := range nodes {
		if err := visit(n); err != nil {
			return err
		}
	}
	return nil
}

// escapePointer escapes one token of a JSON Pointer (RFC 6901, section 3).
func escapePointer(token string) string {
	return pointerEscapes.Replace(token)
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// sortedKeys is the one order in which members are visited.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
