package extract

import "strings"

// prose finds the first heading of level one and the first paragraph of a
// Markdown text, line by line. Both are kept as they are written, markup
// included; a paragraph's lines are joined by spaces.
type prose struct {
	heading, paragraph         string
	headingLine, paragraphLine int64

	fence    string // that the code block at hand ends with
	block    bool   // in a block that is no paragraph, until a blank line
	open     []string
	openLine int64
}

// complete reports whether there is nothing more to find.
func (p *prose) complete() bool { return p.heading != "" && p.paragraph != "" }

// add takes the next line.
func (p *prose) add(line string, number int64) {
	text := strings.TrimSpace(line)
	switch {
	case p.fence != "":
		if strings.HasPrefix(text, p.fence) && strings.Trim(text, p.fence[:1]) == "" {
			p.fence = ""
		}
	case text == "":
		p.end()
		p.block = false
	case strings.HasPrefix(text, "```") || strings.HasPrefix(text, "~~~"):
		p.end()
		p.fence = text[:len(text)-len(strings.TrimLeft(text, text[:1]))]
	case len(p.open) > 0 && (strings.Trim(text, "=") == "" || strings.Trim(text, "-") == ""):
		p.underlined(text[0] == '=')
	case isHeading(text):
		p.end()
		p.headed(text, number)
	case p.block:
	case len(p.open) == 0 && !startsParagraph(line, text):
		p.block = true
	default:
		if len(p.open) == 0 {
			p.openLine = number
		}
		p.open = append(p.open, text)
	}
}

// end closes the paragraph at hand, if there is one.
func (p *prose) end() {
	if len(p.open) > 0 && p.paragraph == "" {
		p.paragraph, p.paragraphLine = strings.Join(p.open, " "), p.openLine
	}
	p.open = nil
}

// underlined makes the lines at hand a heading.
func (p *prose) underlined(first bool) {
	if first && p.heading == "" {
		p.heading, p.headingLine = strings.Join(p.open, " "), p.openLine
	}
	p.open = nil
}

// headed takes a heading line.
func (p *prose) headed(text string, number int64) {
	if title, first := strings.CutPrefix(text, "# "); first && p.heading == "" {
		title = strings.TrimSpace(title)
		if bare := strings.TrimRight(title, "#"); bare != title && (bare == "" || strings.HasSuffix(bare, " ")) {
			title = strings.TrimSpace(bare)
		}
		p.heading, p.headingLine = title, number
	}
}

// isHeading reports whether text is one to six # and a space or nothing.
func isHeading(text string) bool {
	rest := strings.TrimLeft(text, "#")
	level := len(text) - len(rest)
	return level >= 1 && level <= 6 && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// startsParagraph reports whether a line that follows no paragraph begins one,
// and not a list, a quotation, a table, HTML, an image, a link definition, a
// rule or indented code.
func startsParagraph(line, text string) bool {
	if strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t") {
		return false
	}
	if strings.ContainsRune(">|<", rune(text[0])) || strings.HasPrefix(text, "![") {
		return false
	}
	if marker, _, _ := strings.Cut(text, " "); isListMarker(marker) {
		return false
	}
	if strings.Trim(text, "*-_ ") == "" {
		return false
	}
	label, _, defined := strings.Cut(text, "]:")
	return !defined || !strings.HasPrefix(label, "[")
}

// isListMarker reports whether text is -, *, + or a number with . or ) after it.
func isListMarker(text string) bool {
	if text == "-" || text == "*" || text == "+" {
		return true
	}
	digits, rest := leadingDigits(text)
	return digits != "" && (rest == "." || rest == ")")
}
