package document

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/claim"
)

func TestClaimsDecodesEveryKind(t *testing.T) {
	t.Parallel()
	line := `{"schema_version":"3.0","subject":{"surface":"s"},"claims":[
		{"claim_id":"a","predicate":{"surface":"p"},"object":{"kind":"item","value":{"qid":"Q1"}}},
		{"claim_id":"b","predicate":{"surface":"p"},"object":{"value":"x","kind":"string"}},
		{"claim_id":"c","predicate":{"surface":"p"},"object":{"kind":"url","value":"https://example.org/"}},
		{"claim_id":"d","predicate":{"surface":"p"},"object":{"kind":"quantity","value":{"amount":1.5,"unit_qid":"Q2"}}},
		{"claim_id":"e","predicate":{"surface":"p"},"object":{"kind":"time","value":{"iso8601":"1890-03-04","precision":"day"}}},
		{"claim_id":"f","predicate":{"surface":"p"},"object":{"kind":"monolingual_text","value":{"text":"t","lang":"en"}}},
		{"claim_id":"g","predicate":{"surface":"p"},"object":{"kind":"coord","value":{"lat":1,"lon":2}},
		 "qualifiers":[{"predicate":{"pid":"P1"},"object":{"kind":"string","value":"q"}}]}]}`
	doc, err := Claims([]byte(line))
	require.NoError(t, err)
	want := []any{
		claim.Entity{QID: "Q1"}, "x", "https://example.org/", claim.Quantity{Amount: 1.5, UnitQID: "Q2"},
		claim.Time{ISO8601: "1890-03-04", Precision: "day"}, claim.Text{Text: "t", Lang: "en"}, claim.Coord{Lat: 1, Lon: 2},
	}
	for i, value := range want {
		require.Equal(t, value, doc.Claims[i].Object.Value)
	}
	require.Equal(t, "q", doc.Claims[6].Qualifiers[0].Object.Value)
}

func TestReadResolvedDecodesItemsAndErrors(t *testing.T) {
	t.Parallel()
	doc, err := ReadResolved([]byte(`{"schema_version":"3.0","input":{"claim_ir_ref":{}},"resolution":{"run_id":"r","created_at":"","resolver":{"name":"n","version":"1","kind":"human"}},
		"subject":{"status":"resolved","qid":"Q1"},"errors":[{"code":"RESOLUTION_FAILED","message":"m"}],
		"claims":[{"claim_id":"a","predicate":{"status":"resolved","pid":"P1"},"object":{"kind":"item","value":{"status":"unresolved","surface":"x"}}}]}`))
	require.NoError(t, err)
	require.Equal(t, claim.ResolvedEntity{Status: claim.StatusUnresolved, Surface: "x"}, doc.Claims[0].Object.Value)
	require.Equal(t, "RESOLUTION_FAILED", doc.Errors[0].Code)
}

func TestWhatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	object := func(object string) string {
		return `{"subject":{"surface":"s"},"claims":[{"predicate":{"pid":"P1"},"object":` + object + `}]}`
	}
	for name, line := range map[string]string{
		"not json":           `{"subject":`,
		"two values":         `{} {}`,
		"empty":              ``,
		"not an object":      `[]`,
		"member twice":       `{"subject":{"surface":"s","surface":"t"}}`,
		"not utf-8":          "{\"subject\":{\"surface\":\"\xff\"}}",
		"unknown member":     `{"subject":{"surface":"s"},"claims":[{"predicate":{"pid":"P1"},"object":{"kind":"string","value":"x"},"confidence":1}]}`,
		"unknown in a value": object(`{"kind":"quantity","value":{"amount":1,"error":0}}`),
		"unknown kind":       object(`{"kind":"shape","value":"x"}`),
		"no kind":            object(`{"value":"x"}`),
		"no value":           object(`{"kind":"string"}`),
		"null value":         object(`{"kind":"string","value":null}`),
		"value of another":   object(`{"kind":"quantity","value":"12"}`),
	} {
		_, err := Claims([]byte(line))
		require.Error(t, err, name)
	}
}
