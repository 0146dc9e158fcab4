package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// MaxYAMLBytes is the largest YAML document, in bytes: it is written by people.
const MaxYAMLBytes = 4 << 20

// maxYAMLNodes bounds a document once its aliases are replaced by what they
// refer to, so that a few lines cannot stand for billions.
const maxYAMLNodes = 1 << 18

// maxYAMLOutput bounds the same in bytes of JSON.
const maxYAMLOutput = 4 * MaxYAMLBytes

// YAMLError says that a YAML document is refused, and where.
type YAMLError struct {
	Line, Column int // from 1; 0 where the place is not known
	Problem      string
	Cause        error
}

// Error names the place and the problem.
func (e *YAMLError) Error() string {
	if e.Line == 0 {
		return "yaml: " + e.Problem
	}
	return fmt.Sprintf("yaml at line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// Unwrap returns the cause.
func (e *YAMLError) Unwrap() error { return e.Cause }

// DecodeYAML returns one YAML or JSON document as JSON. What YAML can say and
// JSON cannot is a *YAMLError: duplicate keys, keys that are not strings,
// several documents, NaN and infinities, tags other than !!str. So is what the
// versions of YAML read differently: merge keys, and integers that begin with 0.
//
// Plain scalars are typed as YAML 1.2's core schema does it (§10.3): "yes" and
// "on" are strings, so are timestamps, and numbers keep the digits they were
// written with wherever JSON can write them.
func DecodeYAML(data []byte) ([]byte, error) {
	if len(data) > MaxYAMLBytes {
		return nil, &YAMLError{Problem: fmt.Sprintf("the document has %d bytes, more than %d", len(data), MaxYAMLBytes)}
	}
	if looksLikeJSON(data) && jsontext.Value(data).IsValid() && checkLimits(data, inRange) == nil {
		return bytes.Clone(data), nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root yaml.Node
	if err := decoder.Decode(&root); err != nil {
		return nil, yamlSyntaxError(err)
	}
	if err := onlyDocument(decoder); err != nil {
		return nil, err
	}
	w := yamlWriter{}
	if err := w.write(&root, 0); err != nil {
		return nil, err
	}
	return w.out, nil
}

// looksLikeJSON reports whether data opens with a brace or a bracket. Such a
// document may still be YAML in flow style.
func looksLikeJSON(data []byte) bool {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	return len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
}

func onlyDocument(decoder *yaml.Decoder) error {
	var second yaml.Node
	err := decoder.Decode(&second)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return yamlSyntaxError(err)
	default:
		return &YAMLError{Line: second.Line, Column: second.Column, Problem: "a second document; one is expected"}
	}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// yamlSyntaxError takes the line out of the parser's message, which is the only
// place that has it.
func yamlSyntaxError(err error) error {
	if errors.Is(err, io.EOF) {
		return &YAMLError{Problem: "the document is empty", Cause: err}
	}
	if found := yamlLine.FindStringSubmatch(err.Error()); found != nil {
		line, _ := strconv.Atoi(found[1])
		return &YAMLError{Line: line, Column: 1, Problem: found[2], Cause: err}
	}
	return &YAMLError{Problem: strings.TrimPrefix(err.Error(), "yaml: "), Cause: err}
}

// yamlWriter writes a YAML node as JSON.
type yamlWriter struct {
	out   []byte
	nodes int
}

func (w *yamlWriter) reject(n *yaml.Node, format string, args ...any) error {
	return &YAMLError{Line: n.Line, Column: n.Column, Problem: fmt.Sprintf(format, args...)}
}

func (w *yamlWriter) write(n *yaml.Node, depth int) error {
	w.nodes++
	if w.nodes > maxYAMLNodes {
		return w.reject(n, "more than %d values once aliases are replaced", maxYAMLNodes)
	}
	if depth > MaxDepth {
		return w.reject(n, "nested deeper than %d", MaxDepth)
	}
	if n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != "!!str" {
		return w.reject(n, "tag %s; only !!str may be written", n.ShortTag())
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return w.write(n.Content[0], depth)
	case yaml.AliasNode:
		// The depth grows with every alias, so one that contains itself ends too.
		return w.write(n.Alias, depth+1)
	case yaml.MappingNode:
		return w.mapping(n, depth)
	case yaml.SequenceNode:
		return w.sequence(n, depth)
	default:
		return w.scalar(n)
	}
}

func (w *yamlWriter) mapping(n *yaml.Node, depth int) error {
	seen := make(map[string]bool, len(n.Content)/2)
	w.out = append(w.out, '{')
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.ShortTag() == "!!merge" {
			return w.reject(key, "a merge key; write the members out")
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" && !writtenAsString(key) {
			return w.reject(key, "a key that is not a string; quote it")
		}
		if seen[key.Value] {
			return w.reject(key, "the key %q appears twice", key.Value)
		}
		seen[key.Value] = true
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.text(key); err != nil {
			return err
		}
		w.out = append(w.out, ':')
		if err := w.write(n.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return nil
}

func (w *yamlWriter) sequence(n *yaml.Node, depth int) error {
	w.out = append(w.out, '[')
	for i, item := range n.Content {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.write(item, depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, ']')
	return nil
}

func (w *yamlWriter) scalar(n *yaml.Node) error {
	switch tag := n.ShortTag(); {
	case writtenAsString(n):
		return w.text(n)
	case tag == "!!null":
		w.out = append(w.out, "null"...)
	case tag == "!!bool":
		w.out = strconv.AppendBool(w.out, strings.EqualFold(n.Value, "true"))
	default: // !!int and !!float are what remains
		return w.number(n)
	}
	return nil
}

// writtenAsString reports whether a scalar is a string. Besides those that the
// parser calls so, these are timestamps, and the words of YAML 1.1 that 1.2 no
// longer takes for booleans.
func writtenAsString(n *yaml.Node) bool {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		return true
	case "!!bool":
		return !strings.EqualFold(n.Value, "true") && !strings.EqualFold(n.Value, "false")
	default:
		return false
	}
}

// text writes a string, and refuses output that aliases have blown up.
func (w *yamlWriter) text(n *yaml.Node) error {
	out, err := jsontext.AppendQuote(w.out, n.Value)
	if err != nil {
		return w.reject(n, "a string that is not UTF-8")
	}
	if len(out) > maxYAMLOutput {
		return w.reject(n, "more than %d bytes once aliases are replaced", maxYAMLOutput)
	}
	w.out = out
	return nil
}

var leadingZero = regexp.MustCompile(`^[-+]?0[0-9]`)

// number writes a number. The forms that JSON lacks are read by their base;
// underscores, which YAML 1.2 has not, leave a string.
func (w *yamlWriter) number(n *yaml.Node) error {
	if json.Valid([]byte(n.Value)) {
		w.out = append(w.out, n.Value...)
		return nil
	}
	if strings.Contains(n.Value, "_") {
		return w.text(n)
	}
	if leadingZero.MatchString(n.Value) {
		return w.reject(n, "the number %s begins with 0; drop it, write 0o for octal, or quote it", n.Value)
	}
	if n.ShortTag() == "!!int" {
		var v int64
		if err := n.Decode(&v); err != nil {
			return w.reject(n, "the integer %s cannot be read", n.Value)
		}
		w.out = strconv.AppendInt(w.out, v, 10)
		return nil
	}
	var v float64
	if err := n.Decode(&v); err != nil {
		return w.reject(n, "the number %s cannot be read", n.Value)
	}
	if v-v != 0 {
		return w.reject(n, "%s is not a number that JSON has", n.Value)
	}
	w.out = strconv.AppendFloat(w.out, v, 'g', -1, 64)
	return nil
}
