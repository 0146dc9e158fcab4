package extract

import "strings"

const hexDigits = "0123456789ABCDEF"

// escapeToken escapes a reference token of a JSON Pointer (RFC 6901 §3).
func escapeToken(token string) string {
	if !strings.ContainsAny(token, "~/") {
		return token
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

// fragment returns a JSON Pointer as a URI fragment with its "#" (RFC 6901 §6).
func fragment(pointer string) string {
	plain := true
	for i := 0; i < len(pointer) && plain; i++ {
		plain = isFragmentByte(pointer[i])
	}
	if plain {
		return "#" + pointer
	}
	escaped := []byte{'#'}
	for i := range len(pointer) {
		if c := pointer[i]; isFragmentByte(c) {
			escaped = append(escaped, c)
		} else {
			escaped = append(escaped, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(escaped)
}

// isFragmentByte reports whether c stands for itself in a fragment (RFC 3986
// §3.5).
func isFragmentByte(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("/?:@!$&'()*+,;=", c) >= 0
}
