package extract

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/activities/reference/claim"
)

func TestKindsOfText(t *testing.T) {
	t.Parallel()
	quantity := func(amount float64) claim.Object {
		return claim.Object{Kind: claim.KindQuantity, Value: claim.Quantity{Amount: amount}}
	}
	at := func(text, precision string) claim.Object {
		return claim.Object{Kind: claim.KindTime, Value: claim.Time{ISO8601: text, Precision: precision}}
	}
	item := func(qid string) claim.Object {
		return claim.Object{Kind: claim.KindItem, Value: claim.Entity{QID: qid}}
	}
	link := func(text string) claim.Object { return claim.Object{Kind: claim.KindURL, Value: text} }
	for text, want := range map[string]claim.Object{
		"0": quantity(0), "42": quantity(42), "-42": quantity(-42), "1230.0": quantity(1230), "12.50": quantity(12.5),
		"0.1": quantity(0.1), "0.30000000000000004": quantity(0.30000000000000004), "9007199254740992": quantity(9007199254740992),
		"100000000000000000000": quantity(1e20), "1.7976931348623157": quantity(1.7976931348623157), "9780306406157": quantity(9780306406157),

		"2024-02-29": at("2024-02-29", "day"), "-0044-03-15": at("-0044-03-15", "day"), "0000-01-01": at("0000-01-01", "day"),
		"2000-02-29": at("2000-02-29", "day"), "1887-07-13T12:00Z": at("1887-07-13T12:00Z", "minute"),
		"1887-07-13T23:59:60.25+05:30": at("1887-07-13T23:59:60.25+05:30", "second"), "1887-07-13T12:00:00": at("1887-07-13T12:00:00", "second"),

		"Q42": item("Q42"), "Q999999999999999999": item("Q999999999999999999"),
		"http://www.wikidata.org/entity/Q1": item("Q1"), "https://www.wikidata.org/wiki/Q1": item("Q1"),

		"https://example.org/": link("https://example.org/"), "http://example.org/a%20b?c=d#e": link("http://example.org/a%20b?c=d#e"),
		"HTTP://[::1]:80/x": link("HTTP://[::1]:80/x"), "https://user@example.org/(a)": link("https://user@example.org/(a)"),
	} {
		got, _ := value{text: text}.object()
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"007", "00", "+5", "-0", "-0.0", ".5", "5.", "1e5", "1E400", "1,234", "1 234", "0x10", "NaN", "inf", "١", "1_000", "--1", "1.2.3",
		"9007199254740993", "36028797018963968", "36028797018963970", "1" + strings.Repeat("0", 23), "0.1000000000000000055511151231257827", "12345678901234567890", "3.14159265358979323846", "1" + strings.Repeat("0", 70),
		"1890-03", "2001-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-01-32", "2024-1-1", "2024-01-01 12:00", "2024-01-01T24:00", "2024-01-01T12", "2024-01-01T12:00:00.", "2024-01-01T12:00+1", "2024-01-01T12:00Zx", "-0000-01-01", "12024-01-01",
		"Q", "Q0", "Q01", "q42", "Q1000000000000000000", "Q4x", "P31", "http://www.wikidata.org/entity/P31x y",
		"https://", "https:///x", "https://exa mple.org", "https://example.org/ü", "https://example.org/%zz", "https://example.org/[x]", "https://example.org/a#b#c", "ftp://example.org/", "example.org", "mailto:a@b", "https://example.org/<x>", "true", "h", "H",
	} {
		got, same := value{text: text}.object()
		require.Equal(t, claim.Object{Kind: claim.KindString, Value: text}, got, text)
		require.True(t, same)
	}
	year, _ := value{text: "1890"}.object()
	require.Equal(t, quantity(1890), year)
}

func TestStringsOfFormatsWithNumbersAreNoNumbers(t *testing.T) {
	t.Parallel()
	got, _ := value{form: formString, text: "42"}.object()
	require.Equal(t, claim.KindString, got.Kind)
	got, _ = value{form: formString, text: "2024-02-29"}.object()
	require.Equal(t, claim.KindTime, got.Kind)
	got, same := value{form: formNumber, text: "1.5e3"}.object()
	require.Equal(t, claim.Quantity{Amount: 1500}, got.Value)
	require.False(t, same)
}

