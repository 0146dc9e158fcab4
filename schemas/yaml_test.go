package schemas

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecodeYAML(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, out string }{
		"json as it is":      {`{"b": 1.0, "a": [1e3]}`, `{"b": 1.0, "a": [1e3]}`},
		"a mapping":          {"b: x\na:\n- 1\n- true\n- ~\n", `{"b":"x","a":[1,true,null]}`},
		"timestamps":         {"at: 2026-01-02\nand: 2026-01-02T03:04:05Z", `{"at":"2026-01-02","and":"2026-01-02T03:04:05Z"}`},
		"words of YAML 1.1":  {"[yes, no, on, off, y, n]", `["yes","no","on","off","y","n"]`},
		"quoted scalars":     {`["1", 'true', "null"]`, `["1","true","null"]`},
		"digits as written":  {"[1.10, 0x1F, 0o17, -5, +5, .5, 1_000]", `[1.10,31,15,-5,5,0.5,"1_000"]`},
		"a block of text":    {"a: |\n  x\n  y\n", `{"a":"x\ny\n"}`},
		"an alias":           {"a: &x {b: 1}\nc: *x", `{"a":{"b":1},"c":{"b":1}}`},
		"a tag for a string": {"a: !!str 12", `{"a":"12"}`},
		"characters":         {`a: "\u20ac\t<"`, `{"a":"€\t<"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := DecodeYAML([]byte(c.in))
			require.NoError(t, err)
			require.Equal(t, c.out, string(out))
			_, err = CanonicalizeJSON(out)
			require.NoError(t, err)
		})
	}
}

// bomb returns few lines of YAML that stand for width^depth values.
func bomb(width, depth int, leaf string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a0: &a0 [%s]\n", leaf)
	for i := 1; i <= depth; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), width), ","))
	}
	return b.String()
}

func TestDecodeYAMLRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in           string
		line, column int
		problem      string
	}{
		"nothing":                    {"", 0, 0, "empty"},
		"a syntax error":             {"a: 1\nb: [", 2, 1, "did not find"},
		"a duplicate key":            {"a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, `"c" appears twice`},
		"a duplicate key of JSON":    {`{"a":1,"a":2}`, 1, 8, `"a" appears twice`},
		"a number for a key":         {"1: x", 1, 1, "not a string"},
		"a mapping for a key":        {"? {a: 1}\n: x", 1, 3, "not a string"},
		"a merge key":                {"a: &x {b: 1}\nc:\n  <<: *x", 3, 3, "merge key"},
		"two documents":              {"a: 1\n---\nb: 2\n", 2, 1, "second document"},
		"NaN":                        {"a: .nan", 1, 4, "not a number that JSON has"},
		"infinity":                   {"a: -.inf", 1, 4, "not a number that JSON has"},
		"a tag":                      {"a: !!binary aGk=", 1, 4, "tag"},
		"an integer of two versions": {"a: 017", 1, 4, "begins with 0"},
		"an alias to itself":         {"a: &x [*x]", 1, 4, "nested deeper"},
		"many values by aliases":     {bomb(10, 9, "1"), 0, 0, "more than 262144 values"},
		"many bytes by aliases":      {bomb(10, 5, strings.Repeat("x", 4000)), 0, 0, "more than 16777216 bytes"},
		"too deep":                   {strings.Repeat("[", 200) + strings.Repeat("]", 200), 0, 0, "nested deeper"},
		"too large":                  {strings.Repeat("#", MaxYAMLBytes+1), 0, 0, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeYAML([]byte(c.in))
			var refused *YAMLError
			require.ErrorAs(t, err, &refused)
			require.Contains(t, refused.Problem, c.problem)
			if c.line > 0 {
				require.Equal(t, [2]int{c.line, c.column}, [2]int{refused.Line, refused.Column}, refused.Error())
			}
		})
	}
}
