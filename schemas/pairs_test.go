package schemas

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

// pairs makes schemas, and documents for each of them. The same seed makes the
// same ones.
type pairs struct {
	*rand.Rand
	root map[string]any
	refs map[string]any // what each $ref leads to
	next int            // the first definition that may be referred to in place
	base string         // the $id of the schema, or ""
}

// kinds are the types of JSON, as JSON Schema names them.
var kinds = []string{"object", "array", "string", "number", "integer", "boolean", "null"}

// definitions is how many $defs a schema has at most.
const definitions = 3

func newPairs(seed, index uint64) *pairs {
	return &pairs{Rand: rand.New(rand.NewPCG(seed, index)), refs: map[string]any{}}
}

// oneIn is true once in n times.
func (p *pairs) oneIn(n int) bool { return p.IntN(n) == 0 }

func pick[T any](p *pairs, items []T) T { return items[p.IntN(len(items))] }

// some returns distinct items, from least to most of them.
func some[T any](p *pairs, items []T, least, most int) []T {
	n := min(least+p.IntN(most-least+1), len(items))
	chosen := make([]T, 0, n)
	for _, i := range p.Perm(len(items))[:n] {
		chosen = append(chosen, items[i])
	}
	return chosen
}

// schema returns a whole schema. One in fifty has a fault.
func (p *pairs) schema() map[string]any {
	count := p.IntN(definitions + 1)
	if p.oneIn(3) {
		p.base = "https://example.org/schema"
	}
	bodies := make([]any, count)
	for i := range bodies {
		bodies[i] = map[string]any{}
		p.declare(i, bodies[i].(map[string]any))
	}
	for i := range bodies {
		// A definition refers in place to later ones alone, so that none comes
		// back to itself.
		p.next = i + 1
		p.object(2, p.kind(), true, bodies[i].(map[string]any))
	}
	p.next = 0
	p.root = map[string]any{}
	p.refs["#"] = p.root
	p.object(3, p.kind(), true, p.root)
	if p.base != "" {
		p.root["$id"] = p.base
		p.refs[p.base] = p.root
		delete(p.refs, "#")
	}
	if count > 0 {
		defs := map[string]any{}
		for i, body := range bodies {
			defs[strconv.Itoa(i)] = body
		}
		p.root["$defs"] = defs
	}
	if p.oneIn(2) {
		p.root["$schema"] = dialectURI
	}
	if p.oneIn(50) {
		p.spoil(p.root)
	}
	return p.root
}

// declare gives definition i its names, before anything refers to it.
func (p *pairs) declare(i int, body map[string]any) {
	name := strconv.Itoa(i)
	resource := p.base
	if p.base != "" && p.oneIn(3) {
		resource = "https://example.org/" + name
		body["$id"] = resource
		p.refs[resource] = body
	}
	if p.oneIn(2) {
		body["$anchor"] = "a" + name
		p.refs[resource+"#a"+name] = body
	}
	p.refs[p.base+"#/$defs/"+name] = body
}

// spoil puts in what no schema may have.
func (p *pairs) spoil(schema map[string]any) {
	fault := pick(p, []struct {
		keyword string
		value   any
	}{
		{"$ref", "#/$defs/nope"}, {"$ref", "https://example.org/nope"}, {"$ref", "#"}, {"$dynamicRef", "#a"},
		{"requierd", []any{"a"}}, {"dependencies", map[string]any{}}, {"type", "text"}, {"type", []any{}},
		{"enum", []any{}}, {"pattern", "("}, {"pattern", "(?=a)"}, {"minLength", json.Number("-1")},
		{"multipleOf", json.Number("0")}, {"format", "phone"}, {"required", true}, {"anyOf", []any{}},
		{"maximum", "1"}, {"$schema", "http://json-schema.org/draft-07/schema#"}, {"items", []any{}},
	})
	schema[fault.keyword] = fault.value
}

func (p *pairs) kind() string {
	if p.oneIn(3) {
		return pick(p, kinds)
	}
	return pick(p, []string{"object", "array", "string", "number"})
}

// sub returns a schema of values of a kind. inPlace says that it applies to the
// same value as the one that holds it.
func (p *pairs) sub(depth int, kind string, inPlace bool) any {
	if p.oneIn(12) {
		return !p.oneIn(3)
	}
	schema := map[string]any{}
	p.object(depth, kind, inPlace, schema)
	return schema
}