// A text is a number only if the shortest form of the double has exactly the
// value of the text.
func TestDecimalIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?`),
			rapid.Map(rapid.Float64(), func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }),
			rapid.StringMatching(`[-+.0-9eE]{0,9}`),
		).Draw(t, "text")
		number, _, ok := decimal(text, true)
		exact, valid := new(big.Rat).SetString(text)
		_, _, _, grammar := splitNumber(text)
		float, err := strconv.ParseFloat(text, 64)
		if !valid || !grammar || err != nil || len(text) > maxNumberBytes || float == 0 && text[0] == '-' {
			require.False(t, ok, text)
			return
		}
		shortest, _ := new(big.Rat).SetString(strconv.FormatFloat(float, 'e', -1, 64))
		survives := shortest.Cmp(exact) == 0 && (!exact.IsInt() || new(big.Rat).SetFloat64(float).Cmp(exact) == 0)
		require.Equal(t, survives, ok, text)
		if ok {
			require.Equal(t, float, number)
		}
	})
}

func TestFragment(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{
		"": "#", "/a/0": "#/a/0", "/a b": "#/a%20b", "/é": "#/%C3%A9", "/c%d": "#/c%25d", "/e^f": "#/e%5Ef", "/m~0n": "#/m~0n", "/i\\j": "#/i%5Cj", "/k\"l": "#/k%22l", "/#": "#/%23",
	} {
		require.Equal(t, want, fragment(pointer))
	}
	tokens, err := parsePointer("/a~1b/~01/")
	require.NoError(t, err)
	require.Equal(t, []string{"a/b", "~1", ""}, tokens)
}

func TestSubjectRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fields []string // name, value, …
		want   claim.Entity
		used   []int
	}{
		"name before id":               {[]string{"id", "17", "Name", "Rhine"}, claim.Entity{Surface: "Rhine"}, []int{1}},
		"name, label, title":           {[]string{"title", "T", "label", "L"}, claim.Entity{Surface: "L"}, []int{1}},
		"Q-id and name":                {[]string{"name", "Rhine", "wikidata", "Q584"}, claim.Entity{QID: "Q584", Surface: "Rhine"}, []int{1, 0}},
		"id that is a Q-id":            {[]string{"id", "Q584", "x", "y"}, claim.Entity{QID: "Q584"}, []int{0}},
		"qid that is none":             {[]string{"qid", "n/a", "id", "Q584", "x", "y"}, claim.Entity{QID: "Q584"}, []int{1}},
		"item of a query":              {[]string{"item", "http://www.wikidata.org/entity/Q584", "itemLabel", "Rhine"}, claim.Entity{QID: "Q584", Surface: "Rhine"}, []int{0, 1}},
		"name that is a Q-id":          {[]string{"x", "y", "name", "Q584"}, claim.Entity{QID: "Q584"}, []int{1}},
		"nested after all others":      {[]string{"person.name", "A", "code", "X"}, claim.Entity{Surface: "X"}, []int{1}},
		"nested":                       {[]string{"type", "Feature", "properties.name", "A"}, claim.Entity{Surface: "A"}, []int{1}},
		"first field":                  {[]string{"river", "Rhine", "length", "1230"}, claim.Entity{Surface: "Rhine"}, []int{0}},
		"first of two names":           {[]string{"name", "A", "name", "B"}, claim.Entity{Surface: "A"}, []int{0}},
		"nothing":                      {nil, claim.Entity{}, nil},
		"Q-id alone leaves the others": {[]string{"river", "Rhine", "qid", "Q584"}, claim.Entity{QID: "Q584"}, []int{1}},
	} {
		rec := &record{}
		for i := 0; i < len(tc.fields); i += 2 {
			rec.fields = append(rec.fields, field{name: tc.fields[i], value: value{text: tc.fields[i+1]}})
		}
		b := builder{plans: map[string]*plan{}}
		got, ok, err := b.subjectOf(rec)
		require.NoError(t, err, name)
		require.Equal(t, len(tc.fields) > 0, ok, name)
		require.Equal(t, tc.want, got.entity, name)
		for i := range rec.fields {
			require.Equal(t, slices.Contains(tc.used, i), got.names(i), "%s: field %d", name, i)
		}
	}
}
