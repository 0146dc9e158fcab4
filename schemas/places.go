package schemas

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// Places finds where in a YAML or JSON document, as it was written, a value stands.
// It reads the document when it is first asked. It is for one goroutine.
type Places struct {
	sent []byte
	read bool
	root *yaml.Node // nil where the parser of YAML does not read it: it may be JSON still
	// offsets are the bytes after which each value of JSON stands, by its pointer;
	// nil until they are asked for.
	offsets map[string]int64
}

// NewPlaces returns the places of a document, which need not be well-formed. One of
// more than MaxYAMLBytes has but its beginning.
func NewPlaces(sent []byte) *Places {
	if len(sent) > MaxYAMLBytes {
		sent = nil
	}
	return &Places{sent: sent}
}

func (p *Places) tree() *yaml.Node {
	if p.read {
		return p.root
	}
	p.read = true
	var root yaml.Node
	// What it says of a broken document is not needed: its places are those of its
	// beginning.
	if err := yaml.Unmarshal(p.sent, &root); err == nil && root.Kind == yaml.DocumentNode {
		p.root = root.Content[0]
	}
	return p.root
}

// Place is a line and a column, in characters, both from 1.
type Place struct{ Line, Column int }

// Of returns where the value of a JSON Pointer (RFC 6901) stands: a member at its
// key, an item of a list at its beginning. Of a value that is not there it is the
// place of the innermost that is and should have it.
func (p *Places) Of(pointer string) Place {
	if pointer == "/" {
		pointer = "" // no document that Orgo reads has a member without a name
	}
	root := p.tree()
	if root == nil {
		return p.inJSON(pointer)
	}
	node, at := root, root
	for _, token := range tokensOf(pointer) {
		key, value := childOf(node, token)
		if value == nil {
			break
		}
		node, at = value, value
		if key != nil {
			at = key
		}
	}
	return Place{max(at.Line, 1), max(at.Column, 1)}
}

// At returns the pointer of the value or key that stands at a place, or of the
// innermost that begins before it.
func (p *Places) At(place Place) string {
	pointer, node := "", p.tree()
	for node != nil {
		step, next := "", (*yaml.Node)(nil)
		eachChild(node, func(token string, key, value *yaml.Node) {
			begins := value
			if key != nil {
				begins = key
			}
			if begins.Line < place.Line || begins.Line == place.Line && begins.Column <= place.Column {
				step, next = "/"+escapePointer(token), value
			}
		})
		if next == nil {
			break
		}
		pointer, node = pointer+step, next
	}
	return pointer
}

func eachChild(node *yaml.Node, visit func(token string, key, value *yaml.Node)) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			visit(node.Content[i].Value, node.Content[i], node.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			visit(strconv.Itoa(i), nil, item)
		}
	}
}

// childOf returns the value under a token, with its key if it has one.
func childOf(node *yaml.Node, token string) (key, value *yaml.Node) {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == token {
				return node.Content[i], node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if index, err := strconv.Atoi(token); err == nil && index >= 0 && index < len(node.Content) {
			return nil, node.Content[index]
		}
	}
	return nil, nil
}

// inJSON finds a place in JSON that the parser of YAML does not take, as it does
// with tabs between values, or with surrogate pairs in strings.
func (p *Places) inJSON(pointer string) Place {
	if p.offsets == nil {
		p.offsets = offsetsOf(p.sent)
	}
	for {
		if offset, found := p.offsets[pointer]; found {
			return p.placeAfter(offset)
		}
		if pointer == "" {
			return Place{1, 1}
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
}

// offsetsOf reads as much of a document as is JSON.
func offsetsOf(sent []byte) map[string]int64 {
	offsets := map[string]int64{}
	decoder := jsontext.NewDecoder(bytes.NewReader(sent))
	for {
		before := decoder.InputOffset()
		if _, err := decoder.ReadToken(); err != nil {
			return offsets
		}
		here := string(decoder.StackPointer())
		if _, known := offsets[here]; !known {
			offsets[here] = before
		}
	}
}

// placeAfter returns the place of the first token after an offset.
func (p *Places) placeAfter(offset int64) Place {
	rest := p.sent[offset:]
	offset += int64(len(rest) - len(bytes.TrimLeft(rest, " \t\r\n,:")))
	before := p.sent[:offset]
	line := bytes.LastIndexByte(before, '\n') + 1
	return Place{bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[line:]) + 1}
}

// tokensOf splits a pointer.
func tokensOf(pointer string) []string {
	if pointer == "" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, token := range tokens {
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return tokens
}
