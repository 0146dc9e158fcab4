package schemas

import (
	"fmt"
	"regexp"
	"strings"
)

// whitespace is what \s stands for in ECMA-262 (section 22.2.2.9), as members of
// a class of RE2, whose own \s knows ASCII alone.
const whitespace = `\t-\r\p{Z}\x{feff}`

// notNewline is what . stands for in ECMA-262, as a class of RE2.
const notNewline = `[^\n\r\x{2028}\x{2029}]`

// translateRegex returns a regular expression of JSON Schema (ECMA-262, without
// flags) in the syntax of RE2, or what keeps it from being one. Of the text that
// both take and read differently, what is common is translated and the rest is
// refused: a pattern must not match what its author excluded.
func translateRegex(pattern string) (translated, problem string) {
	t := regexTranslator{rest: pattern}
	for t.rest != "" && problem == "" {
		problem = t.next()
	}
	if problem != "" {
		return "", problem
	}
	if _, err := regexp.Compile(t.out.String()); err != nil {
		return "", fmt.Sprintf("has a regular expression that RE2 cannot run: %v", err)
	}
	return t.out.String(), ""
}

type regexTranslator struct {
	rest    string
	out     strings.Builder
	inClass bool
}

// take moves n bytes to the output as they are.
func (t *regexTranslator) take(n int) {
	n = min(n, len(t.rest))
	t.out.WriteString(t.rest[:n])
	t.rest = t.rest[n:]
}

// replace writes something else for n bytes.
func (t *regexTranslator) replace(n int, with string) {
	t.out.WriteString(with)
	t.rest = t.rest[n:]
}

func (t *regexTranslator) next() string {
	switch c := t.rest[0]; {
	case c == '\\' && len(t.rest) > 1:
		return t.escape()
	case t.inClass:
		if strings.HasPrefix(t.rest, "[:") {
			return differently("[:")
		}
		t.inClass = c != ']'
	case c == '[':
		opening := t.rest[:1+len(t.rest[1:])-len(strings.TrimPrefix(t.rest[1:], "^"))]
		if strings.HasPrefix(t.rest[len(opening):], "]") {
			return differently(opening + "]")
		}
		t.inClass = true
		t.take(len(opening))
		return ""
	case c == '.':
		t.replace(1, notNewline)
		return ""
	case strings.HasPrefix(t.rest, "(?") && !strings.HasPrefix(t.rest, "(?:") && !strings.HasPrefix(t.rest, "(?<"):
		return differently("(?")
	}
	t.take(1)
	return ""
}

var unicodeEscape = regexp.MustCompile(`^\\u(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})`)

func (t *regexTranslator) escape() string {
	after := t.rest[2:]
	switch c := t.rest[1]; {
	case c == 's' && t.inClass:
		t.replace(2, whitespace)
	case c == 's':
		t.replace(2, "["+whitespace+"]")
	case c == 'S' && !t.inClass:
		t.replace(2, "[^"+whitespace+"]")
	case c == 'u':
		found := unicodeEscape.FindStringSubmatch(t.rest)
		if found == nil || strings.HasPrefix(strings.ToLower(found[1]), "d") && found[1][1] >= '8' {
			return differently(`\u`)
		}
		t.replace(len(found[0]), `\x{`+found[1]+found[2]+`}`)
	case strings.IndexByte("AzQECSa", c) >= 0,
		(c == 'p' || c == 'P') && !strings.HasPrefix(after, "{"),
		c == 'x' && strings.HasPrefix(after, "{"),
		'1' <= c && c <= '9',
		c == '0' && after != "" && '0' <= after[0] && after[0] <= '9':
		return differently(t.rest[:2])
	default:
		t.take(2)
	}
	return ""
}

func differently(text string) string {
	return fmt.Sprintf("has a regular expression with %q, which RE2 and ECMA-262 read differently", text)
}
