package extract

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// readJSON reads a JSON file in two passes: one that finds its shape and every
// error, and one that emits its records.
func readJSON(ctx context.Context, f *file, tell func(int)) error {
	var found shape
	err := f.pass(ctx, nil, func(src *source) (err error) {
		found, err = f.inspect(src)
		return err
	})
	if err == nil {
		err = f.pass(ctx, tell, func(src *source) error { return f.jsonRecords(src, found) })
	}
	var bad *problem
	if errors.As(err, &bad) && bad.at.Offset > 0 {
		if storeErr := f.locate(ctx, &bad.at); storeErr != nil {
			return storeErr
		}
	}
	return err
}

// jsonRecords emits the records of a file of the given shape.
func (f *file) jsonRecords(src *source, found shape) error {
	text, mark, err := src.text()
	if err != nil {
		return err
	}
	r := &jsonReader{f: f, src: src, d: jsontext.NewDecoder(text)}
	r.flat = flattener{
		sets: f.mapping == nil || f.mapping.pointer == nil,
		at: func(pointer string, _ *node) string {
			if pointer == "" {
				return ""
			}
			return fragment(pointer)
		},
		perValue: true,
		place:    func(pointer string) position { return position{Pointer: pointer} },
	}
	whole := found.object && (!found.sets || found.named && f.Size <= int64(f.limits.RecordBytes))
	switch {
	case f.mapping != nil && f.mapping.pointer != nil:
		err = r.seek(f.mapping.pointer, "")
	case found.entities:
		err = r.enter("entities", "", r.eachMember)
	case whole || found.entity:
		err = r.one("")
	default:
		err = r.sets("")
	}
	if err != nil {
		return f.jsonProblem(src, r.d, err, mark)
	}
	return nil
}

// jsonReader reads the records of one JSON file. Every method begins before a
// value, at the given JSON Pointer.
type jsonReader struct {
	f    *file
	src  *source
	d    *jsontext.Decoder
	flat flattener
}

// one emits the value, an object, as a record.
func (r *jsonReader) one(pointer string) error {
	r.src.renew()
	start := r.d.InputOffset()
	n, err := parseTree(r.d, r.f.limits, 1)
	if size := r.d.InputOffset() - start; r.src.exceeded || size > int64(r.f.limits.RecordBytes) {
		return tooLarge(position{Pointer: pointer}, "the record is larger than limits.record_bytes, %d; if it holds records, map them", r.f.limits.RecordBytes)
	}
	if err != nil {
		return err
	}
	return r.f.emitObject(&n, pointer, &r.flat)
}

// emitObject emits an object by the rules for its kind.
func (f *file) emitObject(n *node, pointer string, flat *flattener) error {
	if isEntity(n) {
		return f.emitEntity(n, pointer, flat)
	}
	return f.emit(flat.record(n, pointer))
}

// sets emits every object that stands in an array, at any depth of what stands
// in none. Everything else is outside of the records.
func (r *jsonReader) sets(pointer string) error {
	switch r.d.PeekKind() {
	case '{':
		return r.members(func(name string) error { return r.sets(pointer + "/" + escapeToken(name)) })
	case '[':
		return r.items(func(i int) error {
			at := pointer + "/" + strconv.Itoa(i)
			if r.d.PeekKind() == '{' {
				return r.one(at)
			}
			return r.sets(at)
		})
	case 'n':
	default:
		r.f.tally.envelopes++
	}
	return r.skip()
}

// eachMember emits every member of the object as a record.
func (r *jsonReader) eachMember(pointer string) error {
	return r.members(func(name string) error { return r.one(pointer + "/" + escapeToken(name)) })
}

// enter lets emit read the member of the given name and skips all others.
func (r *jsonReader) enter(name, pointer string, emit func(pointer string) error) error {
	found := false
	err := r.members(func(member string) error {
		if member != name {
			return r.skip()
		}
		found = true
		return emit(pointer + "/" + escapeToken(name))
	})
	if err == nil && !found {
		return misfit(position{Pointer: pointer}, "the mapping's records are not there: the object has no member %q", name)
	}
	return err
}

