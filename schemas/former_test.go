package schemas

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// requireOneForm holds the quick way to what jsontext makes of a document: it may leave
// it, but never write another form, nor take what has none.
func requireOneForm(t require.TestingT, document []byte) (quick bool) {
	form, quick := formInPlace(bytes.Clone(document))
	if !quick {
		require.Equal(t, string(document), string(form), "what is left is not changed")
		return false
	}
	want, err := canonicalizeAny(bytes.Clone(document))
	require.NoError(t, err, "%q", document)
	require.Equal(t, string(want), string(form), "%q", document)
	return true
}

func TestTheQuickWayTakes(t *testing.T) {
	t.Parallel()
	for document, quick := range map[string]bool{
		claimIR:                                                       true,
		` {"b" : [1, -2 ,{ }] ,"a":0}`:                                true,
		`{"ab":1,"a":2,"abc":3,"":4}`:                                 true,
		`{"ö":1,"a":"ö\u20ac\ud83d\ude00\n\/"}`:                       true,
		`[1.50,1e3,-0,0.1,100000000000000000000,1e-27]`:               true,
		"[true,false,null,[],\"\x7f\u2028\"]":                         true,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth): true,

		strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1): false,
		`{"\u0061":1}`: false, `{"` + "\ufb33" + `":1,"😀":2}`: false,
		`{"a":1,"b":2,"a":3}`: false, `{"a":1,"a":1}`: false,
		``: false, ` `: false, `{`: false, `[`: false, `"`: false, `"\`: false, `-`: false, `[1,]`: false, `{"a":1,}`: false, `{"a"}`: false, `{,}`: false,
		`01`: false, `-01`: false, `1.`: false, `.5`: false, `+1`: false, `--1`: false, `1-1`: false, `nul`: false, `nulll`: false, `{} {}`: false, "{}\x00": false, "\x00": false,
		`9007199254740993`: false, `1e400`: false, `1e-400`: false, "\"\n\"": false, "\"\xff\"": false, `"\ud800"`: false, `"\x"`: false, "{\"\xff\":1}": false,
	} {
		require.Equal(t, quick, requireOneForm(t, []byte(document)), "%q", document)
	}
}

func TestTheQuickWayWritesTheForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		document := documents(4).Draw(t, "document")
		requireOneForm(t, []byte(document))
		at := rapid.IntRange(0, len(document)-1).Draw(t, "at")
		spoilt := []byte(document)
		spoilt[at] = rapid.SampledFrom([]byte("{}[]\",:\\ 0-.eE\x00\x1f\x80\xc3\xef\xff")).Draw(t, "byte")
		requireOneForm(t, spoilt)
		requireOneForm(t, spoilt[:at])
	})
}

// documents draws the text of documents, some of which have a member twice or an integer
// that a double does not have.
func documents(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		space := rapid.SampledFrom([]string{"", "", " ", "\n\t"})
		text := func() string {
			if rapid.Bool().Draw(t, "short") {
				return rapid.SampledFrom([]string{`"a"`, `"b"`, `"ab"`, `"\u0061"`, `"\n"`, `"ö"`, `"` + "\ufb33" + `"`, `"😀"`, `""`}).Draw(t, "name")
			}
			quoted, err := json.Marshal(rapid.String().Draw(t, "text"))
			require.NoError(t, err)
			return string(quoted)
		}
		kinds := 3
		if depth > 0 {
			kinds = 5
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return text()
		case 1:
			return rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?`).Draw(t, "number")
		case 2:
			return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "word")
		case 3:
			items := rapid.SliceOfN(documents(depth-1), 0, 4).Draw(t, "items")
			return "[" + strings.Join(items, space.Draw(t, "space")+",") + space.Draw(t, "space") + "]"
		default:
			var members []string
			for range rapid.IntRange(0, 5).Draw(t, "members") {
				members = append(members, text()+space.Draw(t, "space")+":"+documents(depth-1).Draw(t, "value"))
			}
			return space.Draw(t, "space") + "{" + strings.Join(members, ","+space.Draw(t, "space")) + "}"
		}
	})
}

func FuzzTheQuickWay(f *testing.F) {
	f.Add([]byte(claimIR))
	f.Add([]byte(`{"b":[1.5,-0,1E30,"\u00e9\n"],"a":{"z":null,"y":true}}`))
	f.Fuzz(func(t *testing.T, document []byte) { requireOneForm(t, document) })
}
