package schemas

import (
	"bytes"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// former writes the canonical form of a document in one pass. It takes what records are
// made of: whatever else there is, and every fault, it leaves to jsontext, which takes
// all of JSON, says what is wrong with it, and is several times slower.
type former struct {
	in      []byte
	at      int
	out     []byte
	members []member // of the objects around at, innermost last
	moved   []byte   // an object whose members are put in order, or a number
}

// member is a member of an object in out, from its name's first quote.
type member struct{ start, nameEnd, end int }

var formers = sync.Pool{New: func() any { return new(former) }}

// maxKeptBytes bounds what a former keeps for the next document.
const maxKeptBytes = 1 << 20

// formInPlace overwrites raw with its canonical form. If it returns false, raw is as it
// was.
func formInPlace(raw []byte) ([]byte, bool) {
	if len(raw) > MaxDocumentBytes {
		return raw, false
	}
	f := formers.Get().(*former)
	f.in, f.at, f.out, f.members = raw, 0, f.out[:0], f.members[:0]
	ok := f.value(0) && f.peek() == 0 && f.at == len(raw)
	if ok {
		raw = append(raw[:0], f.out...)
	}
	if f.in = nil; cap(f.out) <= maxKeptBytes {
		formers.Put(f)
	}
	return raw, ok
}

// peek passes over white space and returns the next byte, or 0 at the end.
func (f *former) peek() byte {
	for ; f.at < len(f.in); f.at++ {
		switch c := f.in[f.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take passes over the byte c, if it is next.
func (f *former) take(c byte) bool {
	if f.peek() != c {
		return false
	}
	f.at++
	return true
}

func (f *former) value(depth int) bool {
	switch c := f.peek(); c {
	case '{':
		return depth < MaxDepth && f.object(depth+1)
	case '[':
		return depth < MaxDepth && f.array(depth+1)
	case '"':
		return f.text()
	case 'n':
		return f.literal("null")
	case 't':
		return f.literal("true")
	case 'f':
		return f.literal("false")
	default:
		return f.number()
	}
}

func (f *former) literal(word string) bool {
	if !bytes.HasPrefix(f.in[f.at:], []byte(word)) {
		return false
	}
	f.at += len(word)
	f.out = append(f.out, word...)
	return true
}

// number copies an integer of few digits, and has jsontext write any other number.
func (f *former) number() bool {
	end := numberEnd(f.in, f.at)
	literal := f.in[f.at:end]
	f.at = end
	if isShortInteger(literal) {
		f.out = append(f.out, literal...)
		return true
	}
	if code, _ := numberProblem(literal, exactIntegers); code != "" {
		return false
	}
	f.moved = append(f.moved[:0], literal...)
	double := jsontext.Value(f.moved)
	if double.Canonicalize() != nil {
		return false
	}
	f.out = append(f.out, double...)
	return true
}

// isShortInteger reports whether a literal is an integer as canonical form writes it,
// and no longer than every double carries exactly.
func isShortInteger(literal []byte) bool {
	if len(literal) > plainDigits {
		return false
	}
	digits := bytes.TrimPrefix(literal, []byte("-"))
	if len(digits) == 0 || digits[0] == '0' {
		return string(literal) == "0"
	}
	for _, c := range digits {
		if c < '0' || '9' < c {
			return false
		}
	}
	return true
}

// text copies a string, which is in canonical form unless it has escapes.
func (f *former) text() bool {
	literal, escaped, ok := f.quoted()
	if !ok {
		return false
	}
	if !escaped {
		f.out = append(f.out, literal...)
		return true
	}
	plain, err := jsontext.AppendUnquote(nil, literal)
	if err != nil {
		return false
	}
	f.out, err = jsontext.AppendQuote(f.out, plain)
	return err == nil
}

// quoted passes over a string and returns its literal.
func (f *former) quoted() (literal []byte, escaped, ok bool) {
	start, ascii := f.at, true
	for f.at++; f.at < len(f.in); f.at++ {
		switch c := f.in[f.at]; {
		case c == '"':
			f.at++
			literal = f.in[start:f.at]
			return literal, escaped, ascii || utf8.Valid(literal)
		case c == '\\':
			escaped = true
			f.at++
		case c < ' ':
			return nil, false, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false, false
}

func (f *former) array(depth int) bool {
	f.at++
	f.out = append(f.out, '[')
	if !f.take(']') {
		for {
			if !f.value(depth) {
				return false
			}
			if !f.take(',') {
				break
			}
			f.out = append(f.out, ',')
		}
		if !f.take(']') {
			return false
		}
	}
	f.out = append(f.out, ']')
	return true
}

func (f *former) object(depth int) bool {
	f.at++
	start, outer := len(f.out), len(f.members)
	f.out = append(f.out, '{')
	if !f.take('}') {
		for {
			if !f.member(depth) {
				return false
			}
			if !f.take(',') {
				break
			}
			f.out = append(f.out, ',')
		}
		if !f.take('}') || !f.order(start, f.members[outer:]) {
			return false
		}
	}
	f.members = f.members[:outer]
	f.out = append(f.out, '}')
	return true
}

func (f *former) member(depth int) bool {
	m := member{start: len(f.out)}
	if f.peek() != '"' {
		return false
	}
	name, escaped, ok := f.quoted()
	if !ok || escaped || !ordersAsBytes(name) || !f.take(':') {
		return false
	}
	f.out = append(f.out, name...)
	m.nameEnd = len(f.out)
	f.out = append(f.out, ':')
	if !f.value(depth) {
		return false
	}
	m.end = len(f.out)
	f.members = append(f.members, m)
	return true
}

// ordersAsBytes reports whether a name has the same place among others whether bytes of
// UTF-8 or units of UTF-16 are compared (RFC 8785, section 3.2.3): up to U+DFFF it does.
func ordersAsBytes(name []byte) bool {
	for _, c := range name {
		if c >= 0xee { // the first byte of U+E000 and all after it
			return false
		}
	}
	return true
}

// order sorts the members of the object that begins at start and is the last in out. It
// returns false if two have one name.
func (f *former) order(start int, members []member) bool {
	// Without its closing quote a name comes before those that it begins.
	name := func(m member) []byte { return f.out[m.start+1 : m.nameEnd-1] }
	compare := func(a, b member) int { return bytes.Compare(name(a), name(b)) }
	if !slices.IsSortedFunc(members, compare) {
		slices.SortFunc(members, compare)
		f.moved = append(f.moved[:0], f.out[start:]...)
		f.out = append(f.out[:start], '{')
		for i, m := range members {
			if i > 0 {
				f.out = append(f.out, ',')
			}
			at := len(f.out)
			f.out = append(f.out, f.moved[m.start-start:m.end-start]...)
			members[i] = member{at, at + m.nameEnd - m.start, len(f.out)}
		}
	}
	for i := 1; i < len(members); i++ {
		if compare(members[i-1], members[i]) == 0 {
			return false
		}
	}
	return true
}
