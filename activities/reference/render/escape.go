package render

import (
	"fmt"
	"strings"
	"unicode"
)

// entities are written as character references, so that no page ever has the sign
// itself: not even a reader that takes it for HTML finds a tag in a value. A reference
// never stands for structure (CommonMark 0.31 §2.5).
var entities = map[rune]string{'<': "&lt;", '>': "&gt;", '&': "&amp;", '\n': "&#10;", '\r': "&#13;", '\t': "&#9;"}

// marks have a meaning in the middle of a line, in CommonMark, in GitHub's flavour
// (links from bare addresses, tables, strikethrough, mentions, formulas) or in others.
const marks = "\\`*_{}[]#|~$^@:=!"

// escape returns text as Markdown that shows it and nothing else, on one line.
// Characters that are not seen, and those that turn the direction of a text, are shown
// by number. It is for the middle of a line only.
func escape(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	last := rune(0)
	for _, r := range text {
		switch entity, is := entities[r]; {
		case is:
			b.WriteString(entity)
		case r < unicode.MaxASCII && strings.ContainsRune(marks, r), r == '.' && (last == 'w' || last == 'W'):
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsGraphic(r), r == '\u200c', r == '\u200d': // joiners are part of how words are spelled
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\[U+%04X\]`, r)
		}
		last = r
	}
	return b.String()
}
