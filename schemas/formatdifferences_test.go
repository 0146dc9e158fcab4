package schemas

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// formatDifference is a class of texts that the wrapper and the other validator
// of the differential test take differently, by intent.
type formatDifference struct {
	formats []string
	covers  func(text string) bool
	takes   bool // whether the wrapper takes them
	reason  string
}

// matching returns whether a text has a part that a regular expression matches.
func matching(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

var scheme = regexp.MustCompile(`^[A-Za-z][-A-Za-z0-9+.]*:`)

// hasStrayBrackets reports whether a URI has brackets outside its authority.
func hasStrayBrackets(text string) bool {
	rest := scheme.ReplaceAllString(text, "")
	if authority, found := strings.CutPrefix(rest, "//"); found {
		end := strings.IndexAny(authority, "/?#")
		if end < 0 {
			return false
		}
		rest = authority[end:]
	}
	return strings.ContainsAny(rest, "[]")
}

// formatDifferences are all that are known. Each covers a text of formatSamples.
func formatDifferences() []formatDifference {
	uris, all := []string{"uri", "uri-reference"}, []string{"uri", "uri-reference", "iri", "iri-reference"}
	return []formatDifference{
		{[]string{"time", "date-time"}, matching(`[+-]\d:`), false,
			"RFC 3339 §5.6 has two digits for each number; the other reads +1 for 01"},
		{[]string{"duration"}, matching(`Y\d+D|H\d+S`), false,
			"RFC 3339 appendix A lets no unit between two others out; the other does"},
		{[]string{"ipv4"}, matching(`(^|\.)[+-]\d`), false,
			"RFC 2673 §3.2 has no signs; the other reads numbers that have one"},
		{[]string{"email"}, matching(`^@`), false,
			"RFC 5321 §4.1.2 has a local part in every address; the other takes none"},
		{[]string{"email"}, matching(`^""@`), false,
			"a local part of no character, which nobody has; refused on the safe side"},
		{[]string{"email"}, matching(`^".*\\.*"@`), true,
			"RFC 5321 §4.1.2 has quoted pairs; the other does not take them"},
		{all, matching("[\\x00-\\x20\"<>\\\\^`{|}\\x7f]"), false,
			"RFC 3986 appendix A and RFC 3987 §2.2 have no blanks, quotes, braces and the like; the other takes them"},
		{uris, matching(`[^\x00-\x7f]`), false,
			"RFC 3986 knows ASCII alone; the other takes what is an IRI for a URI"},
		{all, matching(`#.*#`), false,
			"RFC 3986 appendix A has one fragment; the other does not look"},
		{all, hasStrayBrackets, false,
			"RFC 3986 appendix A has brackets in the authority alone; the other does not look"},
		{[]string{"uri-template"}, matching("[\\x00-\\x20\"<>\\\\^`|\\x7f]"), false,
			"RFC 6570 §2.1 has no blanks, quotes and the like in literals; the other takes them"},
		{[]string{"uri-template"}, matching(`\{[^}]*[^A-Za-z0-9_.,:*%+#/;?&=!@|}][^}]*\}|\{\}`), false,
			"RFC 6570 §2.3 has names of letters, digits and _ in every expression; the other does not look"},
		{[]string{"regex"}, matching(`\\[aAzQECSpP]|\(\?[a-zA-Z]|\[\^?\]|\[\[:|\\x\{|\\[0-9]`), false,
			"RE2 and ECMA-262 read it differently, so the keyword pattern refuses it too; the other has RE2 alone"},
	}
}

// differenceOf returns the index of what explains that the wrapper takes a text,
// or does not, where the other validator says the opposite; or -1.
func differenceOf(known []formatDifference, format, text string, takes bool) int {
	return slices.IndexFunc(known, func(d formatDifference) bool {
		return d.takes == takes && slices.Contains(d.formats, format) && d.covers(text)
	})
}

// witnessFormats returns the other validator's own check of each format.
func witnessFormats(t testing.TB) map[string]verdict {
	checks := make(map[string]verdict, len(formats))
	for format := range formats {
		check, err := witness(nil)(fmt.Appendf(nil, `{"format":%q}`, format))
		require.NoError(t, err)
		checks[format] = check
	}
	return checks
}

// Of each format's samples, the two validators say the same, or it is known why
// not. A difference that is no more must be taken off the table.
func TestFormatsDifferential(t *testing.T) {
	t.Parallel()
	require.Equal(t, sortedKeys(formats), sortedKeys(formatSamples), "each format has samples")
	witnessed, used := witnessFormats(t), map[int]bool{}
	known := formatDifferences()
	for _, format := range sortedKeys(formatSamples) {
		taken := 0
		for _, text := range formatSamples[format] {
			takes := formats[format](text)
			if takes {
				taken++
			}
			if takes == witnessed[format](marshal(t, text)) {
				continue
			}
			at := differenceOf(known, format, text, takes)
			require.GreaterOrEqual(t, at, 0, "%s %q: taken by the wrapper: %t", format, text, takes)
			used[at] = true
		}
		require.NotZero(t, taken, format)
		require.Less(t, taken, len(formatSamples[format]), format)
	}
	for i, difference := range known {
		require.True(t, used[i], "no sample differs any longer: %s", difference.reason)
	}
}
