package activities

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
)

// Reader reads what was stored as evidence. It trusts nothing that anybody found
// before. Errors are *runner.Failure, or of the context.
type Reader struct {
	artifacts *artifacts.Store
	trust     mandate.Trust
	contracts *contractCache
	bundles   *Cache[records.Digest, mandate.Bundle]
}

// NewReader returns a reader of artifacts. Trust says whose signatures count.
func NewReader(store *artifacts.Store, trust mandate.Trust) *Reader {
	return &Reader{
		artifacts: store, trust: trust, contracts: newContractCache(store),
		bundles: NewCache[records.Digest, mandate.Bundle](checkedSize),
	}
}

// Outputs reads the outputs of a stage to their ends, and applies the schemas of a
// contract set. Content that is not what it claims, or is not there, is evidence.
func (r *Reader) Outputs(ctx context.Context, stage records.Stage, contracts records.Ref, outputs []records.Artifact) (gates.Evidence, error) {
	evidence := gates.Evidence{Stage: stage, Contracts: contracts.Digest, Declared: len(outputs)}
	set, err := r.contracts.get(ctx, contracts)
	if err != nil {
		return evidence, err
	}
	spec, _ := records.BuildStage(stage)
	for _, output := range outputs {
		declared, _ := spec.Output(output.Name) // one that is not is read, and refused by the gate
		found, err := r.output(ctx, set, output, declared)
		if err != nil {
			return evidence, err
		}
		evidence.Outputs = append(evidence.Outputs, found)
	}
	return evidence, nil
}

// Bundle reads a policy bundle again, whoever admitted it: this is the second lock,
// behind that of the API. The details of a refusal are a list of mandate.Problem.
func (r *Reader) Bundle(ctx context.Context, ref records.Ref) (mandate.Bundle, error) {
	sent, err := r.artifacts.ReadAll(ctx, ref, documentLimit)
	if err != nil {
		return mandate.Bundle{}, err
	}
	bundle, err := r.bundles.Get(ref.Digest, func() (mandate.Bundle, error) { return mandate.Read(sent, r.trust) })
	var refused *mandate.Error
	if errors.As(err, &refused) {
		failure := runner.Fail(refused.Code, err, "policy bundle is refused")
		if failure.Details, err = json.Marshal(refused.Problems); err != nil {
			return mandate.Bundle{}, err
		}
		return mandate.Bundle{}, failure
	}
	return bundle, err
}

// JSON reads a document that Orgo itself has stored. Content that is what its digest
// says and does not decode never will: that is gates.EvidenceMissing.
func (r *Reader) JSON(ctx context.Context, ref records.Ref, into any) error {
	data, err := r.artifacts.ReadAll(ctx, ref, documentLimit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return runner.Fail(gates.EvidenceMissing, err, "artifact %s does not decode", ref.Digest)
	}
	return nil
}
