package gates

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
)

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

// Verdicts returns all verdicts, the best first.
func Verdicts() []Verdict {
	return slices.SortedFunc(maps.Keys(severity), func(a, b Verdict) int { return cmp.Compare(severity[a], severity[b]) })
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

// Subject is what a decision is about. Subjects are compared: two decisions are
// about the same only if all of it is equal.
type Subject struct {
	BuildID string        `json:"build_id"`
	Stage   records.Stage `json:"stage"`
	// Generation is that of the build's stage; of a release, the stage of its rollout,
	// from 1.
	Generation int    `json:"generation"`
	ReleaseID  string `json:"release_id,omitempty"`
	Channel    string `json:"channel,omitempty"`
	Cohort     string `json:"cohort,omitempty"`
	// Pack is the digest, as sha256:…, of the pack that a release brings.
	Pack string `json:"pack,omitempty"`
}

// Finding is what one rule found. RuleID is the policy's, or "orgo/…" for a
// rule that always holds.
type Finding struct {
	RuleID   string          `json:"rule_id"`
	Verdict  Verdict         `json:"verdict"`
	Code     Code            `json:"code,omitempty"`
	Target   string          `json:"target,omitempty"` // the part of the subject that it is about: an output, a metric, …
	Message  string          `json:"message,omitempty"`
	Evidence *records.Digest `json:"evidence,omitempty"`
	// Earliest is when time alone will have cleared a refusal.
	Earliest *time.Time `json:"earliest,omitempty"`
	// Advisory findings are recorded and do not decide. Enforcement says of which
	// kind of policy: SHOULD is a warning, which a policy may count; MAY is a note.
	Advisory    bool        `json:"advisory,omitempty"`
	Enforcement Enforcement `json:"enforcement,omitempty"`
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
	// Inputs is what was looked at, canonical: InputsDigest is its digest. With it
	// and the policy the decision can be made again (Replay). What is larger than
	// maxKept is not kept.
	Inputs json.RawMessage `json:"inputs,omitempty"`
	// Override is set in a decision that overrides another, which stays.
	Override *Override `json:"override,omitempty"`
}

// Permits reports whether the decision lets the next step run.
func (d Decision) Permits() bool { return d.Verdict == Pass }

// Context is what every gate is told besides its evidence.
type Context struct {
	Subject   Subject
	Rules     Ruleset
	At        time.Time // the time of the decision, given by the caller
	Actor     string    // who asked for it: the workflow, or an operator
	Evaluator string    // the version of the evaluator that decides

	known knownFacts // the facts that an expression has asked for
}

// maxKept is how large inputs a decision holds, in bytes: those of about a
// thousand output files. Decisions travel in workflow payloads, which Temporal
// bounds at 2 MiB, several together.
const maxKept = 256 << 10

// decide makes the decision that findings amount to. inputs is everything that
// was looked at; its canonical digest makes the decision replayable.
//
// builtin are the findings of the gate's own rules: they must have looked at
// something. A policy's rules can only add to them.
func decide(gate Gate, c Context, inputs any, builtin, policy []Finding) Decision {
	d := Decision{
		Gate:             gate,
		Subject:          c.Subject,
		Verdict:          Pass,
		Codes:            []Code{},
		Evidence:         []records.Digest{},
		RuleIDs:          []string{},
		PolicyDigest:     c.Rules.policy.Digest,
		EvaluatorVersion: c.Evaluator,
		EvaluatedAt:      c.At.UTC(),
		Actor:            c.Actor,
	}
	findings := slices.Concat(builtin, policy)
	if !slices.ContainsFunc(builtin, decisive) {
		findings = append(findings, refuse(ruleEvidence, NoData, EvidenceMissing, "no rule looked at any evidence"))
	}
	canonical, err := records.Canonical(inputs)
	if err != nil {
		findings = append(findings, refuse(ruleEvidence, Error, GateError, fmt.Sprintf("evidence has no canonical form: %v", err)))
	} else {
		d.InputsDigest = records.DigestOf(canonical)
	}
	if evaluators[c.Evaluator].keeps && len(canonical) <= maxKept {
		d.Inputs = canonical
	}
	d.Findings = sortFindings(findings)
	d.RuleIDs = make([]string, 0, len(findings))
	for _, f := range d.Findings {
		d.RuleIDs = append(d.RuleIDs, f.RuleID)
		if f.Evidence != nil {
			d.Evidence = append(d.Evidence, *f.Evidence)
		}
		if !decisive(f) || f.Verdict == Pass {
			continue
		}
		d.Verdict = worse(d.Verdict, f.Verdict)
		d.Codes = append(d.Codes, f.Code)
	}
	d.Codes = SortCodes(d.Codes)
	slices.Sort(d.RuleIDs)
	d.RuleIDs = slices.Compact(d.RuleIDs)
	slices.SortFunc(d.Evidence, compareDigests)
	d.Evidence = slices.Compact(d.Evidence)
	return d
}

// inputsDigest returns the InputsDigest of a decision on inputs.
func inputsDigest(inputs any) (records.Digest, error) {
	canonical, err := records.Canonical(inputs)
	if err != nil {
		return records.Digest{}, err
	}
	return records.DigestOf(canonical), nil
}

// ruleEvidence is the rule that there must be evidence.
const ruleEvidence = "orgo/evidence"

func refuse(rule string, verdict Verdict, code Code, message string) Finding {
	return Finding{RuleID: rule, Verdict: verdict, Code: code, Message: message}
}

func pass(rule string, evidence *records.Digest) Finding {
	return Finding{RuleID: rule, Verdict: Pass, Evidence: evidence}
}

// about says which part of the subject a finding is about.
func (f Finding) about(target string) Finding {
	f.Target = target
	return f
}

func decisive(f Finding) bool { return !f.Advisory }

// sortFindings orders findings by rule, code, target, message, evidence and
// verdict, so that the order in which evidence arrived does not show. It moves
// pointers, for findings are large.
func sortFindings(findings []Finding) []Finding {
	places := make([]*Finding, len(findings))
	for i := range findings {
		places[i] = &findings[i]
	}
	slices.SortStableFunc(places, func(a, b *Finding) int {
		if byRule := cmp.Compare(a.RuleID, b.RuleID); byRule != 0 {
			return byRule // most differ here
		}
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Target, b.Target),
			cmp.Compare(a.Message, b.Message), compareEvidence(a.Evidence, b.Evidence), cmp.Compare(a.Verdict, b.Verdict))
	})
	sorted := make([]Finding, len(findings))
	for i, f := range places {
		sorted[i] = *f
	}
	return sorted
}

func compareEvidence(a, b *records.Digest) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	default:
		return compareDigests(*a, *b)
	}
}

func compareDigests(a, b records.Digest) int {
	return cmp.Or(cmp.Compare(a.Alg, b.Alg), cmp.Compare(a.Value, b.Value))
}
