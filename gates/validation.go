package gates

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/initkoa/orgo/records"
)

// ReportStatus is the outcome that a validation report states.
type ReportStatus string

// The outcomes of a validation report.
const (
	ReportPassed  ReportStatus = "passed"
	ReportPartial ReportStatus = "partial"
	ReportFailed  ReportStatus = "failed"
)

// ReportEvidence is what the stage activity read in a validation report.
// Malformed says why it could not be read as one, and is empty if it could.
type ReportEvidence struct {
	Report     records.Ref      `json:"report"`
	Malformed  string           `json:"malformed,omitempty"`
	Status     ReportStatus     `json:"status"`
	Severities map[string]int64 `json:"severities"` // issues by severity
	Codes      map[string]int64 `json:"codes"`      // issues by code
	// BySeverity and ByCode are how many issues were counted by each, in all. A
	// report may count more than it lists, and more by one than by the other.
	BySeverity int64 `json:"by_severity,omitempty"`
	ByCode     int64 `json:"by_code,omitempty"`
	// Resolved and Snapshot are what the report says that it is about.
	Resolved records.Digest `json:"resolved"`
	Snapshot records.Digest `json:"snapshot"`
}

// ValidationInputs is what the validation gate looks at. CompileInputs are the
// artifacts that compile would use.
type ValidationInputs struct {
	Report        *ReportEvidence    `json:"report,omitempty"`
	CompileInputs []records.Artifact `json:"compile_inputs"`
}

const (
	ruleReport       = "orgo/validation-report"
	ruleReportInputs = "orgo/validation-inputs"
	severityError    = "ERROR"
)

// Validation decides whether compile may use its inputs: there is a well-formed
// report, about exactly these inputs, whose status the policy admits and whose
// issues stay within the policy's limits. Without a rule only "passed" is
// admitted; "failed" never is.
func Validation(c Context, in ValidationInputs) Decision {
	d := evaluate(GateValidation, c, in)
	if validated, err := ValidatedInputs(in.CompileInputs); err == nil {
		d.Validated = &validated
	}
	return d
}

func validationFindings(c Context, in ValidationInputs) []Finding {
	if in.Report == nil {
		return append(ambiguous(nil, in.CompileInputs), refuse(ruleReport, NoData, ValidationNotRun, "there is no validation report"))
	}
	report := *in.Report
	evidence := report.Report.Digest
	findings := slices.Concat(sameInputs(report, in.CompileInputs), ambiguous(&evidence, in.CompileInputs))
	if reason := miscounted(report); reason != "" {
		findings = append(findings, Finding{RuleID: ruleReport, Verdict: Error, Code: ValidationMalformed, Message: reason, Evidence: &evidence})
	}
	if report.Status == ReportFailed {
		findings = append(findings, Finding{RuleID: ruleReport, Verdict: Fail, Code: ValidationFailed, Evidence: &evidence,
			Message: fmt.Sprintf("status is failed: %s", counts(report))}.about("status"))
	}
	if report.Status == ReportPartial && !c.Rules.admitsPartial(c) {
		findings = append(findings, notAdmitted(report))
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleReport, &evidence))
	}
	return findings
}

// ValidationConfig is the config of a rule of type "validation": which statuses
// may go on, and how many issues of a code or severity at most.
type ValidationConfig struct {
	Admit         []ReportStatus   `json:"admit"`
	MaxByCode     map[string]int64 `json:"max_by_code,omitempty"`
	MaxBySeverity map[string]int64 `json:"max_by_severity,omitempty"`
}

func (v ValidationConfig) admits(status ReportStatus) bool { return slices.Contains(v.Admit, status) }

func readValidation(raw json.RawMessage) (func(Context, ValidationInputs) []Finding, error) {
	var config ValidationConfig
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	if len(config.Admit) == 0 {
		return nil, wrong("/admit", "must list at least one status")
	}
	for i, status := range config.Admit {
		if status != ReportPassed && status != ReportPartial {
			return nil, wrong(fmt.Sprintf("/admit/%d", i), "%q is not passed or partial", status)
		}
	}
	for _, limits := range []struct {
		at string
		by map[string]int64
	}{{"/max_by_code", config.MaxByCode}, {"/max_by_severity", config.MaxBySeverity}} {
		for _, of := range sortedKeys(limits.by) {
			if limits.by[of] < 0 {
				return nil, wrong(limits.at+"/"+of, "the limit is negative")
			}
		}
	}
	limits := config.limits()
	return func(_ Context, in ValidationInputs) []Finding {
		if in.Report == nil {
			return []Finding{{Verdict: NoData, Code: ValidationNotRun, Message: "there is no validation report"}}
		}
		findings := beyond(*in.Report, limits)
		if status := in.Report.Status; (status == ReportPassed || status == ReportPartial) && !config.admits(status) {
			findings = append(findings, notAdmitted(*in.Report))
		}
		return findings
	}, nil
}

// admitsPartial reports whether a binding rule in force admits partial reports.
func (r Ruleset) admitsPartial(c Context) bool {
	return slices.ContainsFunc(r.policy.Rules, func(rule Rule) bool {
		return rule.Validation != nil && rule.Enforcement == Must && rule.applies(c) && rule.Validation.admits(ReportPartial)
	})
}