// seek emits the records at the path: the objects in an array, or one object.
func (r *jsonReader) seek(path []string, pointer string) error {
	kind := r.d.PeekKind()
	switch {
	case len(path) > 0 && kind == '{':
		return r.enter(path[0], pointer, func(at string) error { return r.seek(path[1:], at) })
	case len(path) > 0 && kind == '[':
		return r.seekItem(path, pointer)
	case len(path) > 0:
		return misfit(position{Pointer: pointer}, "the mapping's records are not there: the value is neither an object nor an array")
	case kind == '[':
		return r.items(func(i int) error { return r.mapped(pointer + "/" + strconv.Itoa(i)) })
	default:
		return r.mapped(pointer)
	}
}

// seekItem seeks on in the item of an array.
func (r *jsonReader) seekItem(path []string, pointer string) error {
	found := false
	err := r.items(func(i int) error {
		if strconv.Itoa(i) != path[0] {
			return r.skip()
		}
		found = true
		return r.seek(path[1:], pointer+"/"+path[0])
	})
	if err == nil && !found {
		return misfit(position{Pointer: pointer}, "the mapping's records are not there: the array has no item %q", path[0])
	}
	return err
}

// mapped emits a value that the mapping says is a record.
func (r *jsonReader) mapped(pointer string) error {
	if r.d.PeekKind() != '{' {
		return misfit(position{Pointer: pointer}, "the mapping's record is not an object")
	}
	return r.one(pointer)
}

// members calls visit before the value of every member of an object.
func (r *jsonReader) members(visit func(name string) error) error {
	return r.inside('}', func(int) error {
		token, err := r.token()
		if err != nil {
			return err
		}
		return visit(token.String())
	})
}

// items calls visit before every item of an array.
func (r *jsonReader) items(visit func(i int) error) error { return r.inside(']', visit) }

func (r *jsonReader) inside(end jsontext.Kind, visit func(i int) error) error {
	if _, err := r.token(); err != nil {
		return err
	}
	for i := 0; r.d.PeekKind() != end; i++ {
		if err := visit(i); err != nil {
			return err
		}
	}
	_, err := r.token()
	return err
}

// skip reads over one value, however large.
func (r *jsonReader) skip() error {
	depth := r.d.StackDepth()
	for {
		if _, err := r.token(); err != nil {
			return err
		}
		if r.d.StackDepth() == depth {
			return nil
		}
	}
}

func (r *jsonReader) token() (jsontext.Token, error) {
	r.src.renew()
	return r.d.ReadToken()
}

// jsonProblem turns an error of the decoder d over src into a problem. mark is
// the size of the byte order mark, which the decoder did not see.
func (f *file) jsonProblem(src *source, d *jsontext.Decoder, err error, mark int64) error {
	var known *problem
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &known):
		return known
	case src.exceeded:
		at := position{Offset: mark + d.InputOffset(), Pointer: string(d.StackPointer())}
		return tooLarge(at, "the value is larger than limits.record_bytes, %d", f.limits.RecordBytes)
	case errors.Is(err, io.EOF):
		return unparsable(position{Line: 1, Column: 1}, errors.New("the file has no value"))
	case errors.As(err, &syntax):
		at := position{Offset: mark + syntax.ByteOffset, Pointer: string(syntax.JSONPointer)}
		if at.Offset == 0 {
			at.Line, at.Column = 1, 1
		}
		return unparsable(at, syntax.Err)
	default:
		return err // of the store or the output: it is reported in its own right
	}
}

// locate completes a position that has only an offset, by counting the lines
// before it.
func (f *file) locate(ctx context.Context, at *position) error {
	return f.pass(ctx, nil, func(src *source) error {
		at.Line, at.Column = 1, 1
		buffer := make([]byte, readAhead)
		for left := at.Offset; left > 0; {
			src.renew()
			n, err := src.Read(buffer[:min(left, readAhead)])
			for _, c := range buffer[:n] {
				at.Column++
				if c == '\n' {
					at.Line, at.Column = at.Line+1, 1
				}
			}
			left -= int64(n)
			if err != nil {
				break // at the end, or in the store, which the pass reports
			}
		}
		return nil
	})
}
