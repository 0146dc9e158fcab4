package schemas

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// compileOne compiles a set of one schema.
func compileOne(text string) (*Validator, error) {
	compiled, err := Compile(map[string][]byte{"s": []byte(text)})
	if err != nil {
		return nil, err
	}
	validator, _ := compiled.Validator("s")
	return validator, nil
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ schema, pointer, problem string }{
		"text that is not JSON":       {`{`, "", "is not JSON"},
		"a duplicate key":             {`{"type":"string","type":"number"}`, "", "duplicate"},
		"a schema that is none":       {`[]`, "", "must be a schema"},
		"null for a schema":           {`{"properties":{"a":null}}`, "/properties/a", "must be a schema"},
		"an unknown keyword":          {`{"items":{"requierd":["a"]}}`, "/items/requierd", "not supported"},
		"a keyword of another draft":  {`{"dependencies":{"a":["b"]}}`, "/dependencies", "not supported"},
		"contentSchema":               {`{"contentSchema":{}}`, "/contentSchema", "not supported"},
		"$dynamicRef":                 {`{"$dynamicRef":"#a","$dynamicAnchor":"a"}`, "/$dynamicAnchor", "not supported"},
		"another dialect":             {`{"$schema":"http://json-schema.org/draft-07/schema#"}`, "/$schema", "2020-12"},
		"another dialect inside":      {`{"$defs":{"a":{"$schema":"urn:mine"}}}`, "/$defs/a/$schema", "2020-12"},
		"a relative $id":              {`{"$id":"other.json"}`, "/$id", "absolute"},
		"a $id with a fragment":       {`{"$id":"urn:a#b"}`, "/$id", "absolute"},
		"a repeated $id":              {`{"$id":"urn:a","$defs":{"b":{"$id":"urn:a"}}}`, "/$defs/b/$id", "is taken"},
		"a repeated $anchor":          {`{"$anchor":"a","$defs":{"b":{"$anchor":"a"}}}`, "/$defs/b/$anchor", "is taken"},
		"a malformed $anchor":         {`{"$anchor":"#a"}`, "/$anchor", "must be a letter"},
		"a $ref to no definition":     {`{"$ref":"#/$defs/nope"}`, "/$ref", "leads nowhere"},
		"a $ref to no anchor":         {`{"$ref":"#nope"}`, "/$ref", "leads nowhere"},
		"a $ref to no schema":         {`{"$ref":"urn:nope"}`, "/$ref", "leads nowhere"},
		"a $ref to the web":           {`{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, "/$ref", "leads nowhere"},
		"a $ref to a file":            {`{"$ref":"other.schema.json"}`, "/$ref", "leads nowhere"},
		"a $ref to what is no schema": {`{"$ref":"#/enum/0","enum":[{}]}`, "/$ref", "leads nowhere"},
		"an empty $ref":               {`{"$ref":""}`, "/$ref", "not empty"},
		"a $ref in a circle":          {`{"$ref":"#"}`, "", "without end"},
		"a longer circle":             {`{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}`, "/$defs/a", "without end"},
		"an unknown format":           {`{"format":"phone"}`, "/format", "does not check"},
		"an unknown type":             {`{"type":"int"}`, "/type", "not a type"},
		"no type":                     {`{"type":[]}`, "/type", "must name a type"},
		"an empty enum":               {`{"enum":[]}`, "/enum", "not empty"},
		"an empty anyOf":              {`{"anyOf":[]}`, "/anyOf", "not empty"},
		"items of old":                {`{"items":[{}]}`, "/items", "must be a schema"},
		"required as it once was":     {`{"required":true}`, "/required", "array of strings"},
		"required twice the same":     {`{"required":["a","a"]}`, "/required", "twice"},
		"a negative length":           {`{"minLength":-1}`, "/minLength", "integer"},
		"half a length":               {`{"minLength":1.5}`, "/minLength", "integer"},
		"a limit in words":            {`{"maximum":"5"}`, "/maximum", "number"},
		"a flag in words":             {`{"uniqueItems":"yes"}`, "/uniqueItems", "true or false"},
		"multiples of nothing":        {`{"multipleOf":0}`, "/multipleOf", "greater than 0"},
		"a number beyond doubles":     {`{"maximum":1e999}`, "", "beyond the range"},
		"lookahead":                   {`{"pattern":"(?=a)"}`, "/pattern", "RE2"},
		"a backreference":             {`{"pattern":"(a)\\1"}`, "/pattern", "differently"},
		"flags":                       {`{"pattern":"(?i)a"}`, "/pattern", "differently"},
		"an escape of Perl":           {`{"pattern":"\\Aa\\z"}`, "/pattern", "differently"},
		"a class of POSIX":            {`{"pattern":"[[:alpha:]]"}`, "/pattern", "differently"},
		"a class of nothing":          {`{"pattern":"[]a]"}`, "/pattern", "differently"},
		"a pattern for names":         {`{"patternProperties":{"(":{}}}`, "/patternProperties", "RE2"},
		"a pattern twice":             {`{"patternProperties":{"\\u0061":{},"\\u{0061}":{}}}`, "/patternProperties", "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compileOne(c.schema)
			var refused *SchemaError
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Problem, c.problem)
			require.Equal(t, c.pointer, refused.Pointer)
			require.Equal(t, "s", refused.Schema)
		})
	}
}

func TestCompileRefusesOneIDForTwoSchemas(t *testing.T) {
	t.Parallel()
	_, err := Compile(map[string][]byte{
		"a": []byte(`{"$id":"urn:x","type":"string"}`),
		"b": []byte(`{"$id":"urn:x","type":"number"}`),
	})
	var refused *SchemaError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "b", refused.Schema)
}

func TestReferences(t *testing.T) {
	t.Parallel()
	compiled, err := Compile(map[string][]byte{
		"list": []byte(`{"$id":"urn:list","type":"object","properties":{"head":{"$ref":"urn:item#short"},"tail":{"$ref":"#"}},
			"required":["head"],"additionalProperties":false}`),
		"item": []byte(`{"$id":"urn:item","$defs":{"a~/b%":{"$anchor":"short","type":"string","maxLength":2},
			"inner":{"$id":"urn:inner","$defs":{"n":{"type":"number"}},"$ref":"#/$defs/n"}}}`),
		"both": []byte(`{"properties":{"p":{"$ref":"urn:item#/$defs/a~0~1b%25","minLength":1},"n":{"$ref":"urn:inner"}}}`),
	})
	require.NoError(t, err)
	for _, c := range []struct{ schema, doc, found string }{
		{"list", `{"head":"a","tail":{"head":"bc","tail":{"head":""}}}`, ""},
		{"list", `{"head":"a","tail":{"head":"b","tail":{"head":"toolong"}}}`,
			`SCHEMA_MAX_LENGTH at "/tail/tail/head": is "toolong", longer than 2 characters (item#/$defs/a~0~1b%/maxLength)`},
		{"list", `{"head":"a","tail":{"x/y":1}}`, `SCHEMA_REQUIRED at "/tail": lacks the member "head" (#/required)`},
		{"both", `{"p":"ab","n":1.5}`, ""},
		{"both", `{"p":"","n":1}`, `SCHEMA_MIN_LENGTH at "/p": is "", shorter than 1 characters (#/properties/p/minLength)`},
		{"both", `{"n":"1"}`, `SCHEMA_TYPE at "/n": is "1", not of type number (item#/$defs/inner/$defs/n/type)`},
	} {
		validator, found := compiled.Validator(c.schema)
		require.True(t, found)
		report, err := validator.Validate([]byte(c.doc))
		require.NoError(t, err)
		if c.found == "" {
			require.True(t, report.Valid(), report.Violations)
			continue
		}
		require.NotEmpty(t, report.Violations)
		require.Equal(t, c.found, report.Violations[0].String())
	}
	_, found := compiled.Validator("other")
	require.False(t, found)
}

// Definitions that use each other twice would grow beyond bounds if references
// were always replaced by what they refer to.
func TestReferencesDoNotExplode(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/a","$defs":{`)
	for name := 'a'; name < 'z'; name++ {
		next := string(name + 1)
		b.WriteString(`"` + string(name) + `":{"properties":{"l":{"$ref":"#/$defs/` + next + `"},"r":{"$ref":"#/$defs/` + next + `"}}},`)
	}
	b.WriteString(`"z":{"type":"string"}}}`)
	validator, err := compileOne(b.String())
	require.NoError(t, err)
	require.Less(t, len(validator.form), 1<<20)
	path := strings.Repeat(`{"r":`, 25)
	for doc, valid := range map[string]bool{
		path + `"x"` + strings.Repeat("}", 25): true,
		path + `1` + strings.Repeat("}", 25):   false,
	} {
		report, err := validator.Validate([]byte(doc))
		require.NoError(t, err)
		require.Equal(t, valid, report.Valid())
		if !valid {
			require.Equal(t, strings.Repeat("/r", 25), report.Violations[0].Pointer)
			require.Equal(t, "#/$defs/z/type", report.Violations[0].SchemaPointer)
		}
	}
}

func TestRegexesMeanWhatECMAScriptSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		matches []string
		others  []string
	}{
		{`^\S+$`, []string{"ab", "\u200b"}, []string{"a b", "a\u00a0b", "a\u2003b", "a\ufeffb", "a\vb"}},
		{`^[\s,]+$`, []string{" ,\u3000"}, []string{"a"}},
		{`^.$`, []string{"a", "\u0085"}, []string{"\n", "\r", "\u2028", "\u2029"}},
		{`^\d$`, []string{"7"}, []string{"٧"}},
		{`^\u20ac[\u{1F600}.]$`, []string{"€😀", "€."}, []string{"€a"}},
		{`^[^\]]\\\.$`, []string{`a\.`}, []string{`]\.`, `a\x`}},
		{`a$`, []string{"ba"}, []string{"a\n"}},
		{`^(?:x|(?<name>y))$`, []string{"x", "y"}, []string{"z"}},
	} {
		validator, err := compileOne(string(mustCanonical(t, map[string]any{"pattern": c.pattern})))
		require.NoError(t, err)
		names, err := compileOne(string(mustCanonical(t, map[string]any{
			"patternProperties": map[string]any{c.pattern: true}, "additionalProperties": false,
		})))
		require.NoError(t, err)
		for valid, texts := range map[bool][]string{true: c.matches, false: c.others} {
			for _, text := range texts {
				report, err := validator.Validate(mustCanonical(t, text))
				require.NoError(t, err)
				require.Equal(t, valid, report.Valid(), "%q and %q", c.pattern, text)
				report, err = names.Validate(mustCanonical(t, map[string]int{text: 1}))
				require.NoError(t, err)
				require.Equal(t, valid, report.Valid(), "%q and the name %q", c.pattern, text)
			}
		}
	}
}

func mustCanonical(t *testing.T, v any) []byte {
	t.Helper()
	data, err := Canonical(v)
	require.NoError(t, err)
	return data
}
