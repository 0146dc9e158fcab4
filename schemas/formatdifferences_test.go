package schemas

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// formatDifference is a class of texts that the wrapper and the other validator
// of the differential test take differently, by intent.
type formatDifference struct {
	formats []string
	text    *regexp.Regexp
	takes   bool // whether the wrapper takes them
	reason  string
}

// formatDifferences are all that are known. Each covers a text of formatSamples.
var formatDifferences = []formatDifference{
	{[]string{"time", "date-time"}, regexp.MustCompile(`[+-]\d:`), false,
		"RFC 3339 §5.6 has two digits for each number; the other reads +1 for 01"},
	{[]string{"duration"}, regexp.MustCompile(`Y\d+D|H\d+S`), false,
		"RFC 3339 appendix A lets no unit between two others out; the other does"},
	{[]string{"ipv4"}, regexp.MustCompile(`(^|\.)[+-]\d`), false,
		"RFC 2673 §3.2 has no signs; the other reads numbers that have one"},
	{[]string{"email"}, regexp.MustCompile(`^@`), false,
		"RFC 5321 §4.1.2 has a local part in every address; the other takes none"},
	{[]string{"email"}, regexp.MustCompile(`^""@`), false,
		"a local part of no character, which nobody has; refused on the safe side"},
	{[]string{"email"}, regexp.MustCompile(`^".*\\.*"@`), true,
		"RFC 5321 §4.1.2 has quoted pairs; the other does not take them"},
	{[]string{"uri", "uri-reference", "iri", "iri-reference"}, regexp.MustCompile("[\\x00-\\x20\"<>\\\\^`{|}\\x7f]"), false,
		"RFC 3986 appendix A and RFC 3987 §2.2 have no blanks, quotes, braces and the like; the other takes them"},
	{[]string{"uri", "uri-reference"}, regexp.MustCompile(`[^\x00-\x7f]`), false,
		"RFC 3986 knows ASCII alone; the other takes what is an IRI for a URI"},
	{[]string{"uri", "uri-reference", "iri", "iri-reference"}, regexp.MustCompile(`#.*#|^[^/]*:[^/]*\[|[^/]/[^/]*\[|\?.*\[`), false,
		"RFC 3986 has one # and brackets in the authority alone; the other does not look"},
	{[]string{"uri-template"}, regexp.MustCompile("\\{\\}|[\\x00-\\x20\"<>\\\\^`|\\x7f]"), false,
		"RFC 6570 §2 has a name in every expression, and no blanks; the other does not look"},
	{[]string{"regex"}, regexp.MustCompile(`\\[aAzQECSpP]|\(\?[a-zA-Z]|\[\^?\]|\[\[:|\\x\{|\\[0-9]`), false,
		"RE2 and ECMA-262 read it differently, so the keyword pattern refuses it too; the other has RE2 alone"},
}

// differenceOf returns what explains that the wrapper takes a text, or does not,
// where the other validator says the opposite; or nil.
func differenceOf(format, text string, takes bool) *formatDifference {
	for i, known := range formatDifferences {
		for _, name := range known.formats {
			if name == format && known.takes == takes && known.text.MatchString(text) {
				return &formatDifferences[i]
			}
		}
	}
	return nil
}

// witnessTakes reports what the other validator's own check of a format says.
func witnessTakes(t testing.TB, format, text string) bool {
	accepts, err := witness(nil)(fmt.Appendf(nil, `{"format":%q}`, format))
	require.NoError(t, err)
	return accepts(marshal(t, text))
}

// Of each format's samples, the two validators say the same, or it is known why
// not. A difference that is no more must be taken off the table.
func TestFormatsDifferential(t *testing.T) {
	t.Parallel()
	require.Equal(t, sortedKeys(formats), sortedKeys(formatSamples), "each format has samples")
	used := map[*formatDifference]bool{}
	for _, format := range sortedKeys(formatSamples) {
		taken := 0
		for _, text := range formatSamples[format] {
			takes := formats[format](text)
			if takes {
				taken++
			}
			if takes == witnessTakes(t, format, text) {
				continue
			}
			known := differenceOf(format, text, takes)
			require.NotNil(t, known, "%s %q: taken by the wrapper: %t", format, text, takes)
			used[known] = true
		}
		require.NotZero(t, taken, format)
		require.Less(t, taken, len(formatSamples[format]), format)
	}
	for i := range formatDifferences {
		require.True(t, used[&formatDifferences[i]], "no sample differs any longer: %s", formatDifferences[i].reason)
	}
}
