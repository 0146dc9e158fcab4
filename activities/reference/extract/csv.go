package extract

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readCSV returns the format of tables (RFC 4180) whose cells the comma parts.
// The first row names the fields; every other row is a record.
func readCSV(comma rune) format {
	return func(ctx context.Context, f *file, tell func(int)) error {
		chosen := comma
		if f.mapping != nil && f.mapping.comma != 0 {
			chosen = f.mapping.comma
		}
		return f.pass(ctx, tell, func(src *source) error { return f.table(src, chosen) })
	}
}

// table is the state of reading one table.
type table struct {
	f      *file
	src    *source
	csv    *csv.Reader
	row    int64 // of the row read last; the header is row 1
	offset int64 // where it ends
	names  []string
}

func (f *file) table(src *source, comma rune) error {
	text, _, err := src.text()
	if err != nil {
		return err
	}
	t := &table{f: f, src: src, csv: csv.NewReader(text)}
	t.csv.Comma = comma
	t.csv.ReuseRecord = true
	header, err := t.next()
	if errors.Is(err, io.EOF) {
		return nil // nothing at all: a table without records
	}
	if err != nil {
		return err
	}
	if err := t.name(header); err != nil {
		return err
	}
	rec := &record{fields: make([]field, 0, len(t.names))}
	for {
		cells, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.fill(rec, cells); err != nil {
			return err
		}
		if err := f.emit(rec); err != nil {
			return err
		}
	}
}

// next returns the cells of the next row, valid until the one after. The error
// at the end is io.EOF.
func (t *table) next() ([]string, error) {
	t.src.renew()
	cells, err := t.csv.Read()
	t.row++
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	end := t.csv.InputOffset()
	if t.src.exceeded || end-t.offset > int64(t.f.limits.RecordBytes) {
		return nil, tooLarge(position{Row: t.row},
			"the row is larger than limits.record_bytes, %d; a quote that is not closed is a common cause", t.f.limits.RecordBytes)
	}
	t.offset = end
	if err != nil {
		return nil, t.problem(err, len(cells))
	}
	return cells, nil
}

// problem says where a row does not parse.
func (t *table) problem(err error, cells int) error {
	var at *csv.ParseError
	if !errors.As(err, &at) {
		return err // of the store: it is reported in its own right
	}
	cause := at.Err
	if errors.Is(cause, csv.ErrFieldCount) {
		cause = fmt.Errorf("%w: the row has %d cells, the header %d", cause, cells, t.csv.FieldsPerRecord)
	}
	return unparsable(position{Row: t.row, Line: int64(at.Line), Column: int64(at.Column)}, cause)
}

// name takes the first row as the names of the fields. A cell without a name is
// "column N"; a name that comes twice makes claims of one predicate.
func (t *table) name(header []string) error {
	if len(header) > t.f.limits.Fields {
		return tooLarge(position{Row: 1, Line: 1}, "the table has %d columns, more than limits.fields, %d", len(header), t.f.limits.Fields)
	}
	for i, cell := range header {
		if err := t.check(i, cell); err != nil {
			return err
		}
		name := strings.TrimSpace(cell)
		if name == "" {
			name = "column " + strconv.Itoa(i+1)
		}
		t.names = append(t.names, strings.Clone(name))
	}
	if t.f.mapping == nil {
		return nil
	}
	for _, name := range t.f.mapping.mentioned() {
		if !slices.Contains(t.names, name) {
			return misfit(position{Row: 1, Line: 1}, "the mapping names a field %q that the table does not have", name)
		}
	}
	return nil
}

// fill makes rec the record of a row. Empty cells are no fields.
func (t *table) fill(rec *record, cells []string) error {
	rec.at = "#row=" + strconv.FormatInt(t.row, 10)
	rec.place = position{Row: t.row}
	rec.fields = rec.fields[:0]
	for i, cell := range cells {
		text := strings.TrimSpace(cell)
		if text == "" {
			continue
		}
		if err := t.check(i, text); err != nil {
			return err
		}
		rec.fields = append(rec.fields, field{name: t.names[i], at: rec.at, value: value{form: formText, text: text}})
	}
	if len(rec.fields) > 0 {
		line, _ := t.csv.FieldPos(0)
		rec.place.Line = int64(line)
	}
	return nil
}

// check holds a cell to UTF-8 and to the limit.
func (t *table) check(i int, cell string) error {
	valid := utf8.ValidString(cell)
	if valid && len(cell) <= t.f.limits.ValueBytes {
		return nil
	}
	line, column := t.csv.FieldPos(i)
	at := position{Row: t.row, Line: int64(line), Column: int64(column)}
	if !valid {
		return unparsable(at, errNotUTF8)
	}
	return t.f.checkValue(cell, at)
}

var errNotUTF8 = errors.New("the text is not UTF-8")
