package gates

import (
	"fmt"
	"maps"
	"slices"

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
	// Signatures are those that the output bears, each checked. Signed is how many
	// there are, of as many keys: each must be listed.
	Signatures []SignatureEvidence `json:"signatures,omitempty"`
	Signed     int                 `json:"signed,omitempty"`
}

// SignatureEvidence is what was found of one signature: whether it is the named
// key's, over exactly the content that bears it. An unknown key's is not.
type SignatureEvidence struct {
	KeyID string `json:"key_id"`
	Valid bool   `json:"valid"`
}

// Evidence is what the stage activity gathered about the outputs of one stage.
type Evidence struct {
	Stage records.Stage `json:"stage"`
	// Contracts is the contract set whose schemas were applied.
	Contracts records.Digest `json:"contracts,omitzero"`
	// Declared is how many outputs the runner declared. Each must have evidence.
	Declared int              `json:"declared,omitempty"`
	Outputs  []OutputEvidence `json:"outputs"`
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
func Integrity(c Context, evidence Evidence) Decision { return evaluate(GateIntegrity, c, evidence) }

// Contract decides whether every document of every output satisfies its schema
// in the pinned contract set. An output that should have been checked and was
// not is a refusal.
func Contract(c Context, evidence Evidence) Decision { return evaluate(GateContract, c, evidence) }

func integrityFindings(c Context, evidence Evidence) []Finding {
	return slices.Concat(declared(c, evidence), intact(c, evidence))
}

func declared(c Context, evidence Evidence) []Finding {
	spec, known := records.BuildStage(c.Subject.Stage)
	var findings []Finding
	if !known || evidence.Stage != c.Subject.Stage {
		findings = append(findings, refuse(ruleDeclared, Error, EvidenceMissing,
			fmt.Sprintf("evidence is about stage %q, the decision about %q", evidence.Stage, c.Subject.Stage)))
	}
	count, missing := map[string]int{}, 0
	for _, output := range evidence.Outputs {
		name := output.Artifact.Name
		count[name]++
		if _, known := spec.Output(name); !known {
			findings = append(findings, refuse(ruleDeclared, Fail, OutputUndeclared,
				fmt.Sprintf("%s is no output of %s", name, c.Subject.Stage)).about(label(output.Artifact)))
		}
	}
	for _, output := range spec.Outputs {
		switch n := count[output.Name]; {
		case output.Many:
			if c.Evaluator != "1" {
				findings = append(findings, repeated(ruleDeclared, spec.Stage, evidence, output.Name)...)
			}
		case n == 0:
			missing++
			findings = append(findings, refuse(ruleDeclared, Fail, OutputMissing,
				fmt.Sprintf("%s must yield %s", spec.Stage, output.Name)).about(output.Name))
		case n > 1:
			findings = append(findings, refuse(ruleDeclared, Fail, OutputUndeclared,
				fmt.Sprintf("%s yielded %s %d times", spec.Stage, output.Name, n)).about(output.Name))
		}
	}
	findings = append(findings, allThere(ruleDeclared, evidence, missing)...)
	if len(findings) == 0 {
		findings = append(findings, pass(ruleDeclared, nil))
	}
	return findings
}

// repeated finds outputs of a name that are there twice: a twin must not stand
// for one that was declared and is not there.
func repeated(rule string, stage records.Stage, evidence Evidence, name string) []Finding {
	count := map[string]int{}
	for _, output := range evidence.Outputs {
		if output.Artifact.Name == name {
			count[label(output.Artifact)]++
		}
	}
	var findings []Finding
	for _, label := range slices.Sorted(maps.Keys(count)) {
		if n := count[label]; n > 1 {
			findings = append(findings, refuse(rule, Fail, OutputUndeclared,
				fmt.Sprintf("%s yielded %s %d times", stage, label, n)).about(label))
		}
	}
	return findings
}

// allThere finds outputs that were declared and for which there is no evidence.
// Those of which a finding already says that they are missing explain as many.
func allThere(rule string, evidence Evidence, missing int) []Finding {
	if absent := evidence.Declared - len(evidence.Outputs); absent >= 0 && absent <= missing {
		return nil
	}
	return []Finding{refuse(rule, NoData, EvidenceMissing,
		fmt.Sprintf("%d outputs were declared, there is evidence of %d", evidence.Declared, len(evidence.Outputs))).about("outputs")}
}

func intact(c Context, evidence Evidence) []Finding {
	var findings []Finding
	for _, output := range evidence.Outputs {
		ref := output.Artifact.Ref
		label := label(output.Artifact)
		found := output.Found
		if !expected(c, output) {
			continue
		}
		switch {
		case !ref.Valid() || !found.Valid():
			findings = append(findings, refuse(ruleDigest, NoData, EvidenceMissing, label+" has no digest to compare").about(label))
		case ref.Digest != found:
			findings = append(findings, Finding{RuleID: ruleDigest, Verdict: Fail, Code: DigestMismatch,
				Message: fmt.Sprintf("%s is %s, declared %s", label, found, ref.Digest), Evidence: &found}.about(label))
		default:
			findings = append(findings, pass(ruleDigest, &found))
		}
		switch {
		case output.Read != ref.Size:
			findings = append(findings, refuse(ruleSize, Fail, SizeMismatch,
				fmt.Sprintf("%s has %d bytes, declared %d", label, output.Read, ref.Size)).about(label))
		case c.Evaluator != "1" && (output.Read < 0 || output.Read == 0 && found != records.DigestOf(nil)):
			findings = append(findings, refuse(ruleSize, NoData, EvidenceMissing, label+" was not read").about(label))
		}
		want := wantedMediaType(c.Subject.Stage, output.Artifact.Name)
		if ref.MediaType == "" || (want != "" && ref.MediaType != want) {
			findings = append(findings, refuse(ruleMediaType, Fail, MediaTypeMismatch,
				fmt.Sprintf("%s has media type %q, must be %q", label, ref.MediaType, want)).about(label))
		}
	}
	return findings
}

// expected reports whether an output is one of the stage. One that is not is
// refused for that; what else is wrong with it is no further condition.
func expected(c Context, output OutputEvidence) bool {
	spec, _ := records.BuildStage(c.Subject.Stage)
	_, known := spec.Output(output.Artifact.Name)
	return known || c.Evaluator == "1"
}

func contractFindings(c Context, evidence Evidence) []Finding {
	var findings []Finding
	spec, _ := records.BuildStage(c.Subject.Stage)
	if evidence.Stage != c.Subject.Stage {
		findings = append(findings, refuse(ruleContract, Error, EvidenceMissing,
			fmt.Sprintf("evidence is about stage %q, the decision about %q", evidence.Stage, c.Subject.Stage)))
	}
	missing := 0
	if !evidence.Contracts.Valid() {
		findings = append(findings, refuse(ruleContract, NoData, ContractUnchecked, "no contract set was applied"))
	}
	for _, output := range spec.Outputs {
		findings = append(findings, repeated(ruleContract, spec.Stage, evidence, output.Name)...)
		if output.Role != "" && !output.Many && !slices.ContainsFunc(evidence.Outputs, func(o OutputEvidence) bool { return o.Artifact.Name == output.Name }) {
			missing++
			findings = append(findings, refuse(ruleContract, NoData, ContractUnchecked,
				fmt.Sprintf("%s, which must satisfy %s, is not there", output.Name, output.Role)).about(output.Name))
		}
	}
	findings = append(findings, allThere(ruleContract, evidence, missing)...)
	for _, output := range evidence.Outputs {
		want, known := spec.Output(output.Artifact.Name)
		label := label(output.Artifact)
		checked := output.Schema.Valid() && output.Documents > 0
		violated := output.Violations != 0 || len(output.First) > 0
		if known && want.Role != "" && !checked {
			findings = append(findings, refuse(ruleContract, NoData, ContractUnchecked,
				fmt.Sprintf("%s was not checked against %s", label, want.Role)).about(label))
		}
		switch {
		case !known:
			findings = append(findings, refuse(ruleContract, Fail, OutputUndeclared,
				fmt.Sprintf("%s is no output of %s", output.Artifact.Name, c.Subject.Stage)).about(label))
		case want.Role == "":
			// Without a schema its integrity is all there is to check.
		case violated:
			findings = append(findings, refuse(ruleContract, Fail, ContractViolation,
				fmt.Sprintf("%s: %d of %d documents violate %s%s", label,
					output.Violations, output.Documents, want.Role, first(output.First))).about(label))
		case checked:
			schema := output.Schema
			findings = append(findings, pass(ruleContract, &schema))
		}
	}
	if evidence.Contracts.Valid() {
		// Decisions cite the set. It alone is no evidence that anything was checked.
		findings = append(findings, Finding{RuleID: ruleContract, Verdict: Pass, Evidence: &evidence.Contracts, Advisory: true})
	}
	return findings
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
