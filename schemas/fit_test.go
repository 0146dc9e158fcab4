package schemas

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// patternSamples are regular expressions that RE2 and ECMA-262 read alike for
// the texts of the generator, with texts that match.
var patternSamples = []struct {
	pattern string
	samples []string
}{
	{`^a`, []string{"a", "ab", "abc", "a/b"}},
	{`b$`, []string{"b", "ab", "a/b"}},
	{`^[a-c]+$`, []string{"a", "abc", "cab"}},
	{`^x\d$`, []string{"x1", "x2"}},
	{`o{2}`, []string{"foo", "oo"}},
	{`^(foo|bar)$`, []string{"foo", "bar"}},
	{`^[^0-9]*$`, []string{"", "a", "é"}},
	{`^.$`, []string{"a", "é", "😀"}},
	{`^\p{L}+$`, []string{"a", "é", "abc"}},
	{`^$`, []string{""}},
}

// fit returns a value that is made to satisfy a schema, as far as that is easy:
// about every other one does.
func (p *pairs) fit(schema any, depth int) any {
	flat := map[string]any{}
	p.flatten(schema, flat, 8)
	if value, has := flat["const"]; has {
		return value
	}
	if values, has := flat["enum"].([]any); has {
		return pick(p, values)
	}
	switch kind := p.kindOf(flat); kind {
	case "string":
		return p.fitString(flat)
	case "number", "integer":
		return p.fitNumber(flat, kind)
	case "array":
		return p.fitArray(flat, depth)
	case "object":
		return p.fitObject(flat, depth)
	default:
		return p.valueOf(kind, 0)
	}
}

// flatten brings together what applies to one value, with one branch of those
// between which there is a choice. Of keywords that come twice one counts.
func (p *pairs) flatten(schema any, into map[string]any, fuel int) {
	members, isObject := schema.(map[string]any)
	if !isObject || fuel == 0 {
		return
	}
	for _, keyword := range sortedKeys(members) {
		value := members[keyword]
		switch keyword {
		case "allOf":
			for _, item := range value.([]any) {
				p.flatten(item, into, fuel-1)
			}
		case "anyOf", "oneOf":
			if branches := value.([]any); len(branches) > 0 {
				p.flatten(pick(p, branches), into, fuel-1)
			}
		case "$ref":
			p.flatten(p.refs[value.(string)], into, fuel-1)
		case "if":
			if p.oneIn(2) {
				p.flatten(value, into, fuel-1)
				p.flatten(members["then"], into, fuel-1)
			} else {
				p.flatten(members["else"], into, fuel-1)
			}
		case "properties", "patternProperties", "dependentRequired":
			merged, _ := into[keyword].(map[string]any)
			copied := map[string]any{}
			for _, from := range []map[string]any{merged, value.(map[string]any)} {
				for name, member := range from {
					copied[name] = member
				}
			}
			into[keyword] = copied
		case "required":
			earlier, _ := into[keyword].([]any)
			names, _ := value.([]any)
			into[keyword] = append(slices.Clone(earlier), names...)
		default:
			if _, has := into[keyword]; !has || p.oneIn(2) {
				into[keyword] = value
			}
		}
	}
}

func (p *pairs) kindOf(flat map[string]any) string {
	switch named := flat["type"].(type) {
	case string:
		if slices.Contains(kinds, named) {
			return named
		}
	case []any:
		if len(named) > 0 {
			return pick(p, named).(string)
		}
	}
	for _, known := range []struct{ keyword, kind string }{
		{"properties", "object"}, {"required", "object"}, {"patternProperties", "object"}, {"dependentRequired", "object"},
		{"dependentSchemas", "object"}, {"unevaluatedProperties", "object"}, {"additionalProperties", "object"}, {"propertyNames", "object"},
		{"minProperties", "object"}, {"maxProperties", "object"}, {"items", "array"}, {"prefixItems", "array"}, {"contains", "array"},
		{"unevaluatedItems", "array"}, {"uniqueItems", "array"}, {"minItems", "array"}, {"maxItems", "array"}, {"pattern", "string"},
		{"format", "string"}, {"minLength", "string"}, {"maxLength", "string"}, {"minimum", "number"}, {"maximum", "number"},
		{"exclusiveMinimum", "number"}, {"exclusiveMaximum", "number"}, {"multipleOf", "number"},
	} {
		if _, has := flat[known.keyword]; has && !p.oneIn(10) {
			return known.kind
		}
	}
	return p.kind()
}

// bound returns a count that a schema states.
func bound(flat map[string]any, keyword string, without int) int {
	literal, _ := flat[keyword].(json.Number)
	if n, err := strconv.Atoi(string(literal)); err == nil {
		return n
	}
	return without
}

