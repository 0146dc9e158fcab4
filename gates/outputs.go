package gates

import (
	"fmt"

	"github.com/initkoa/orgo/records"
)

// OutputEvidence is what the stage activity found when it read one output back
// from the artifact store.
type OutputEvidence struct {
	Artifact records.Artifact `json:"artifact"` // as the runner declared it
	// Found is the digest, and Read the bytes, of what the store holds.
	Found records.Digest `json:"found"`
	Read  int64          `json:"read"`
	// Schema is the digest of the schema that was applied, zero if none was.
	Schema     records.Digest `json:"schema,omitzero"`
	Documents  int64          `json:"documents"`  // documents checked against it
	Violations int64          `json:"violations"` // documents that violate it, in all
	First      []string       `json:"first_violations,omitempty"`
}

// Evidence is what the stage activity gathered about the outputs of one stage.
type Evidence struct {
	Stage   records.Stage    `json:"stage"`
	Outputs []OutputEvidence `json:"outputs"`
}

const (
	ruleDigest    = "orgo/output-digest"
	ruleSize      = "orgo/output-size"
	ruleMediaType = "orgo/output-media-type"
	ruleDeclared  = "orgo/output-declared"
	ruleContract  = "orgo/output-contract"
)

// Integrity decides whether the outputs of a stage are what they claim: each
// that the spine demands is there, none that it does not know, and digest, size
// and media type are as declared.
func Integrity(c Context, evidence Evidence) Decision {
	return decide(GateIntegrity, c, evidence, append(declared(c, evidence), intact(evidence)...))
}

func declared(c Context, evidence Evidence) []Finding {
	spec, known := records.BuildStage(c.Subject.Stage)
	if !known || evidence.Stage != c.Subject.Stage {
		return []Finding{refuse(ruleDeclared, Error, EvidenceMissing,
			fmt.Sprintf("evidence is about stage %q, the decision about %q", evidence.Stage, c.Subject.Stage))}
	}
	var findings []Finding
	count := map[string]int{}
	for _, output := range evidence.Outputs {
		count[output.Artifact.Name]++
		if _, known := spec.Output(output.Artifact.Name); !known {
			findings = append(findings, refuse(ruleDeclared, Fail, OutputUndeclared,
				fmt.Sprintf("%s is no output of %s", output.Artifact.Name, spec.Stage)))
		}
	}
	for _, output := range spec.Outputs {
		switch n := count[output.Name]; {
		case output.Many:
		case n == 0:
			findings = append(findings, refuse(ruleDeclared, Fail, OutputMissing,
				fmt.Sprintf("%s must yield %s", spec.Stage, output.Name)))
		case n > 1:
			findings = append(findings, refuse(ruleDeclared, Fail, OutputUndeclared,
				fmt.Sprintf("%s yielded %s %d times", spec.Stage, output.Name, n)))
		}
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleDeclared, nil))
	}
	return findings
}

func intact(evidence Evidence) []Finding {
	var findings []Finding
	for _, output := range evidence.Outputs {
		ref := output.Artifact.Ref
		label := label(output.Artifact)
		found := output.Found
		switch {
		case !ref.Valid() || !found.Valid():
			findings = append(findings, refuse(ruleDigest, NoData, EvidenceMissing, label+" has no digest to compare"))
		case ref.Digest != found:
			findings = append(findings, Finding{RuleID: ruleDigest, Verdict: Fail, Code: DigestMismatch,
				Message: fmt.Sprintf("%s is %s, declared %s", label, found, ref.Digest), Evidence: &found})
		default:
			findings = append(findings, pass(ruleDigest, &found))
		}
		if output.Read != ref.Size {
			findings = append(findings, refuse(ruleSize, Fail, SizeMismatch,
				fmt.Sprintf("%s has %d bytes, declared %d", label, output.Read, ref.Size)))
		}
		want := wantedMediaType(evidence.Stage, output.Artifact.Name)
		if ref.MediaType == "" || (want != "" && ref.MediaType != want) {
			findings = append(findings, refuse(ruleMediaType, Fail, MediaTypeMismatch,
				fmt.Sprintf("%s has media type %q, must be %q", label, ref.MediaType, want)))
		}
	}
	return findings
}

// Contract decides whether every document of every output satisfies its schema
// in the pinned contract set. An output that should have been checked and was
// not is a refusal.
func Contract(c Context, evidence Evidence) Decision {
	var findings []Finding
	spec, _ := records.BuildStage(c.Subject.Stage)
	for _, output := range evidence.Outputs {
		want, known := spec.Output(output.Artifact.Name)
		switch {
		case !known || evidence.Stage != c.Subject.Stage:
			findings = append(findings, refuse(ruleContract, Fail, OutputUndeclared,
				fmt.Sprintf("%s is no output of %s", output.Artifact.Name, c.Subject.Stage)))
		case want.Role == "":
			// Without a schema its integrity is all there is to check.
		case !output.Schema.Valid() || output.Documents == 0:
			findings = append(findings, refuse(ruleContract, NoData, ContractUnchecked,
				fmt.Sprintf("%s was not checked against %s", label(output.Artifact), want.Role)))
		case output.Violations != 0:
			findings = append(findings, refuse(ruleContract, Fail, ContractViolation,
				fmt.Sprintf("%s: %d of %d documents violate %s%s", label(output.Artifact),
					output.Violations, output.Documents, want.Role, first(output.First))))
		default:
			schema := output.Schema
			findings = append(findings, pass(ruleContract, &schema))
		}
	}
	return decide(GateContract, c, evidence, findings)
}

func wantedMediaType(stage records.Stage, name string) string {
	spec, _ := records.BuildStage(stage)
	output, _ := spec.Output(name)
	return output.MediaType
}

func label(a records.Artifact) string {
	if a.Path != "" {
		return a.Name + " " + a.Path
	}
	return a.Name
}

func first(violations []string) string {
	if len(violations) == 0 {
		return ""
	}
	return ", first: " + violations[0]
}
