package extract

import (
	"context"
	"errors"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// readMarkdown reads a Markdown file as one record: the values of its YAML front
// matter, a title, and the first paragraph as its description.
func readMarkdown(ctx context.Context, f *file, tell func(int)) error {
	return f.pass(ctx, tell, f.markdown)
}

// Names of the fields that the text of a Markdown file makes.
const (
	titleField       = "title"
	descriptionField = "description"
)

func (f *file) markdown(src *source) error {
	text, _, err := src.text()
	if err != nil {
		return err
	}
	front, body := &frontMatter{limit: f.limits.RecordBytes}, &prose{}
	for line, err := range claim.Lines(text, f.limits.RecordBytes) {
		src.renew()
		if err != nil {
			return f.lineProblem(src, err)
		}
		if !utf8.Valid(line.Bytes) {
			return unparsable(position{Line: line.Number}, errNotUTF8)
		}
		inFront, err := front.add(line)
		if err != nil {
			return err
		}
		if !inFront {
			body.add(string(line.Bytes), line.Number)
		}
		if body.complete() {
			break
		}
	}
	body.end()
	rec, err := markdownRecord(front, f.limits)
	if err != nil {
		return err
	}
	f.addProse(rec, body)
	for _, field := range rec.fields {
		if err := f.checkValue(field.value.text, rec.place); err != nil {
			return err
		}
	}
	return f.emit(rec)
}

// markdownRecord returns the record of the front matter.
func markdownRecord(front *frontMatter, limits Limits) (*record, error) {
	if front.state == inFrontMatter {
		return nil, unparsable(position{Line: 1}, errors.New("the front matter has no end; close it with ---"))
	}
	flat := &flattener{
		sets: true,
		at: func(pointer string, n *node) string {
			switch line := "#line=" + strconv.FormatInt(n.line, 10); {
			case pointer == "":
				return ""
			case n.kind == objectNode: // a record inside; a line may hold several
				return line + strings.TrimPrefix(fragment(pointer), "#")
			default:
				return line
			}
		},
		perValue: true,
		place:    func(pointer string) position { return position{Line: 1, Pointer: pointer} },
	}
	root, err := front.parse(limits)
	if err != nil {
		return nil, err
	}
	return flat.record(&root, ""), nil
}

// addProse adds what the text says and the front matter does not: a title, from
// the first heading or else the file's name, unless a better name is there, and
// a description.
func (f *file) addProse(rec *record, body *prose) {
	title, hasDescription := false, false
	for _, field := range rec.fields {
		title = title || rank(field.name, surfaceNames) <= rank(titleField, surfaceNames)
		hasDescription = hasDescription || strings.EqualFold(field.name, descriptionField)
	}
	switch {
	case title:
	case body.heading != "":
		rec.fields = append(rec.fields, proseField(titleField, body.heading, body.headingLine))
	default:
		base := path.Base(f.Path)
		stem := strings.TrimSuffix(base, path.Ext(base))
		rec.fields = append(rec.fields, field{name: titleField, at: rec.at, value: value{form: formString, text: stem}})
	}
	if body.paragraph != "" && !hasDescription {
		rec.fields = append(rec.fields, proseField(descriptionField, body.paragraph, body.paragraphLine))
	}
}

func proseField(name, text string, line int64) field {
	return field{name: name, at: "#line=" + strconv.FormatInt(line, 10), value: value{form: formString, text: text}}
}
