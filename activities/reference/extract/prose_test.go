package extract

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]prose{
		"":                                {},
		"# A\n\nb\nc\n\nd":                {heading: "A", headingLine: 1, paragraph: "b c", paragraphLine: 3},
		"## B\n# A ##\nb":                 {heading: "A", headingLine: 2, paragraph: "b", paragraphLine: 3},
		"# C#\n":                          {heading: "C#", headingLine: 1},
		"#no heading":                     {paragraph: "#no heading", paragraphLine: 1},
		"A\nB\n===\nb":                    {heading: "A B", headingLine: 1, paragraph: "b", paragraphLine: 4},
		"A\n---\nb":                       {paragraph: "b", paragraphLine: 3},
		"```sh\n# A\n\nb\n```\n\nc":       {paragraph: "c", paragraphLine: 7},
		"~~~~\n~~~\nb\n~~~~\nc":           {paragraph: "c", paragraphLine: 5},
		"- b\nlazy\n\nc":                  {paragraph: "c", paragraphLine: 4},
		"1. b\n\n2) b\n\n1.5 c":           {paragraph: "1.5 c", paragraphLine: 5},
		"> b\n\n|b|\n\n<b>\n\n![b](b)\nc": {},
		"***\n\n[b]: http://b\n\n[c](d)":  {paragraph: "[c](d)", paragraphLine: 5},
		"    code\n\n\tcode\n\n  b":       {paragraph: "b", paragraphLine: 5},
		"**Bold** b":                      {paragraph: "**Bold** b", paragraphLine: 1},
		"b\n# A":                          {heading: "A", headingLine: 2, paragraph: "b", paragraphLine: 1},
	} {
		var got prose
		for i, line := range strings.Split(text, "\n") {
			got.add(line, int64(i)+1)
		}
		got.end()
		got = prose{
			heading: got.heading, headingLine: got.headingLine,
			paragraph: got.paragraph, paragraphLine: got.paragraphLine,
		}
		require.Equal(t, want, got, text)
	}
}
