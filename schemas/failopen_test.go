package schemas

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/kaptinlin/jsonschema"
	"github.com/stretchr/testify/require"
)

// bareAccepts reports whether the library by itself compiles a schema and takes
// a document.
func bareAccepts(t *testing.T, schema, doc string) bool {
	t.Helper()
	compiled, err := compileBare([]byte(schema))
	require.NoError(t, err)
	return compiled.ValidateJSON([]byte(doc)).IsValid()
}

func compileBare(schema []byte) (*jsonschema.Schema, error) {
	return jsonschema.NewCompiler().SetAssertFormat(true).Compile(schema)
}

// TestFailOpen17 has schemas that exclude a document which the library by itself
// takes. Here either the schema is refused or the document is.
func TestFailOpen17(t *testing.T) {
	t.Parallel()
	const refusedSchema = ""
	for name, c := range map[string]struct{ schema, doc, code string }{
		"an unresolved $ref is skipped":            {`{"$ref":"#/$defs/nope"}`, `"anything"`, refusedSchema},
		"so is one to a schema that is not loaded": {`{"$ref":"urn:example:claim-ir"}`, `{"claims":7}`, refusedSchema},
		"so is an empty one":                       {`{"$ref":"","type":["object","string"],"maxProperties":0,"$comment":"itself"}`, `{}`, refusedSchema},
		"so is $dynamicRef":                        {`{"$dynamicRef":"#nope"}`, `1`, refusedSchema},
		"a pointer is first looked up in the subschema": {
			`{"$defs":{"x":{"type":"string"}},"properties":{"a":{"$defs":{"x":true},"allOf":[{"$ref":"#/$defs/x"}]}}}`,
			`{"a":1}`, "SCHEMA_TYPE",
		},
		"true counts all members as evaluated": {
			`{"$ref":"#/$defs/any","$defs":{"any":true},"unevaluatedProperties":false}`,
			`{"stray":1}`, "SCHEMA_UNEVALUATED_PROPERTIES",
		},
		"items evaluated of an item count for the array": {
			`{"unevaluatedItems":{"type":"array","prefixItems":[true,true]}}`, `[[1,2],3]`, "SCHEMA_TYPE",
		},
		"a label of a hostname begins with a hyphen":  {`{"format":"hostname"}`, `"a.-b"`, "SCHEMA_FORMAT"},
		"an address of the email begins with a blank": {`{"format":"email"}`, `" a@b.org"`, "SCHEMA_FORMAT"},
		"a byte of an address has a sign":             {`{"format":"ipv4"}`, `"+1.2.3.4"`, "SCHEMA_FORMAT"},
		"a uri has blanks":                            {`{"format":"uri"}`, `"http://a/b c"`, "SCHEMA_FORMAT"},
		"a template names nothing":                    {`{"format":"uri-template"}`, `"{}"`, "SCHEMA_FORMAT"},
		"references in a circle are cut short": {
			`{"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"allOf":[{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}`,
			`1`, refusedSchema,
		},
		"an unknown keyword is skipped":      {`{"requierd":["a"]}`, `{}`, refusedSchema},
		"so is one of another draft":         {`{"dependencies":{"a":["b"]}}`, `{"a":1}`, refusedSchema},
		"an empty enum admits everything":    {`{"enum":[]}`, `1`, refusedSchema},
		"an empty anyOf admits everything":   {`{"anyOf":[]}`, `1`, refusedSchema},
		"no type admits every type":          {`{"type":[]}`, `1`, refusedSchema},
		"another dialect changes the schema": {`{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/a","definitions":{"a":true},"type":"string"}`, `1`, refusedSchema},
		"flags change a pattern":             {`{"pattern":"(?i)^a$"}`, `"A"`, refusedSchema},
		"\\S knows ASCII alone":              {`{"pattern":"^\\S+$"}`, `"a\u00a0b"`, "SCHEMA_PATTERN"},
		"the format unknown is known":        {`{"format":"unknown"}`, `"anything"`, refusedSchema},
		"a number beyond reach has no limit": {`{"maximum":5}`, `1e9999999`, "beyond the range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, bareAccepts(t, c.schema, c.doc), "the library alone does not accept this any longer")
			validator, err := compileOne(c.schema)
			if c.code == refusedSchema {
				var refused *SchemaError
				require.ErrorAs(t, err, &refused)
				return
			}
			require.NoError(t, err)
			report, err := validator.Validate([]byte(c.doc))
			if err != nil {
				require.ErrorContains(t, err, c.code)
				return
			}
			require.False(t, report.Valid())
			require.Equal(t, c.code, report.Violations[0].Code)
		})
	}
}

// The library by itself compiles the second schema of one $id, and returns the
// first.
func TestFailOpen17RepeatedID(t *testing.T) {
	t.Parallel()
	lax, strict := []byte(`{"$id":"https://example.org/a"}`), []byte(`{"$id":"https://example.org/a","type":"object"}`)
	library := jsonschema.NewCompiler()
	_, err := library.Compile(lax)
	require.NoError(t, err)
	compiled, err := library.Compile(strict)
	require.NoError(t, err)
	require.True(t, compiled.ValidateJSON([]byte(`"not an object"`)).IsValid())

	_, err = Compile(map[string][]byte{"lax": lax, "strict": strict})
	var refused *SchemaError
	require.ErrorAs(t, err, &refused)
	require.Contains(t, refused.Problem, "is taken")
}

// The library by itself asks the network for what a schema refers to.
func TestFailOpen17NothingIsFetched(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(`{}`))
	}))
	defer server.Close()
	schema := `{"$ref":"` + server.URL + `/a"}`
	require.True(t, bareAccepts(t, schema, `1`))
	before := asked.Load()
	require.Positive(t, before, "the library alone does not ask any longer")

	_, err := compileOne(schema)
	var refused *SchemaError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, before, asked.Load())
	// Nor by the library, were a reference ever to reach it.
	_, err = (&Validator{name: "s", form: []byte(schema)}).compile()
	require.ErrorAs(t, err, &refused)
	require.Contains(t, refused.Problem, "unresolved")
	require.Equal(t, before, asked.Load())
}
