package gates

import (
	"fmt"
	"sort"
	"time"

	"github.com/initkoa/orgo/records"
)

// EvaluatorVersion is the version of the meaning of all gates. A change of
// meaning is a new version.
const EvaluatorVersion = "1"

// Verdict is what a rule or a gate finds.
type Verdict string

// The verdicts. Only Pass permits.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	NoData       Verdict = "NO_DATA"
	Insufficient Verdict = "INSUFFICIENT"
	Stale        Verdict = "STALE"
	Error        Verdict = "ERROR"
	Pending      Verdict = "PENDING"
)

// severity orders verdicts: the worst of many is the verdict of all. A verdict
// that is not in the table is worse than every other.
var severity = map[Verdict]int{
	Pass: 0, Pending: 1, Insufficient: 2, Stale: 3, NoData: 4, Error: 5, Fail: 6,
}

// worse returns the worse of two verdicts.
func worse(a, b Verdict) Verdict {
	rankA, knownA := severity[a]
	rankB, knownB := severity[b]
	switch {
	case !knownA || !knownB:
		return Error
	case rankA >= rankB:
		return a
	default:
		return b
	}
}

// Gate names a gate.
type Gate string

// The gates of a build.
const (
	GateDependency  Gate = "stage-dependency"
	GateIntegrity   Gate = "integrity"
	GateContract    Gate = "contract"
	GateValidation  Gate = "validation"
	GateDeterminism Gate = "determinism"
)

// Subject is what a decision is about.
type Subject struct {
	BuildID    string        `json:"build_id"`
	Stage      records.Stage `json:"stage"`
	Generation int           `json:"generation"`
}

// Finding is what one rule found. RuleID is the policy's, or "orgo/…" for a
// rule that always holds.
type Finding struct {
	RuleID   string          `json:"rule_id"`
	Verdict  Verdict         `json:"verdict"`
	Code     Code            `json:"code,omitempty"`
	Message  string          `json:"message,omitempty"`
	Evidence *records.Digest `json:"evidence,omitempty"`
	// Advisory findings are recorded and do not decide (SHOULD and MAY policies).
	Advisory bool `json:"advisory,omitempty"`
}

// Decision is what a gate decided and why. Codes and Findings are sorted.
type Decision struct {
	Gate             Gate             `json:"gate"`
	Subject          Subject          `json:"subject"`
	Verdict          Verdict          `json:"verdict"`
	Codes            []Code           `json:"reason_codes"`
	Findings         []Finding        `json:"findings"`
	Evidence         []records.Digest `json:"evidence"`
	InputsDigest     records.Digest   `json:"inputs_digest"`
	PolicyDigest     records.Digest   `json:"policy_digest"`
	RuleIDs          []string         `json:"rule_ids"`
	EvaluatorVersion string           `json:"evaluator_version"`
	EvaluatedAt      time.Time        `json:"evaluated_at"`
	// Validated is set by the validation gate: the identity of the artifacts that
	// its verdict lets compile use.
	Validated *records.Digest `json:"validated_inputs,omitempty"`
	Actor     string          `json:"actor"`
}

// Permits reports whether the decision lets the next step run.
func (d Decision) Permits() bool { return d.Verdict == Pass }

// Context is what every gate is told besides its evidence.
type Context struct {
	Subject Subject
	Policy  Policy
	At      time.Time // the time of the decision, given by the caller
	Actor   string    // who asked for it: the workflow, or an operator
}

// decide makes the decision that findings amount to. inputs is everything that
// was looked at; its canonical digest makes the decision replayable.
func decide(gate Gate, c Context, inputs any, findings []Finding) Decision {
	d := Decision{
		Gate:             gate,
		Subject:          c.Subject,
		Verdict:          Pass,
		Codes:            []Code{},
		Evidence:         []records.Digest{},
		RuleIDs:          []string{},
		PolicyDigest:     c.Policy.Digest,
		EvaluatorVersion: EvaluatorVersion,
		EvaluatedAt:      c.At.UTC(),
		Actor:            c.Actor,
	}
	digest, err := records.CanonicalDigest(inputs)
	if err != nil {
		findings = append(findings, refuse(ruleEvidence, Error, GateError, fmt.Sprintf("evidence has no canonical form: %v", err)))
	}
	d.InputsDigest = digest
	if len(decisive(findings)) == 0 {
		findings = append(findings, refuse(ruleEvidence, NoData, EvidenceMissing, "no rule looked at any evidence"))
	}
	d.Findings = sortFindings(findings)
	for _, f := range d.Findings {
		d.RuleIDs = append(d.RuleIDs, f.RuleID)
		if f.Evidence != nil {
			d.Evidence = append(d.Evidence, *f.Evidence)
		}
		if f.Advisory {
			continue
		}
		d.Verdict = worse(d.Verdict, f.Verdict)
		if f.Verdict != Pass {
			d.Codes = append(d.Codes, f.Code)
		}
	}
	d.Codes = SortCodes(d.Codes)
	d.RuleIDs = distinct(d.RuleIDs)
	d.Evidence = distinctDigests(d.Evidence)
	return d
}

// ruleEvidence is the rule that there must be evidence.
const ruleEvidence = "orgo/evidence"

func refuse(rule string, verdict Verdict, code Code, message string) Finding {
	return Finding{RuleID: rule, Verdict: verdict, Code: code, Message: message}
}

func pass(rule string, evidence *records.Digest) Finding {
	return Finding{RuleID: rule, Verdict: Pass, Evidence: evidence}
}

func decisive(findings []Finding) []Finding {
	var kept []Finding
	for _, f := range findings {
		if !f.Advisory {
			kept = append(kept, f)
		}
	}
	return kept
}

// sortFindings orders findings by rule, code, message and evidence, so that the
// order in which evidence arrived does not show.
func sortFindings(findings []Finding) []Finding {
	sorted := append([]Finding{}, findings...)
	sort.SliceStable(sorted, func(i, j int) bool { return findingKey(sorted[i]) < findingKey(sorted[j]) })
	return sorted
}

func findingKey(f Finding) string {
	evidence := ""
	if f.Evidence != nil {
		evidence = f.Evidence.String()
	}
	return fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%s", f.RuleID, f.Code, f.Message, evidence, f.Verdict)
}

func distinct(values []string) []string {
	sort.Strings(values)
	kept := values[:0]
	for i, value := range values {
		if i == 0 || value != values[i-1] {
			kept = append(kept, value)
		}
	}
	return kept
}

func distinctDigests(digests []records.Digest) []records.Digest {
	sort.Slice(digests, func(i, j int) bool { return digests[i].String() < digests[j].String() })
	kept := digests[:0]
	for i, digest := range digests {
		if i == 0 || digest != digests[i-1] {
			kept = append(kept, digest)
		}
	}
	return kept
}
