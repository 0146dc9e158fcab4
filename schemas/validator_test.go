package schemas

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/kaptinlin/jsonschema"
	"github.com/stretchr/testify/require"
)

func TestViolations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		schema, doc string
		found       []string
	}{
		"each keyword by itself": {
			`{"properties":{
				"a":{"type":["string","null"]},"b":{"enum":[1,"x"]},"c":{"const":{"k":1}},"d":{"format":"date"},
				"e":{"pattern":"^a"},"f":{"minLength":3},"g":{"maxLength":1},"h":{"minimum":1.5},"i":{"maximum":1},
				"j":{"exclusiveMinimum":1},"k":{"exclusiveMaximum":1},"l":{"multipleOf":0.1},"m":{"minItems":1},
				"n":{"maxItems":1},"o":{"uniqueItems":true},"p":{"contains":{"type":"null"}},
				"q":{"contains":true,"minContains":2,"maxContains":3},"r":{"minProperties":1}}}`,
			`{"a":1,"b":true,"c":[],"d":"x","e":"b","f":"ab","g":"ab","h":1,"i":2,"j":1,"k":1,"l":0.15,"m":[],
				"n":[1,2],"o":[1,1.0],"p":[1],"q":[1],"r":{}}`,
			[]string{
				`SCHEMA_TYPE at "/a": is 1, not of type string or null (#/properties/a/type)`,
				`SCHEMA_ENUM at "/b": is true, not one of [1,"x"] (#/properties/b/enum)`,
				`SCHEMA_CONST at "/c": is an array of 0, not {"k":1} (#/properties/c/const)`,
				`SCHEMA_FORMAT at "/d": is "x", not of the format date (#/properties/d/format)`,
				`SCHEMA_PATTERN at "/e": is "b", which does not match "^a" (#/properties/e/pattern)`,
				`SCHEMA_MIN_LENGTH at "/f": is "ab", shorter than 3 characters (#/properties/f/minLength)`,
				`SCHEMA_MAX_LENGTH at "/g": is "ab", longer than 1 characters (#/properties/g/maxLength)`,
				`SCHEMA_MINIMUM at "/h": is 1, less than 1.5 (#/properties/h/minimum)`,
				`SCHEMA_MAXIMUM at "/i": is 2, more than 1 (#/properties/i/maximum)`,
				`SCHEMA_EXCLUSIVE_MINIMUM at "/j": is 1, not more than 1 (#/properties/j/exclusiveMinimum)`,
				`SCHEMA_EXCLUSIVE_MAXIMUM at "/k": is 1, not less than 1 (#/properties/k/exclusiveMaximum)`,
				`SCHEMA_MULTIPLE_OF at "/l": is 0.15, not a multiple of 0.1 (#/properties/l/multipleOf)`,
				`SCHEMA_MIN_ITEMS at "/m": is an array of 0, fewer than 1 (#/properties/m/minItems)`,
				`SCHEMA_MAX_ITEMS at "/n": is an array of 2, more than 1 (#/properties/n/maxItems)`,
				`SCHEMA_UNIQUE_ITEMS at "/o": has equal items (#/properties/o/uniqueItems)`,
				`SCHEMA_MIN_CONTAINS at "/p": has no item that fits contains (#/properties/p/minContains)`,
				`SCHEMA_MIN_CONTAINS at "/q": has fewer than 2 items that fit contains (#/properties/q/minContains)`,
				`SCHEMA_MIN_PROPERTIES at "/r": is an object of 0, fewer than 1 (#/properties/r/minProperties)`,
			},
		},
		"pointers are escaped": {
			`{"properties":{"a/b":{"properties":{"c~d":{"items":{"type":"string"}}}}}}`,
			`{"a/b":{"c~d":["x",{}]}}`,
			[]string{`SCHEMA_TYPE at "/a~1b/c~0d/1": is an object of 0, not of type string (#/properties/a~1b/properties/c~0d/items/type)`},
		},
		"members that are missing, needed, stray or misnamed": {
			`{"required":["a","b"],"properties":{"a":{"type":"string"},"b":{},"c":{}},"additionalProperties":false,
				"dependentRequired":{"c":["b","d"]},"propertyNames":{"maxLength":3}}`,
			`{"c":1,"stray":1}`,
			[]string{
				`SCHEMA_DEPENDENT_REQUIRED at "": has "c", and lacks "b" which that needs (#/dependentRequired)`,
				`SCHEMA_DEPENDENT_REQUIRED at "": has "c", and lacks "d" which that needs (#/dependentRequired)`,
				`SCHEMA_REQUIRED at "": lacks the member "a" (#/required)`,
				`SCHEMA_REQUIRED at "": lacks the member "b" (#/required)`,
				`SCHEMA_ADDITIONAL_PROPERTIES at "/stray": is not allowed here (#/additionalProperties)`,
				`SCHEMA_MAX_LENGTH at "/stray": is "stray", longer than 3 characters (#/propertyNames/maxLength)`,
			},
		},
		"alternatives": {
			`{"items":{"anyOf":[{"type":"object","required":["x"]},{"type":"string","minLength":2,"pattern":"^z"}],
				"oneOf":[true,{"type":"object"}],"not":{"const":"no"}}}`,
			`["q",{},"no"]`,
			[]string{
				`SCHEMA_ANY_OF at "/0": fits none of 2 alternatives; in the closest, "/0" is "q", not of type object (#/items/anyOf)`,
				`SCHEMA_ANY_OF at "/1": fits none of 2 alternatives; in the closest, "/1" lacks the member "x" (#/items/anyOf)`,
				`SCHEMA_ONE_OF at "/1": fits 2 of 2 alternatives, not one (#/items/oneOf)`,
				`SCHEMA_ANY_OF at "/2": fits none of 2 alternatives; in the closest, "/2" is "no", not of type object (#/items/anyOf)`,
				`SCHEMA_NOT at "/2": is what the schema excludes (#/items/not)`,
			},
		},
		"conditions": {
			`{"items":{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":5}},
				"allOf":[{"prefixItems":[{"type":"number"}]}]}`,
			`["a",1]`,
			[]string{
				`SCHEMA_TYPE at "/0": is "a", not of type number (#/allOf/0/prefixItems/0/type)`,
				`SCHEMA_MIN_LENGTH at "/0": is "a", shorter than 2 characters (#/items/then/minLength)`,
				`SCHEMA_MINIMUM at "/1": is 1, less than 5 (#/items/else/minimum)`,
			},
		},
		"patterns, dependents and what is left over": {
			`{"patternProperties":{"^a":{"type":"string"},"b$":{"minLength":9}},"dependentSchemas":{"ab":{"required":["z"]}},
				"unevaluatedProperties":false,"properties":{"t":{"prefixItems":[true],"unevaluatedItems":false},
				"u":{"unevaluatedItems":{"type":"null"}}}}`,
			`{"ab":"x","ac":1,"q":1,"t":[1,2],"u":[1]}`,
			[]string{
				`SCHEMA_REQUIRED at "": lacks the member "z" (#/dependentSchemas/ab/required)`,
				`SCHEMA_MIN_LENGTH at "/ab": is "x", shorter than 9 characters (#/patternProperties/b$/minLength)`,
				`SCHEMA_TYPE at "/ac": is 1, not of type string (#/patternProperties/^a/type)`,
				`SCHEMA_UNEVALUATED_PROPERTIES at "/q": is not allowed here (#/unevaluatedProperties)`,
				`SCHEMA_UNEVALUATED_ITEMS at "/t": has items that no part of the schema allows (#/properties/t/unevaluatedItems)`,
				`SCHEMA_TYPE at "/u/0": is 1, not of type null (#/properties/u/unevaluatedItems/type)`,
			},
		},
		"nothing is allowed": {`false`, `1`, []string{`SCHEMA_FALSE at "": is not allowed here (#)`}},
		"long values are cut": {
			`{"type":"null"}`, `"` + strings.Repeat("€", 100) + `"`,
			[]string{`SCHEMA_TYPE at "": is "` + strings.Repeat("€", 60) + `…", not of type null (#/type)`},
		},
		"numbers are exact": {
			`{"items":{"maximum":9007199254740992}}`, `[9007199254740992,9007199254740993,9007199254740992.0000001]`,
			[]string{
				`SCHEMA_MAXIMUM at "/1": is 9007199254740993, more than 9007199254740992 (#/items/maximum)`,
				`SCHEMA_MAXIMUM at "/2": is 9007199254740992.0000001, more than 9007199254740992 (#/items/maximum)`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			validator, err := compileOne(c.schema)
			require.NoError(t, err)
			for range 5 { // the library walks maps in another order each time
				report, err := validator.Validate([]byte(c.doc))
				require.NoError(t, err)
				var found []string
				for _, violation := range report.Violations {
					found = append(found, violation.String())
				}
				require.Equal(t, c.found, found)
				require.Equal(t, len(c.found), report.Total)
			}
		})
	}
}