func (p *pairs) fitString(flat map[string]any) any {
	text := pick(p, texts)
	if format, has := flat["format"].(string); has && formatSamples[format] != nil {
		return pick(p, formatSamples[format])
	}
	if pattern, has := flat["pattern"].(string); has {
		for _, sample := range patternSamples {
			if sample.pattern == pattern {
				text = pick(p, sample.samples)
			}
		}
	}
	runes := []rune(text)
	for least := bound(flat, "minLength", 0); len(runes) < least; {
		runes = append(runes, 'a')
	}
	return string(runes[:min(len(runes), max(bound(flat, "maxLength", len(runes)), 0))])
}

func (p *pairs) fitNumber(flat map[string]any, kind string) any {
	if step, has := flat["multipleOf"].(json.Number); has {
		if exact, ok := new(big.Rat).SetString(string(step)); ok {
			exact.Mul(exact, big.NewRat(int64(p.IntN(40)-10), 1))
			return json.Number(strings.TrimSuffix(exact.FloatString(9), ".000000000"))
		}
	}
	for _, keyword := range some(p, []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}, 4, 4) {
		limit, has := flat[keyword].(json.Number)
		exact, ok := new(big.Rat).SetString(string(limit))
		if !has || !ok {
			continue
		}
		switch p.IntN(4) {
		case 0:
			return limit
		case 1:
			exact.Add(exact, big.NewRat(1, 1))
		case 2:
			exact.Sub(exact, big.NewRat(1, 1))
		default:
			exact.Add(exact, big.NewRat(int64(p.IntN(9)-4), 10))
		}
		return json.Number(exact.FloatString(p.IntN(24)))
	}
	return p.valueOf(kind, 0)
}

func (p *pairs) fitArray(flat map[string]any, depth int) any {
	prefix, _ := flat["prefixItems"].([]any)
	least := bound(flat, "minItems", p.IntN(3))
	if _, has := flat["contains"]; has {
		least = max(least, bound(flat, "minContains", 1))
	}
	length := min(max(least, p.IntN(4)), bound(flat, "maxItems", 6))
	items := []any{}
	for i := range length {
		var of any = true
		switch {
		case i < len(prefix):
			of = prefix[i]
		case flat["contains"] != nil && i < len(prefix)+bound(flat, "minContains", 1):
			of = flat["contains"]
		case flat["items"] != nil:
			of = flat["items"]
		case flat["unevaluatedItems"] != nil:
			of = flat["unevaluatedItems"]
		}
		items = append(items, p.part(of, depth))
	}
	return items
}

// part returns a value that fits a schema, with an end to recursion.
func (p *pairs) part(schema any, depth int) any {
	if depth == 0 {
		return p.value(0)
	}
	return p.fit(schema, depth-1)
}

func (p *pairs) fitObject(flat map[string]any, depth int) any {
	properties, _ := flat["properties"].(map[string]any)
	var wanted []string
	required, _ := flat["required"].([]any)
	for _, name := range required {
		wanted = append(wanted, name.(string))
	}
	least, most := bound(flat, "minProperties", 0), bound(flat, "maxProperties", 6)
	for _, name := range sortedKeys(properties) {
		if len(wanted) < most && !p.oneIn(3) {
			wanted = append(wanted, name)
		}
	}
	patterns, _ := flat["patternProperties"].(map[string]any)
	for _, sample := range patternSamples {
		if _, has := patterns[sample.pattern]; has && len(wanted) < most && p.oneIn(2) {
			wanted = append(wanted, pick(p, sample.samples))
		}
	}
	dependents, _ := flat["dependentRequired"].(map[string]any)
	for _, name := range slices.Clone(wanted) {
		needs, _ := dependents[name].([]any)
		for _, need := range needs {
			wanted = append(wanted, need.(string))
		}
	}
	for _, name := range some(p, memberNames, len(memberNames), len(memberNames)) {
		if len(wanted) < least || flat["additionalProperties"] != false && flat["unevaluatedProperties"] != false && p.oneIn(12) {
			wanted = append(wanted, name)
		}
	}
	members := map[string]any{}
	for _, name := range wanted {
		members[name] = p.part(memberSchema(flat, name), depth)
	}
	return members
}

// memberSchema returns the first schema that a member has to satisfy.
func memberSchema(flat map[string]any, name string) any {
	if properties, _ := flat["properties"].(map[string]any); properties[name] != nil {
		return properties[name]
	}
	patterns, _ := flat["patternProperties"].(map[string]any)
	for _, pattern := range sortedKeys(patterns) {
		translated, _ := translateRegex(pattern)
		if matched, _ := regexp.MatchString(translated, name); matched {
			return patterns[pattern]
		}
	}
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties"} {
		if schema := flat[keyword]; schema != nil {
			return schema
		}
	}
	return true
}