// object fills a schema with keywords.
func (p *pairs) object(depth int, kind string, inPlace bool, into map[string]any) {
	if p.oneIn(2) {
		into["type"] = p.types(kind)
	}
	p.keywords(depth, kind, into)
	if p.oneIn(12) {
		p.keywords(depth, pick(p, kinds), into)
	}
	if depth > 0 && p.oneIn(3) {
		p.combine(depth-1, kind, into)
	}
	if p.oneIn(6) {
		p.refer(inPlace, into)
	}
	switch p.IntN(40) {
	case 0:
		into["enum"] = []any{p.value(1), p.value(1), p.value(0), p.valueOf(kind, 1)}
	case 1:
		into["const"] = p.valueOf(kind, 1)
	case 2:
		into[pick(p, []string{"title", "description", "$comment", "contentMediaType", "contentEncoding"})] = "a"
	case 3:
		into["default"] = p.value(1)
	case 4:
		into["examples"] = []any{p.value(1)}
	case 5:
		into[pick(p, []string{"deprecated", "readOnly", "writeOnly"})] = true
	}
}

func (p *pairs) types(kind string) any {
	if !p.oneIn(4) {
		return kind
	}
	list := []any{kind}
	for _, other := range some(p, kinds, 0, 2) {
		if other != kind {
			list = append(list, other)
		}
	}
	return list
}

func (p *pairs) keywords(depth int, kind string, into map[string]any) {
	switch kind {
	case "string":
		p.stringKeywords(into)
	case "number", "integer":
		p.numberKeywords(into)
	case "array":
		p.arrayKeywords(depth, into)
	case "object":
		p.objectKeywords(depth, into)
	}
}

func (p *pairs) stringKeywords(into map[string]any) {
	for _, keyword := range some(p, []string{"minLength", "maxLength", "pattern", "format"}, 0, 2) {
		switch keyword {
		case "minLength":
			into[keyword] = p.count(3)
		case "maxLength":
			into[keyword] = p.count(8)
		case "pattern":
			into[keyword] = pick(p, patternSamples).pattern
		case "format":
			into[keyword] = pick(p, sortedKeys(formatSamples))
		}
	}
}

func (p *pairs) numberKeywords(into map[string]any) {
	for _, keyword := range some(p, []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}, 0, 2) {
		if keyword == "multipleOf" {
			into[keyword] = json.Number(pick(p, []string{"1", "2", "0.1", "0.01", "1.5", "3", "1e1", "1e-7", "0.3"}))
			continue
		}
		into[keyword] = p.number()
	}
}

func (p *pairs) arrayKeywords(depth int, into map[string]any) {
	for _, keyword := range some(p, []string{
		"minItems", "maxItems", "uniqueItems", "contains", "prefixItems", "items", "unevaluatedItems",
	}, 1, 3) {
		switch {
		case keyword == "minItems":
			into[keyword] = p.count(2)
		case keyword == "maxItems":
			into[keyword] = p.count(5)
		case keyword == "uniqueItems":
			into[keyword] = !p.oneIn(5)
		case depth == 0:
		case keyword == "prefixItems":
			list := make([]any, 1+p.IntN(2))
			for i := range list {
				list[i] = p.sub(depth-1, p.kind(), false)
			}
			into[keyword] = list
		case keyword == "contains":
			into[keyword] = p.sub(depth-1, p.kind(), false)
			if p.oneIn(2) {
				into["minContains"] = p.count(2)
			}
			if p.oneIn(3) {
				into["maxContains"] = p.count(3)
			}
		default:
			into[keyword] = p.sub(depth-1, p.kind(), false)
		}
	}
}

// memberNames are those of members, with some that pointers escape.
var memberNames = []string{"a", "b", "c", "foo", "x1", "x2", "é", "a/b", "~t", "", "1"}

func (p *pairs) objectKeywords(depth int, into map[string]any) {
	for _, keyword := range some(p, []string{
		"properties", "patternProperties", "additionalProperties", "propertyNames", "required", "dependentRequired",
		"dependentSchemas", "minProperties", "maxProperties", "unevaluatedProperties", "properties", "required",
	}, 1, 4) {
		switch {
		case keyword == "required":
			into[keyword] = anyList(some(p, memberNames, 1, 2))
		case keyword == "minProperties":
			into[keyword] = p.count(2)
		case keyword == "maxProperties":
			into[keyword] = p.count(5)
		case keyword == "dependentRequired":
			members := map[string]any{}
			for _, name := range some(p, memberNames, 1, 2) {
				members[name] = anyList(some(p, memberNames, 0, 2))
			}
			into[keyword] = members
		case depth == 0:
		case keyword == "properties", keyword == "patternProperties", keyword == "dependentSchemas":
			into[keyword] = p.members(keyword, depth-1)
		case keyword == "propertyNames":
			into[keyword] = p.sub(depth-1, "string", false)
		default:
			into[keyword] = p.sub(depth-1, p.kind(), false)
		}
	}
}

func (p *pairs) members(keyword string, depth int) map[string]any {
	members := map[string]any{}
	if keyword == "patternProperties" {
		for _, sample := range some(p, patternSamples, 1, 2) {
			members[sample.pattern] = p.sub(depth, p.kind(), false)
		}
		return members
	}
	inPlace := keyword == "dependentSchemas"
	for _, name := range some(p, memberNames, 1, 3) {
		kind := "object"
		if !inPlace {
			kind = p.kind()
		}
		members[name] = p.sub(depth, kind, inPlace)
	}
	return members
}