// A code is the keyword in capitals, with SCHEMA_ before it, so it never changes.
// Every keyword that a value can violate by itself has one, and a message.
func TestCodesAreStable(t *testing.T) {
	t.Parallel()
	capitals := regexp.MustCompile(`[A-Z]`)
	for name, known := range keywords {
		if known.use == asserts {
			require.NotEmpty(t, known.code, name)
			require.True(t, messages[name] != nil || name == "required" || name == "dependentRequired", name)
		}
		if known.code != "" {
			require.Equal(t, "SCHEMA_"+strings.ToUpper(capitals.ReplaceAllString(name, "_$0")), known.code)
		}
	}
}

// A refusal of the library that gives no reason is a refusal all the same.
func TestRefusalWithoutAReason(t *testing.T) {
	t.Parallel()
	refusal := jsonschema.NewEvaluationResult(&jsonschema.Schema{}).SetInvalid()
	report := newReport("s", refusal, &site{node: &node{}}, nil)
	require.False(t, report.Valid())
	require.Equal(t, "SCHEMA_INVALID", report.Violations[0].Code)
}

// So is a panic, and the next document finds the validator in order.
func TestPanicOfTheLibrary(t *testing.T) {
	t.Parallel()
	validator, err := compileOne(`{"type":"string"}`)
	require.NoError(t, err)
	for range cap(validator.instances) {
		<-validator.instances
		validator.instances <- &jsonschema.Schema{Properties: &jsonschema.SchemaMap{"a": nil}} // panics on a
	}
	for range cap(validator.instances) {
		_, err = validator.Validate([]byte(`{"a":1}`))
		require.ErrorContains(t, err, "the validator failed")
	}
	report, err := validator.Validate([]byte(`"a"`))
	require.NoError(t, err)
	require.True(t, report.Valid())
}

