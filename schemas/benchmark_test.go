package schemas

import (
	"testing"

	"github.com/kaptinlin/jsonschema"
	"github.com/stretchr/testify/require"
)

// claimIR is a document of the size that a build has a million of.
const claimIR = `{"claims":[` +
	`{"claim_id":"c1","evidence":[{"quote":"Aral Sea","source":{"source_id":"sha256:5f3d2c0ab1e4f6978899aabbccddeeff00112233445566778899aabbccddeeff#row=7;col=2","title":"lakes.csv"}}],"object":{"kind":"item","value":{"surface":"Kazakhstan","lang":"en"}},"predicate":{"pid":"P17"}},` +
	`{"claim_id":"c2","evidence":[{"quote":"68000","source":{"source_id":"sha256:5f3d2c0ab1e4f6978899aabbccddeeff00112233445566778899aabbccddeeff#row=7;col=3","title":"lakes.csv"}}],"object":{"kind":"quantity","value":{"amount":68000,"unit_qid":"Q712226"}},"predicate":{"surface":"area","lang":"en"}},` +
	`{"claim_id":"c3","evidence":[{"quote":"45.0,60.0","source":{"source_id":"sha256:5f3d2c0ab1e4f6978899aabbccddeeff00112233445566778899aabbccddeeff#row=7;col=4","title":"lakes.csv"}}],"object":{"kind":"string","value":"saline"},"predicate":{"surface":"kind"}}],` +
	`"document":{"doc_id":"lakes.csv#row=7"},"extraction":{"producer":{"kind":"rules","name":"orgo-extract","version":"1.0.0"}},"schema_version":"3.0","subject":{"surface":"Aral Sea"}}`

func BenchmarkValidate(b *testing.B) {
	set, err := BuiltinContractSet()
	require.NoError(b, err)
	validators, err := set.Validators()
	require.NoError(b, err)
	validator, _ := validators.Validator("claim-ir")
	report, err := validator.Validate([]byte(claimIR))
	require.NoError(b, err)
	require.Empty(b, report.Violations)
	b.SetBytes(int64(len(claimIR)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = validator.Validate([]byte(claimIR))
	}
}

// BenchmarkLibrary is the library by itself, on the schema as it is written.
func BenchmarkLibrary(b *testing.B) {
	set, err := BuiltinContractSet()
	require.NoError(b, err)
	schema, err := jsonschema.NewCompiler().SetAssertFormat(true).Compile(set.files["claim-ir"])
	require.NoError(b, err)
	b.SetBytes(int64(len(claimIR)))
	b.ReportAllocs()
	for b.Loop() {
		_ = schema.ValidateJSON([]byte(claimIR))
	}
}

func BenchmarkDecode(b *testing.B) {
	b.SetBytes(int64(len(claimIR)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = decodeJSON([]byte(claimIR))
	}
}

func BenchmarkCanonical(b *testing.B) {
	type claim struct {
		ID       string   `json:"claim_id"`
		Amount   float64  `json:"amount"`
		Evidence []string `json:"evidence,omitempty"`
	}
	claims := make([]claim, 10)
	for i := range claims {
		claims[i] = claim{ID: "c1", Amount: 1.5, Evidence: []string{"sha256:5f3d2c0ab1e4f6978899aabbccddeeff00112233445566778899aabb"}}
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Canonical(claims)
	}
}

func BenchmarkCanonicalizeJSON(b *testing.B) {
	b.SetBytes(int64(len(claimIR)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = CanonicalizeJSON([]byte(claimIR))
	}
}
