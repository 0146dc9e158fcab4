package gates

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/records"
)

// integrityConfig is the config of a rule of type "integrity": what is asked of
// outputs beyond being what they claim.
type integrityConfig struct {
	MaxBytes int64    `json:"max_bytes,omitempty"` // of each output
	Revoked  []string `json:"revoked,omitempty"`   // digests that must not be used
	Signed   []string `json:"signed,omitempty"`    // names of outputs that must bear a signature
	Signers  []string `json:"signers,omitempty"`   // the keys that may sign them
}

func readIntegrity(raw json.RawMessage) (func(Context, Evidence) []Finding, error) {
	var config integrityConfig
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	revoked, err := digestsAt("/revoked", config.Revoked)
	switch {
	case err != nil:
		return nil, err
	case config.MaxBytes < 0:
		return nil, wrong("/max_bytes", "is negative")
	case len(config.Signed) > 0 && len(config.Signers) == 0:
		return nil, wrong("/signers", "must name at least one key: a signature by anybody proves nothing")
	case len(config.Signers) > 0 && len(config.Signed) == 0:
		return nil, wrong("/signed", "must name the outputs that bear a signature")
	}
	for i, name := range config.Signed {
		if !isOutput(name) {
			return nil, wrong(fmt.Sprintf("/signed/%d", i), "%q is no output of any stage", name)
		}
	}
	return func(c Context, evidence Evidence) []Finding {
		var findings []Finding
		for _, output := range evidence.Outputs {
			if !expected(c, output) {
				continue
			}
			findings = append(findings, config.findings(output, revoked)...)
		}
		return findings
	}, nil
}

func (config integrityConfig) findings(output OutputEvidence, revoked []records.Digest) []Finding {
	var findings []Finding
	label := label(output.Artifact)
	refused := func(verdict Verdict, code Code, format string, args ...any) {
		found := output.Found
		findings = append(findings, Finding{Verdict: verdict, Code: code, Message: label + fmt.Sprintf(format, args...), Evidence: &found}.about(label))
	}
	if config.MaxBytes > 0 && max(output.Read, output.Artifact.Ref.Size) > config.MaxBytes {
		refused(Fail, ArtifactTooLarge, " has %d bytes, at most %d admitted", output.Read, config.MaxBytes)
	}
	if slices.Contains(revoked, output.Found) || slices.Contains(revoked, output.Artifact.Ref.Digest) {
		refused(Fail, ArtifactRevoked, " has been revoked")
	}
	if !slices.Contains(config.Signed, output.Artifact.Name) {
		return findings
	}
	keys := map[string]bool{}
	for _, signature := range output.Signatures {
		keys[signature.KeyID] = true
	}
	if output.Signed != len(output.Signatures) || output.Signed != len(keys) {
		findings = append(findings, Finding{Verdict: NoData, Code: EvidenceMissing, Message: fmt.Sprintf("%s bears %d signatures, %d are listed, of %d keys",
			label, output.Signed, len(output.Signatures), len(keys))}.about(label+" signatures"))
		return findings
	}
	invalid := slices.ContainsFunc(output.Signatures, func(s SignatureEvidence) bool { return !s.Valid })
	allowed := slices.ContainsFunc(output.Signatures, func(s SignatureEvidence) bool { return slices.Contains(config.Signers, s.KeyID) })
	if len(output.Signatures) == 0 {
		refused(NoData, SignatureMissing, " bears no signature")
		return findings
	}
	// Each alone refuses, so that what is left is valid and of an allowed key.
	if invalid {
		refused(Fail, SignatureInvalid, " bears a signature that does not verify")
	}
	if !allowed {
		refused(Fail, SignerNotAllowed, " bears no signature of an allowed key")
	}
	return findings
}

func isOutput(name string) bool {
	return slices.ContainsFunc(records.BuildSpine(), func(spec records.StageSpec) bool {
		_, known := spec.Output(name)
		return known
	})
}

// contractConfig is the config of a rule of type "contract": which contract sets
// may be pinned. None listed: any.
type contractConfig struct {
	Sets []string `json:"sets,omitempty"`
}

func readContract(raw json.RawMessage) (func(Context, Evidence) []Finding, error) {
	var config contractConfig
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	sets, err := digestsAt("/sets", config.Sets)
	if err != nil {
		return nil, err
	}
	return func(_ Context, evidence Evidence) []Finding {
		if len(sets) > 0 && !evidence.Contracts.Valid() {
			return []Finding{{Verdict: NoData, Code: ContractUnchecked, Message: "no contract set was applied"}}
		}
		if len(sets) == 0 || slices.Contains(sets, evidence.Contracts) {
			return nil
		}
		return []Finding{Finding{Verdict: Fail, Code: ContractSetNotAllowed,
			Message: fmt.Sprintf("contract set %s is not allowed", evidence.Contracts)}.about("contract set")}
	}, nil
}

// digestsAt parses a list of digests of a config.
func digestsAt(pointer string, values []string) ([]records.Digest, error) {
	digests := make([]records.Digest, 0, len(values))
	for i, value := range values {
		digest, err := records.ParseDigest(value)
		if err != nil {
			return nil, wrong(fmt.Sprintf("%s/%d", pointer, i), "%v", err)
		}
		digests = append(digests, digest)
	}
	return digests, nil
}