// combine adds schemas that apply in place.
func (p *pairs) combine(depth int, kind string, into map[string]any) {
	list := func() []any {
		items := make([]any, 1+p.IntN(3))
		for i := range items {
			items[i] = p.sub(depth, kind, true)
		}
		return items
	}
	switch keyword := pick(p, []string{"allOf", "anyOf", "oneOf", "not", "if"}); keyword {
	case "not":
		into[keyword] = p.sub(depth, p.kind(), true)
	case "if":
		into[keyword] = p.sub(depth, kind, true)
		for _, branch := range some(p, []string{"then", "else"}, 0, 2) {
			into[branch] = p.sub(depth, kind, true)
		}
	default:
		into[keyword] = list()
	}
}

// refer adds a $ref: in place to a later definition alone, elsewhere to any, and
// to the whole schema.
func (p *pairs) refer(inPlace bool, into map[string]any) {
	var open []string
	for _, ref := range sortedKeys(p.refs) {
		last := ref[len(ref)-1]
		isDefinition := last >= '0' && last <= '9'
		if isDefinition && (!inPlace || int(last-'0') >= p.next) || !isDefinition && !inPlace {
			open = append(open, ref)
		}
	}
	if len(open) > 0 {
		into["$ref"] = pick(p, open)
	}
}

func (p *pairs) count(limit int) json.Number {
	return json.Number(strconv.Itoa(p.IntN(limit + 1)))
}

// numbers are spelt in all ways, around what a double can carry.
var numbers = []string{
	"0", "1", "-1", "2", "3", "5", "10", "0.1", "0.3", "0.5", "1.5", "1.0", "-2.5", "1e1", "1E+2", "100", "-0", "0.0", "2.50",
	"9007199254740992", "9007199254740993", "9007199254740993.0", "0.1000000000000000000001", "1e-7", "12345678901234567890",
}

func (p *pairs) number() json.Number { return json.Number(pick(p, numbers)) }

var texts = []string{
	"", "a", "b", "ab", "abc", "abcb", "A", "é", "e\u0301", "€uro", "😀", "foo", "bar", "x1", "x12", "1", "a b", "a\nb", "/a", "null",
}

// value returns any value of limited depth.
func (p *pairs) value(depth int) any { return p.valueOf(p.kind(), depth) }

func (p *pairs) valueOf(kind string, depth int) any {
	switch kind {
	case "string":
		return pick(p, texts)
	case "number":
		return p.number()
	case "integer":
		return json.Number(pick(p, []string{"0", "1", "-1", "2", "3.0", "1e1", "9007199254740993"}))
	case "boolean":
		return p.oneIn(2)
	case "null":
		return nil
	case "array":
		items := []any{}
		for range p.IntN(4) {
			if depth > 0 {
				items = append(items, p.value(depth-1))
			}
		}
		return items
	case "object":
		members := map[string]any{}
		for _, name := range some(p, memberNames, 0, 3) {
			if depth > 0 {
				members[name] = p.value(depth - 1)
			}
		}
		return members
	}
	panic(fmt.Sprintf("there is no kind %q", kind))
}

func anyList(names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	return list
}

// document returns a document for the schema: one that is made to fit, and every
// other time is changed in some places then.
func (p *pairs) document() any {
	value := p.fit(p.root, 4)
	if p.oneIn(2) {
		return value
	}
	for range 1 + p.IntN(2) {
		value = p.change(value)
	}
	return value
}

// change returns a value that differs in one place. What it is given stays.
func (p *pairs) change(value any) any {
	switch value := value.(type) {
	case []any:
		if len(value) > 0 && !p.oneIn(4) {
			changed, at := slices.Clone(value), p.IntN(len(value))
			switch p.IntN(4) {
			case 0:
				return slices.Delete(changed, at, at+1)
			case 1:
				return append(changed, changed[at])
			default:
				changed[at] = p.change(changed[at])
				return changed
			}
		}
		return append(slices.Clone(value), p.value(1))
	case map[string]any:
		changed := make(map[string]any, len(value)+1)
		for name, member := range value {
			changed[name] = member
		}
		if len(value) > 0 && !p.oneIn(4) {
			name := pick(p, sortedKeys(value))
			if p.oneIn(3) {
				delete(changed, name)
			} else {
				changed[name] = p.change(value[name])
			}
			return changed
		}
		changed[pick(p, memberNames)] = p.value(1)
		return changed
	case string:
		if p.oneIn(2) {
			return value + pick(p, []string{"a", "1", "\n", " ", "é"})
		}
	}
	return p.value(1)
}
