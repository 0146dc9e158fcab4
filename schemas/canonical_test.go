package schemas

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCanonicalizeJSON(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, out string }{
		"members are sorted by UTF-16 code units (RFC 8785, 3.2.3)": {
			`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		},
		"numbers are doubles (3.2.2.3)": {
			` [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001, -0, 100000000000000000000] `,
			`[333333333.3333333,1e+30,4.5,0.002,1e-27,0,100000000000000000000]`,
		},
		"strings are minimal (3.2.2.2)": {
			`"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\u003c"`,
			`"€$\u000f\nA'B\"\\\\\"/<"`,
		},
		"integers that a double has": {`[9007199254740992,36028797018963968,-9007199254740993.5]`, `[9007199254740992,36028797018963970,-9007199254740994]`},
		"literals":                   {"\t[null , true,\nfalse,{ },[]]\r\n", `[null,true,false,{},[]]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := []byte(c.in)
			out, err := CanonicalizeJSON(in)
			require.NoError(t, err)
			require.Equal(t, c.out, string(out))
			require.Equal(t, c.in, string(in), "the input is not changed")
			again, err := CanonicalizeJSON(out)
			require.NoError(t, err)
			require.Equal(t, string(out), string(again))
		})
	}
}

func TestCanonicalizeJSONRefuses(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { return strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) }
	for name, c := range map[string]struct {
		in      string
		code    string
		offset  int64
		pointer string
		problem string
	}{
		"nothing":                 {``, CodeSyntax, 0, "", "EOF"},
		"an end too early":        {`{"a":`, CodeSyntax, 5, "/a", "EOF"},
		"a comma too much":        {`[1,]`, CodeSyntax, 3, "/1", "invalid character"},
		"a second document":       {`{} {}`, CodeSyntax, 3, "", "after top-level value"},
		"a duplicate key":         {`{"a":{"b":1,"b":2}}`, CodeDuplicateName, 12, "/a/b", "duplicate"},
		"the same, spelt apart":   {`{"b":1,"\u0062":2}`, CodeDuplicateName, 7, "/b", "duplicate"},
		"invalid UTF-8":           {"{\"a\":\"\xff\"}", CodeSyntax, 6, "/a", "UTF-8"},
		"half a surrogate pair":   {`["\ud800"]`, CodeSyntax, 2, "/0", "surrogate"},
		"a byte order mark":       {"\ufeff{}", CodeSyntax, 0, "", "invalid character"},
		"a leading zero":          {`[01]`, CodeSyntax, 2, "", "invalid character"},
		"a number like no other":  {`[NaN]`, CodeSyntax, 1, "/0", "invalid character"},
		"too deep":                {nested(MaxDepth + 1), CodeTooDeep, MaxDepth, strings.Repeat("/0", MaxDepth), "nested deeper"},
		"an integer beyond 2^53":  {`{"a/b":[1,9007199254740993]}`, CodeIntegerInexact, 10, "/a~1b/1", "changes"},
		"the same with a point":   {`[9007199254740993.0]`, CodeIntegerInexact, 1, "/0", "changes"},
		"the same with exponent":  {`[9007199254740993e0]`, CodeIntegerInexact, 1, "/0", "changes"},
		"a negative one":          {`-12345678901234567891`, CodeIntegerInexact, 0, "", "changes"},
		"infinity":                {`{"x":1e400}`, CodeNumberRange, 5, "/x", "beyond the range"},
		"nothing but a zero":      {`{"x":-1e-400}`, CodeNumberRange, 5, "/x", "too small"},
		"a very long number":      {`[0.` + strings.Repeat("1", MaxNumberBytes) + `]`, CodeNumberTooLong, 1, "/0", "characters"},
		"syntax before the limit": {`[1 1e400]`, CodeSyntax, 3, "", "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := CanonicalizeJSON([]byte(c.in))
			var refused *JSONError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.code, refused.Code)
			require.Contains(t, refused.Problem, c.problem)
			require.Equal(t, c.pointer, refused.Pointer)
			require.InDelta(t, c.offset, refused.Offset, 1)
			if c.in != "" {
				_, err = decodeJSON([]byte(c.in))
				if !strings.Contains(c.problem, "changes") {
					require.ErrorAs(t, err, &refused, "documents that are validated are held to the same")
				}
			}
		})
	}
	_, err := CanonicalizeJSON([]byte(nested(MaxDepth)))
	require.NoError(t, err)
}

func TestCanonicalizeJSONRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	_, err := CanonicalizeJSON(make([]byte, MaxDocumentBytes+1))
	var refused *JSONError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, CodeTooLarge, refused.Code)
	require.Contains(t, refused.Problem, "more than 67108864")
}

type canonicalInner struct {
	At    time.Time `json:"at,omitzero"`
	Empty []string  `json:"empty,omitempty"`
	Nil   []string  `json:"nil"`
}

type canonicalOuter struct {
	canonicalInner
	Raw  json.RawMessage `json:"raw"`
	HTML string          `json:"a<b"`
	Skip string          `json:"-"`
	N    int64           `json:"n,string"`
}

func TestCanonicalIsTheViewOfEncodingJSON(t *testing.T) {
	t.Parallel()
	out, err := Canonical(canonicalOuter{Raw: json.RawMessage(`{"z":1.0, "y":"\u003c"}`), HTML: "<&>", Skip: "x", N: 7})
	require.NoError(t, err)
	require.Equal(t, `{"a<b":"<&>","n":"7","nil":null,"raw":{"y":"<","z":1}}`, string(out))
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"what encoding/json refuses": math.NaN(),
		"integers that would change": map[string]int64{"n": 1<<53 + 1},
		"duplicate keys":             json.RawMessage(`{"a":1,"a":2}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Canonical(v)
			require.ErrorContains(t, err, "canonical json of")
		})
	}
	var refused *JSONError
	_, err := Canonical(map[string]int64{"n": 1<<53 + 1})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "/n", refused.Pointer)
}

// Canonical form keeps the value, and is one for all ways to write it.
func TestCanonicalFormIsOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.MapOf(rapid.String(), rapid.Float64Range(-1e300, 1e300)).Draw(t, "members")
		compact, err := json.Marshal(members)
		require.NoError(t, err)
		indented, err := json.MarshalIndent(members, "", "\t")
		require.NoError(t, err)
		one, err := CanonicalizeJSON(compact)
		require.NoError(t, err)
		other, err := CanonicalizeJSON(indented)
		require.NoError(t, err)
		require.Equal(t, string(one), string(other))
		var back map[string]float64
		require.NoError(t, json.Unmarshal(one, &back))
		require.Equal(t, members, back)
	})
}

func ExampleCanonical() {
	canonical, err := Canonical(map[string]any{"b": 1.50, "a": []string{"x"}})
	fmt.Println(string(canonical), err)
	// Output: {"a":["x"],"b":1.5} <nil>
}
