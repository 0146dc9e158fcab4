package extract

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/initkoa/orgo/activities/reference/glob"
)

// mapping is a checked Mapping. The nil mapping is that of the default rules.
type mapping struct {
	Mapping
	files    glob.Pattern
	comma    rune // 0: that of the format
	pointer  []string
	template []piece // nil: Subject is a field
	used     bool
}

// piece is a part of a template: a literal text, or the field of that name.
type piece struct {
	text  string
	field bool
}

func compileMapping(m Mapping, at string) (*mapping, error) {
	compiled := &mapping{Mapping: m}
	var err error
	if compiled.files, err = glob.Compile(m.Files); err != nil {
		return nil, invalid(at+"/files", "%w", err)
	}
	if _, known := formatsByName[m.Format]; m.Format != "" && !known {
		return nil, invalid(at+"/format", "%q is none of %s", m.Format, strings.Join(slices.Sorted(maps.Keys(formatsByName)), ", "))
	}
	if m.Delimiter != "" {
		comma, size := utf8.DecodeRuneInString(m.Delimiter)
		if size != len(m.Delimiter) || comma == utf8.RuneError || strings.ContainsRune("\"\r\n", comma) {
			return nil, invalid(at+"/delimiter", "%q is not one character, or one that CSV needs otherwise", m.Delimiter)
		}
		compiled.comma = comma
	}
	if m.Records != nil {
		if compiled.pointer, err = parsePointer(*m.Records); err != nil {
			return nil, invalid(at+"/records", "%w", err)
		}
	}
	if compiled.template, err = parseTemplate(m.Subject); err != nil {
		return nil, invalid(at+"/subject", "%w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		if err := m.Fields[name].check(at + "/fields/" + escapeToken(name)); err != nil {
			return nil, err
		}
	}
	for i, name := range m.Ignore {
		if _, mapped := m.Fields[name]; mapped {
			return nil, invalid(fmt.Sprintf("%s/ignore/%d", at, i), "field %q is both mapped and ignored", name)
		}
	}
	return compiled, nil
}

// parseTemplate reads "{first} {last}". It returns nil for a text without
// braces, which is the name of a field.
func parseTemplate(text string) ([]piece, error) {
	if !strings.ContainsAny(text, "{}") {
		return nil, nil
	}
	var pieces []piece
	for rest := text; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return nil, fmt.Errorf("template %q has a } without a {", text)
		}
		if literal != "" {
			pieces = append(pieces, piece{text: literal})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return nil, fmt.Errorf("template %q has a { without a field and a }", text)
		}
		pieces = append(pieces, piece{text: name, field: true})
		rest = after
	}
	return pieces, nil
}

// parsePointer reads a JSON Pointer (RFC 6901) into its unescaped tokens.
func parsePointer(text string) ([]string, error) {
	if text == "" {
		return []string{}, nil
	}
	if text[0] != '/' {
		return nil, fmt.Errorf("JSON Pointer %q does not begin with a slash", text)
	}
	tokens := strings.Split(text[1:], "/")
	for i, token := range tokens {
		for rest := token; ; {
			_, after, found := strings.Cut(rest, "~")
			if !found {
				break
			}
			if after == "" || after[0] != '0' && after[0] != '1' {
				return nil, fmt.Errorf("JSON Pointer %q has a ~ that is not ~0 or ~1", text)
			}
			rest = after
		}
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return tokens, nil
}

// mentioned returns the names of all fields that m says something about,
// sorted.
func (m *mapping) mentioned() []string {
	names := slices.Concat(slices.Collect(maps.Keys(m.Fields)), m.Ignore)
	if m.SubjectQID != "" {
		names = append(names, m.SubjectQID)
	}
	if m.template == nil && m.Subject != "" {
		names = append(names, m.Subject)
	}
	for _, piece := range m.template {
		if piece.field {
			names = append(names, piece.text)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ignores reports whether the field of the given name makes no claims.
func (m *mapping) ignores(name string) bool {
	return m != nil && (m.Fields[name].Ignore || slices.Contains(m.Ignore, name))
}
