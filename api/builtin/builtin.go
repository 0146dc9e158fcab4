// Package builtin has what a build uses that names no pipeline, policy or
// contract set of its own.
package builtin

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/schemas"
)

//go:embed pipeline.yaml
var pipelineYAML []byte

//go:embed policy.yaml
var policyYAML []byte

// PipelineName is the name by which a request asks for the built-in pipeline.
const PipelineName = "default"

// Contracts is the contract set of builds that name none.
const Contracts = "orgo-knowledge@1.0.0"

// PipelineYAML returns the built-in pipeline as it was written, with comments.
func PipelineYAML() []byte { return append([]byte(nil), pipelineYAML...) }

// Documents are the built-in pipeline and policy as JSON; the policy is canonical.
type Documents struct {
	Pipeline json.RawMessage
	Policy   json.RawMessage
}

// Load returns the built-in documents. It fails only if this program was built
// from broken ones.
func Load() (Documents, error) {
	pipeline, err := schemas.DecodeYAML(pipelineYAML)
	if err != nil {
		return Documents{}, fmt.Errorf("built-in pipeline: %w", err)
	}
	policy, err := mandate.Read(policyYAML, mandate.Trust{})
	if err != nil {
		return Documents{}, fmt.Errorf("built-in policy: %w", err)
	}
	return Documents{Pipeline: pipeline, Policy: policy.Canonical}, nil
}
