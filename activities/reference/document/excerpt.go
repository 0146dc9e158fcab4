package document

import "unicode/utf8"

// maxExcerpt is the length of an excerpt, in bytes.
const maxExcerpt = 120

// Excerpt cuts text that is too long to be read in a message.
func Excerpt(text string) string {
	if len(text) <= maxExcerpt {
		return text
	}
	end := maxExcerpt
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
