package extract

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// The states of reading front matter.
type frontMatterState int

const (
	beforeFrontMatter frontMatterState = iota
	inFrontMatter
	afterFrontMatter
)

// frontMatter gathers the YAML between a first line "---" and the next line
// "---" or "...".
type frontMatter struct {
	limit int
	state frontMatterState
	yaml  strings.Builder
}

// add takes the next line and reports whether it belongs to the front matter.
func (m *frontMatter) add(line claim.Line) (bool, error) {
	text := strings.TrimRight(string(line.Bytes), " \t")
	switch m.state {
	case beforeFrontMatter:
		switch text {
		case "---":
			m.state = inFrontMatter
			return true, nil
		case "+++":
			return false, unparsable(position{Line: 1}, errors.New("front matter in TOML is not supported; write it in YAML, between lines of ---"))
		}
		m.state = afterFrontMatter
		return false, nil
	case inFrontMatter:
		if text == "---" || text == "..." {
			m.state = afterFrontMatter
			return true, nil
		}
		m.yaml.Write(line.Bytes)
		m.yaml.WriteByte('\n')
		if m.yaml.Len() > m.limit {
			return true, tooLarge(position{Line: line.Number}, "the front matter is larger than limits.record_bytes, %d", m.limit)
		}
		return true, nil
	default:
		return false, nil
	}
}

// parse returns the front matter as an object, an empty one if there is none.
func (m *frontMatter) parse(limits Limits) (node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(m.yaml.String()), &document); err != nil {
		return node{}, unparsable(position{Line: 2}, fmt.Errorf("the front matter, counted from its own first line: %w", err))
	}
	if len(document.Content) == 0 {
		return node{kind: objectNode}, nil
	}
	root, err := fromYAML(document.Content[0], limits, 1)
	if err == nil && root.kind != objectNode {
		err = unparsable(position{Line: root.line}, errors.New("the front matter is not a mapping of names to values"))
	}
	return root, err
}

// fromYAML turns a YAML value into a node. Lines count from the "---" before.
// Aliases are refused: a few of them can stand for more values than fit memory.
func fromYAML(from *yaml.Node, limits Limits, depth int) (node, error) {
	n := node{line: int64(from.Line) + 1}
	at := position{Line: n.line, Column: int64(from.Column)}
	if depth > limits.Depth {
		return node{}, tooLarge(at, "values are nested deeper than limits.depth, %d", limits.Depth)
	}
	switch from.Kind {
	case yaml.ScalarNode:
		kind, known := yamlScalars[from.ShortTag()]
		if !known {
			return node{}, unparsable(at, fmt.Errorf("the tag %s is not supported", from.Tag))
		}
		n.kind, n.text = kind, from.Value
		return n, nil
	case yaml.SequenceNode:
		n.kind = arrayNode
		for _, item := range from.Content {
			value, err := fromYAML(item, limits, depth+1)
			if err != nil {
				return node{}, err
			}
			n.items = append(n.items, value)
		}
		return n, nil
	case yaml.MappingNode:
		n.kind = objectNode
		return n, n.addYAML(from, limits, depth)
	default:
		return node{}, unparsable(at, errors.New("aliases are not supported in front matter"))
	}
}

// yamlScalars says what the scalars of YAML are. Booleans, dates and binary
// data are kept as they are written.
var yamlScalars = map[string]nodeKind{
	"!!null": nullNode, "!!bool": booleanNode, "!!int": numberNode, "!!float": numberNode,
	"!!str": stringNode, "!!timestamp": stringNode, "!!binary": stringNode,
}

// addYAML adds the members of a YAML mapping.
func (n *node) addYAML(from *yaml.Node, limits Limits, depth int) error {
	seen := make(map[string]bool, len(from.Content)/2)
	for pair := range slices.Chunk(from.Content, 2) {
		key := pair[0]
		at := position{Line: int64(key.Line) + 1, Column: int64(key.Column)}
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			return unparsable(at, errors.New("a name is not a plain text"))
		case seen[key.Value]:
			return unparsable(at, fmt.Errorf("the name %q comes twice", key.Value))
		}
		seen[key.Value] = true
		value, err := fromYAML(pair[1], limits, depth+1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name: key.Value, value: value})
	}
	return nil
}
