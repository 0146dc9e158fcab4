package extract

import (
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// shape is what a first reading of a JSON file finds, and what decides how the
// second reads it. The first reading also means that a file with an error
// anywhere makes no claims.
type shape struct {
	object   bool // the root is one
	sets     bool // some array holds an object
	named    bool // the root has a member that names a subject
	entity   bool // the root is an entity of Wikidata
	entities bool // the root's "entities" holds such entities by id
}

// inspect reads the whole file and returns its shape.
func (f *file) inspect(src *source) (shape, error) {
	text, mark, err := src.text()
	if err != nil {
		return shape{}, err
	}
	i := inspector{src: src, d: jsontext.NewDecoder(text), limits: f.limits}
	err = i.root()
	if err == nil {
		if _, err = i.d.ReadToken(); errors.Is(err, io.EOF) {
			return i.shape, nil
		}
		if err == nil {
			err = &jsontext.SyntacticError{ByteOffset: i.d.InputOffset() - 1, Err: errSecondValue}
		}
	}
	return shape{}, f.jsonProblem(src, i.d, err, mark)
}

var errSecondValue = errors.New("the file holds more than one value; if it has one per line, name it .jsonl")

// inspector walks the tokens of a file.
type inspector struct {
	src    *source
	d      *jsontext.Decoder
	limits Limits
	shape  shape
	id     string // of the root
	terms  bool   // the root has an object "claims" or "labels"
}

func (i *inspector) token() (jsontext.Token, error) {
	i.src.renew()
	return i.d.ReadToken()
}

// root walks the root, looking at the members that tell what it is.
func (i *inspector) root() error {
	if i.d.PeekKind() != '{' {
		return i.value(1)
	}
	i.shape.object = true
	if _, err := i.token(); err != nil {
		return err
	}
	for i.d.PeekKind() != '}' {
		token, err := i.token()
		if err != nil {
			return err
		}
		if err := i.rootMember(token.String()); err != nil {
			return err
		}
	}
	i.shape.entity = isEntityID(i.id) && i.terms
	_, err := i.token()
	return err
}

func (i *inspector) rootMember(name string) error {
	kind := i.d.PeekKind()
	if isSubjectName(name) && (kind == '"' || kind == '0') {
		i.shape.named = true
	}
	switch {
	case name == "id" && kind == '"':
		token, err := i.token()
		i.id = token.String()
		return err
	case name == "entities" && kind == '{':
		return i.entities()
	case kind == '{' && (name == "claims" || name == "labels"):
		i.terms = true
	}
	return i.value(2)
}

// entities walks the object "entities" of the root: entities of Wikidata by
// their ids, if every name is one.
func (i *inspector) entities() error {
	if _, err := i.token(); err != nil {
		return err
	}
	ids, others := 0, 0
	for i.d.PeekKind() != '}' {
		token, err := i.token()
		if err != nil {
			return err
		}
		if isEntityID(token.String()) && i.d.PeekKind() == '{' {
			ids++
		} else {
			others++
		}
		if err := i.value(3); err != nil {
			return err
		}
	}
	i.shape.entities = ids > 0 && others == 0
	_, err := i.token()
	return err
}

// value walks one value, depth levels down.
func (i *inspector) value(depth int) error {
	if depth > i.limits.Depth {
		return tooLarge(position{Pointer: string(i.d.StackPointer())}, "values are nested deeper than limits.depth, %d", i.limits.Depth)
	}
	token, err := i.token()
	if err != nil {
		return err
	}
	var end jsontext.Kind
	switch token.Kind() {
	case '{':
		end = '}'
	case '[':
		end = ']'
	case '"':
		if size := len(token.String()); size > i.limits.ValueBytes {
			return tooLarge(position{Pointer: string(i.d.StackPointer())}, "a value has %d bytes, more than limits.value_bytes, %d", size, i.limits.ValueBytes)
		}
		return nil
	default:
		return nil
	}
	for i.d.PeekKind() != end {
		if end == '}' {
			if _, err := i.token(); err != nil {
				return err
			}
		} else if i.d.PeekKind() == '{' {
			i.shape.sets = true
		}
		if err := i.value(depth + 1); err != nil {
			return err
		}
	}
	_, err = i.token()
	return err
}
