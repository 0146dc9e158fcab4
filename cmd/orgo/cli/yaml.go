package cli

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// toYAML returns a JSON document as YAML in block style, members in the order in
// which they stand.
func toYAML(document []byte) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("print as yaml: %w", err)
	}
	blockStyle(&root)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return nil, fmt.Errorf("print as yaml: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("print as yaml: %w", err)
	}
	return out.Bytes(), nil
}

// blockStyle drops the style that JSON has. The encoder quotes a string again
// where it would read as something else.
func blockStyle(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		blockStyle(child)
	}
}
