package extract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// readJSONLines reads a file with one JSON object per line, each a record.
// Blank lines are passed over.
func readJSONLines(ctx context.Context, f *file, tell func(int)) error {
	return f.pass(ctx, tell, f.jsonLines)
}

func (f *file) jsonLines(src *source) error {
	text, mark, err := src.text()
	if err != nil {
		return err
	}
	decoder := jsontext.NewDecoder(&bytes.Buffer{})
	for line, err := range claim.Lines(text, f.limits.RecordBytes) {
		src.renew()
		if err != nil {
			return f.lineProblem(src, err)
		}
		content := bytes.TrimSpace(line.Bytes)
		if len(content) == 0 {
			continue
		}
		decoder.Reset(bytes.NewBuffer(content))
		at := position{Line: line.Number}
		n, err := f.lineObject(decoder)
		if err != nil {
			// What is trimmed at the start of the line counts as column too.
			indent := int64(bytes.Index(line.Bytes, content[:1]))
			return lineSyntax(err, at, mark+line.Offset, indent)
		}
		if err := f.emitObject(&n, "", lineFlattener(line.Number)); err != nil {
			return err
		}
	}
	return nil
}

var (
	errNotObject = errors.New("the line is not a JSON object")
	errMoreValue = errors.New("something follows the line's object")
)

// lineObject reads the one object of a line.
func (f *file) lineObject(d *jsontext.Decoder) (node, error) {
	if kind := d.PeekKind(); kind != '{' && kind != 0 {
		return node{}, &jsontext.SyntacticError{Err: errNotObject}
	}
	n, err := parseTree(d, f.limits, 1)
	if err != nil {
		return node{}, err
	}
	end := d.InputOffset()
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return node{}, &jsontext.SyntacticError{ByteOffset: end, Err: errMoreValue}
	}
	return n, nil
}

// lineSyntax returns the problem of a line that begins at an offset of the file
// and whose value is indented.
func lineSyntax(err error, at position, offset, indent int64) error {
	var known *problem
	if errors.As(err, &known) {
		known.at.Line = at.Line
		return known
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at.Column, at.Offset, at.Pointer = indent+syntax.ByteOffset+1, offset+indent+syntax.ByteOffset, string(syntax.JSONPointer)
		return unparsable(at, syntax.Err)
	}
	return unparsable(at, err)
}

// lineProblem turns an error of claim.Lines into a problem.
func (f *file) lineProblem(src *source, err error) error {
	var at *claim.LineError
	if errors.As(err, &at) && (src.exceeded || errors.Is(err, claim.ErrLineTooLong)) {
		return tooLarge(position{Line: at.Line}, "the line is longer than limits.record_bytes, %d", f.limits.RecordBytes)
	}
	return err // of the store: it is reported in its own right
}

// lineFlattener says where things of a line are: the object and its values at
// the line, what is a record inside of it at a pointer below the line.
func lineFlattener(number int64) *flattener {
	base := "#line=" + strconv.FormatInt(number, 10)
	return &flattener{
		sets:  true,
		at:    func(pointer string, _ *node) string { return base + strings.TrimPrefix(fragment(pointer), "#") },
		place: func(pointer string) position { return position{Line: number, Pointer: pointer} },
	}
}