func notAdmitted(report ReportEvidence) Finding {
	return Finding{RuleID: ruleReport, Verdict: Fail, Code: ValidationPartial, Evidence: &report.Report.Digest,
		Message: fmt.Sprintf("status %s is not admitted: %s", report.Status, counts(report))}.about("status")
}

// malformed says why a report is none, whoever counted its issues.
func malformed(report ReportEvidence) string {
	switch {
	case report.Malformed != "":
		return report.Malformed
	case !report.Report.Valid():
		return "the report has no digest"
	case report.Status != ReportPassed && report.Status != ReportPartial && report.Status != ReportFailed:
		return fmt.Sprintf("status %q is not one of passed, partial, failed", report.Status)
	case report.Status == ReportPassed && report.Severities[severityError] > 0:
		return fmt.Sprintf("status is passed and yet there are %d errors", report.Severities[severityError])
	default:
		return ""
	}
}

// miscounted says why a report is none, or that not every issue was counted.
func miscounted(report ReportEvidence) string {
	if reason := malformed(report); reason != "" {
		return reason
	}
	if addUp(report.Severities, report.BySeverity) && addUp(report.Codes, report.ByCode) {
		return ""
	}
	for _, counted := range []struct {
		by    map[string]int64
		total int64
	}{{report.Severities, report.BySeverity}, {report.Codes, report.ByCode}} {
		total := int64(0)
		for _, of := range sortedKeys(counted.by) {
			// Written so that no sum overflows.
			if n := counted.by[of]; n < 0 || n > counted.total-total {
				return fmt.Sprintf("%s was counted %d times, of %d issues in all", of, n, counted.total)
			}
			total += counted.by[of]
		}
		if total != counted.total {
			return fmt.Sprintf("%d issues were counted, there are counts of %d", counted.total, total)
		}
	}
	return ""
}

// addUp reports whether counts are what they sum up to, whatever their order.
func addUp(by map[string]int64, total int64) bool {
	for _, n := range by {
		if n < 0 || n > total {
			return false
		}
		total -= n
	}
	return total == 0
}

func sameInputs(report ReportEvidence, inputs []records.Artifact) []Finding {
	var findings []Finding
	evidence := report.Report.Digest
	claimed := map[string]records.Digest{records.OutResolved: report.Resolved, records.OutSnapshot: report.Snapshot}
	for _, name := range []string{records.OutResolved, records.OutSnapshot} {
		actual := records.Digest{}
		for _, input := range inputs {
			if input.Name == name {
				actual = input.Ref.Digest
			}
		}
		if !actual.Valid() || claimed[name] != actual {
			findings = append(findings, Finding{RuleID: ruleReportInputs, Verdict: Fail, Code: ValidationOtherInputs, Evidence: &evidence,
				Message: fmt.Sprintf("the report is about %s %s, compile would use %s", name, claimed[name], actual)}.about(name))
		}
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleReportInputs, &evidence))
	}
	return findings
}

// ambiguous finds inputs that a report must be about and that compile would not
// get, or get twice: it cannot be about both.
func ambiguous(evidence *records.Digest, inputs []records.Artifact) []Finding {
	var findings []Finding
	for _, name := range []string{records.OutResolved, records.OutSnapshot} {
		if found := named(inputs, name); len(found) != 1 || !found[0].Ref.Valid() {
			findings = append(findings, Finding{RuleID: ruleReportInputs, Verdict: Fail, Code: ValidationOtherInputs, Evidence: evidence,
				Message: fmt.Sprintf("compile would use %d artifacts of name %s, must use one with a digest", len(found), name)}.about(name))
		}
	}
	return findings
}

// issueLimit is how many issues of a code or severity there may be at most.
type issueLimit struct {
	severity bool
	name     string
	most     int64
}

// limits returns the limits of a config, sorted.
func (v ValidationConfig) limits() []issueLimit {
	var limits []issueLimit
	for _, name := range sortedKeys(v.MaxByCode) {
		limits = append(limits, issueLimit{false, name, v.MaxByCode[name]})
	}
	for _, name := range sortedKeys(v.MaxBySeverity) {
		limits = append(limits, issueLimit{true, name, v.MaxBySeverity[name]})
	}
	return limits
}

// limitFindings compares the report's counts with the limits of one rule.
func limitFindings(report ReportEvidence, config ValidationConfig) []Finding {
	return beyond(report, config.limits())
}

func beyond(report ReportEvidence, limits []issueLimit) []Finding {
	var findings []Finding
	for _, limit := range limits {
		kind, found := "code", report.Codes[limit.name]
		if limit.severity {
			kind, found = "severity", report.Severities[limit.name]
		}
		if found > limit.most {
			evidence := report.Report.Digest
			findings = append(findings, Finding{Verdict: Fail, Code: ValidationIssueLimit, Evidence: &evidence,
				Message: fmt.Sprintf("%d issues of %s %s, at most %d admitted", found, kind, limit.name, limit.most)}.
				about(kind+" "+limit.name))
		}
	}
	return findings
}

func counts(report ReportEvidence) string {
	text := ""
	for _, code := range sortedKeys(report.Codes) {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%s ×%d", code, report.Codes[code])
	}
	if text == "" {
		return "no issue is listed"
	}
	return text
}

func sortedKeys(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }
