package schemas

import "strings"

// uriCharacters are those of a URI besides letters and digits (RFC 3986, appendix
// A), without the four that have rules of their own: % # [ ].
const uriCharacters = `-._~:/?@!$&'()*+,;=`

// isURIText reports whether a text has the characters of a URI alone, each where
// it may stand: % before two digits, one # at most, brackets in the authority.
// With beyondASCII the characters that RFC 3987 §2.2 adds are such too. The
// library takes blanks, quotes, braces and more besides.
func isURIText(text string, beyondASCII bool) bool {
	from, to := authorityOf(text)
	fragment := false
	for i, r := range text {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case r == '%':
			if len(text) < i+3 || !isHex(text[i+1]) || !isHex(text[i+2]) {
				return false
			}
		case r == '#':
			if fragment {
				return false
			}
			fragment = true
		case r == '[' || r == ']':
			if i < from || i >= to {
				return false
			}
		case r < 0x80:
			if strings.IndexByte(uriCharacters, byte(r)) < 0 {
				return false
			}
		default:
			if !beyondASCII || !isBeyondASCII(r) {
				return false
			}
		}
	}
	return true
}

// authorityOf returns where the authority of a URI or reference begins and ends:
// behind "//", at the beginning or after the scheme.
func authorityOf(text string) (from, to int) {
	slashes := strings.Index(text, "//")
	switch {
	case slashes < 0:
		return 0, 0
	case slashes > 0 && (strings.IndexByte(text, ':') != slashes-1 || strings.ContainsAny(text[:slashes], "?#")):
		return 0, 0
	}
	from = slashes + len("//")
	if end := strings.IndexAny(text[from:], "/?#"); end >= 0 {
		return from, from + end
	}
	return from, len(text)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// isBeyondASCII reports whether a character is a ucschar of RFC 3987 §2.2.
func isBeyondASCII(r rune) bool {
	return 0xa0 <= r && r <= 0xd7ff || 0xf900 <= r && r <= 0xfdcf || 0xfdf0 <= r && r <= 0xffef ||
		0x10000 <= r && r <= 0xefffd && r&0xfffe != 0xfffe
}