func TestReportIsCapped(t *testing.T) {
	t.Parallel()
	validator, err := compileOne(`{"items":{"type":"string"}}`)
	require.NoError(t, err)
	report, err := validator.Validate([]byte("[" + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + "]"))
	require.NoError(t, err)
	require.Len(t, report.Violations, MaxViolations)
	require.Equal(t, 1000, report.Total)
	require.False(t, report.Valid())
}

func TestValidateRefusesWhatIsNoDocument(t *testing.T) {
	t.Parallel()
	validator, err := compileOne(`true`)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		doc, code, pointer string
		offset             int64
	}{
		"nothing":            {``, CodeSyntax, "", 0},
		"half a document":    {`{`, CodeSyntax, "", 1},
		"two documents":      {`{} 1`, CodeSyntax, "", 2},
		"a member twice":     {`{"a":{"b":1,"b":2}}`, CodeDuplicateName, "/a/b", 12},
		"not UTF-8":          {"\"\xff\"", CodeSyntax, "", 1},
		"too large":          {strings.Repeat(" ", MaxDocumentBytes) + "1", CodeTooLarge, "", 0},
		"too deep":           {strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), CodeTooDeep, strings.Repeat("/0", MaxDepth), MaxDepth},
		"a number too long":  {`{"n":[1,` + strings.Repeat("1", MaxNumberBytes+1) + `]}`, CodeNumberTooLong, "/n/1", 8},
		"a number too large": {`{"n":1e999}`, CodeNumberRange, "/n", 5},
		"a number too small": {`{"n":1e-999}`, CodeNumberRange, "/n", 5},
	} {
		_, err := validator.Validate([]byte(c.doc))
		var refused *JSONError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, c.code, refused.Code, name)
		require.Equal(t, c.pointer, refused.Pointer, name)
		require.Equal(t, c.offset, refused.Offset, name)
		require.True(t, strings.HasPrefix(err.Error(), c.code+": "), err)
	}
	// At the limits, all is well.
	atLimits := []string{strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), strings.Repeat("1", MaxNumberBytes)}
	if !underRace {
		atLimits = append(atLimits, strings.Repeat(" ", MaxDocumentBytes-1)+"1")
	}
	for _, doc := range atLimits {
		report, err := validator.Validate([]byte(doc))
		require.NoError(t, err)
		require.True(t, report.Valid())
	}
	for _, doc := range []string{`null`, `1`, `"a"`, `[]`, `{}`, ` {"a":[1.50,true]} `} {
		report, err := validator.Validate([]byte(doc))
		require.NoError(t, err)
		require.True(t, report.Valid(), doc)
	}
}

// The library writes to a schema while it validates. Under the race detector,
// this test fails as soon as two goroutines share an instance.
func TestValidateIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	compiled, err := Compile(map[string][]byte{
		"words": []byte(`{"$id":"urn:words","pattern":"^[a-z]+$"}`),
		"tree": []byte(`{"patternProperties":{"^x":{"$ref":"urn:words"},"y$":{"pattern":"a"}},
			"additionalProperties":{"$ref":"#"},"unevaluatedProperties":false}`),
	})
	require.NoError(t, err)
	cases := []struct {
		schema, doc string
		total       int
	}{
		{"tree", `{"x1":"abc","ay":"a","more":{"x2":"q"}}`, 0},
		{"tree", `{"x1":"ABC","ay":"b","more":{"x2":""}}`, 3},
		{"words", `"abc"`, 0},
		{"words", `"ABC"`, 1},
	}
	const goroutines, rounds = 64, 20
	var group sync.WaitGroup
	failures := make(chan string, goroutines)
	for range goroutines {
		group.Go(func() {
			for i := range rounds * len(cases) {
				c := cases[i%len(cases)]
				validator, _ := compiled.Validator(c.schema)
				report, err := validator.Validate([]byte(c.doc))
				if err != nil || report.Total != c.total {
					failures <- fmt.Sprint(c, report, err)
					return
				}
			}
		})
	}
	group.Wait()
	close(failures)
	for failure := range failures {
		t.Error(failure)
	}
}
