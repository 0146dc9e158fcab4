package extract

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// node is a value of JSON or YAML, its members in the order of the file.
type node struct {
	kind    nodeKind
	text    string // of a scalar
	line    int64  // in a file that is read by lines
	members []member
	items   []node
}

// nodeKind is the kind of a node.
type nodeKind int

const (
	nullNode nodeKind = iota
	stringNode
	numberNode
	booleanNode
	objectNode
	arrayNode
)

type member struct {
	name  string
	value node
}

// get returns the member of the given name, or nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for i := range n.members {
		if n.members[i].name == name {
			return &n.members[i].value
		}
	}
	return nil
}

// is reports whether there is a node and it is of the given kind.
func (n *node) is(kind nodeKind) bool { return n != nil && n.kind == kind }

// string returns the text of a string or number, or nothing.
func (n *node) string() string {
	if n.is(stringNode) || n.is(numberNode) {
		return n.text
	}
	return ""
}

// parseTree reads the next value into a tree. Nesting beyond depth levels and
// strings beyond valueBytes are problems at their JSON Pointer.
func parseTree(d *jsontext.Decoder, limits Limits, depth int) (node, error) {
	if depth > limits.Depth {
		return node{}, tooLarge(position{Pointer: string(d.StackPointer())}, "values are nested deeper than limits.depth, %d", limits.Depth)
	}
	token, err := d.ReadToken()
	if err != nil {
		return node{}, err
	}
	switch token.Kind() {
	case '{':
		return parseObject(d, limits, depth)
	case '[':
		return parseArray(d, limits, depth)
	}
	n := node{kind: scalarKinds[token.Kind()], text: token.String()}
	if len(n.text) > limits.ValueBytes {
		return node{}, tooLarge(position{Pointer: string(d.StackPointer())},
			"a value has %d bytes, more than limits.value_bytes, %d", len(n.text), limits.ValueBytes)
	}
	return n, nil
}

var scalarKinds = map[jsontext.Kind]nodeKind{
	'n': nullNode, 't': booleanNode, 'f': booleanNode, '"': stringNode, '0': numberNode,
}

func parseObject(d *jsontext.Decoder, limits Limits, depth int) (node, error) {
	n := node{kind: objectNode}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return node{}, err
		}
		m := member{name: name.String()}
		if m.value, err = parseTree(d, limits, depth+1); err != nil {
			return node{}, err
		}
		n.members = append(n.members, m)
	}
	_, err := d.ReadToken()
	return n, err
}

func parseArray(d *jsontext.Decoder, limits Limits, depth int) (node, error) {
	n := node{kind: arrayNode}
	for d.PeekKind() != ']' {
		item, err := parseTree(d, limits, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err := d.ReadToken()
	return n, err
}

// flattener turns objects into records.
type flattener struct {
	// sets says that the objects in arrays are records of their own.
	sets bool
	// at returns the fragment of a record at a pointer, and of a value if every
	// value has its own; else values are at their record.
	at       func(pointer string, n *node) string
	perValue bool
	// place returns the same for problems.
	place func(pointer string) position
}

// record returns the record of an object at a pointer.
func (fl *flattener) record(n *node, pointer string) *record {
	rec := &record{at: fl.at(pointer, n), place: fl.place(pointer)}
	fl.object(rec, n, "", pointer)
	return rec
}

// object adds the members of an object to rec, their names joined to prefix.
func (fl *flattener) object(rec *record, n *node, prefix, pointer string) {
	for i := range n.members {
		m := &n.members[i]
		name := strings.TrimSpace(m.name)
		if name == "" {
			name = "member " + strconv.Itoa(i+1)
		}
		fl.value(rec, &m.value, prefix+name, pointer+"/"+escapeToken(m.name))
	}
}

func (fl *flattener) value(rec *record, n *node, name, pointer string) {
	switch n.kind {
	case objectNode:
		fl.object(rec, n, name+".", pointer)
	case arrayNode:
		fl.array(rec, n, name, pointer)
	case nullNode:
	default:
		text := strings.TrimSpace(n.text)
		if text == "" {
			return
		}
		at := rec.at
		if fl.perValue {
			at = fl.at(pointer, n)
		}
		rec.fields = append(rec.fields, field{name: name, at: at, value: value{form: n.form(), text: text}})
	}
}

// array adds the items of an array to rec: scalars as fields of the array's own
// name, objects as records that rec links to.
func (fl *flattener) array(rec *record, n *node, name, pointer string) {
	for i := range n.items {
		item, at := &n.items[i], pointer+"/"+strconv.Itoa(i)
		if !item.is(objectNode) || !fl.sets {
			fl.value(rec, item, name, at)
			continue
		}
		inner := fl.record(item, at)
		rec.inner = append(rec.inner, inner)
		rec.fields = append(rec.fields, field{name: name, at: inner.at, value: value{link: inner}})
	}
}

// form says what the format tells about the text of a scalar.
func (n *node) form() form {
	if n.kind == numberNode {
		return formNumber
	}
	return formString
}
