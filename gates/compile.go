package gates

import "github.com/initkoa/orgo/records"

// PermitsCompile reports whether d is the decision that lets compile run over
// inputs: the validation gate's, passing, of this build, of a generation that
// compile's may build on, and over exactly these inputs.
func PermitsCompile(d Decision, buildID string, generation int, inputs []records.Artifact) bool {
	report := records.Digest{}
	for _, input := range inputs {
		if input.Name == records.OutReport {
			report = input.Ref.Digest
		}
	}
	digest, err := ValidatedInputs(inputs)
	return err == nil &&
		d.Gate == GateValidation && d.Permits() &&
		d.Subject.BuildID == buildID && d.Subject.Stage == records.Validate && d.Subject.Generation <= generation &&
		d.Validated != nil && *d.Validated == digest &&
		report.Valid() && contains(d.Evidence, report)
}

// ValidatedInputs returns the identity of what compile reads besides the
// report: the digest by which a validation decision is tied to it.
func ValidatedInputs(inputs []records.Artifact) (records.Digest, error) {
	kept := []records.Artifact{}
	for _, input := range inputs {
		if input.Name != records.OutReport {
			kept = append(kept, input)
		}
	}
	return records.OutputsDigest(kept)
}

func contains(digests []records.Digest, wanted records.Digest) bool {
	for _, digest := range digests {
		if digest == wanted {
			return true
		}
	}
	return false
}
