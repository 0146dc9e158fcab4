package gates

import (
	"fmt"
	"sort"

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
	ruleReport        = "orgo/validation-report"
	ruleReportInputs  = "orgo/validation-inputs"
	severityError     = "ERROR"
	defaultAdmittance = ReportPassed
)

// Validation decides whether compile may use its inputs: there is a well-formed
// report, about exactly these inputs, whose status the policy admits and whose
// issues stay within the policy's limits. Without a rule only "passed" is
// admitted; "failed" never is.
func Validation(c Context, in ValidationInputs) Decision {
	d := decide(GateValidation, c, in, validationFindings(c, in))
	if validated, err := ValidatedInputs(in.CompileInputs); err == nil {
		d.Validated = &validated
	}
	return d
}

func validationFindings(c Context, in ValidationInputs) []Finding {
	if in.Report == nil {
		return []Finding{refuse(ruleReport, NoData, ValidationNotRun, "there is no validation report")}
	}
	report := *in.Report
	evidence := report.Report.Digest
	if reason := malformed(report); reason != "" {
		return []Finding{{RuleID: ruleReport, Verdict: Error, Code: ValidationMalformed, Message: reason, Evidence: &evidence}}
	}
	findings := sameInputs(report, in.CompileInputs)
	rules := c.Policy.validationRules(c)
	findings = append(findings, statusFinding(report, rules))
	for _, rule := range rules {
		findings = append(findings, limitFindings(report, rule)...)
	}
	return findings
}

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
				Message: fmt.Sprintf("the report is about %s %s, compile would use %s", name, claimed[name], actual)})
		}
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleReportInputs, &evidence))
	}
	return findings
}

// statusFinding: a status other than passed is admitted only if a rule in force
// admits it and none in force leaves it out.
func statusFinding(report ReportEvidence, rules []validationRule) Finding {
	evidence := report.Report.Digest
	admitted, rule := report.Status == defaultAdmittance, ruleReport
	mandatory := 0
	for _, r := range rules {
		if r.advisory {
			continue
		}
		mandatory++
		admits := r.config.admits(report.Status)
		if mandatory == 1 {
			admitted, rule = admits, r.id
		} else if !admits {
			admitted, rule = false, r.id
		}
	}
	switch {
	case report.Status == ReportFailed:
		return Finding{RuleID: ruleReport, Verdict: Fail, Code: ValidationFailed, Evidence: &evidence,
			Message: fmt.Sprintf("status is failed: %s", counts(report))}
	case !admitted:
		return Finding{RuleID: rule, Verdict: Fail, Code: ValidationPartial, Evidence: &evidence,
			Message: fmt.Sprintf("status %s is not admitted: %s", report.Status, counts(report))}
	default:
		return pass(rule, &evidence)
	}
}

// limitFindings compares the report's counts with the limits of one rule.
func limitFindings(report ReportEvidence, rule validationRule) []Finding {
	var findings []Finding
	evidence := report.Report.Digest
	check := func(kind string, limits, found map[string]int64) {
		for _, name := range sortedKeys(limits) {
			if found[name] > limits[name] {
				findings = append(findings, Finding{RuleID: rule.id, Verdict: Fail, Code: ValidationIssueLimit, Evidence: &evidence,
					Advisory: rule.advisory,
					Message:  fmt.Sprintf("%d issues of %s %s, at most %d admitted", found[name], kind, name, limits[name])})
			}
		}
	}
	check("code", rule.config.MaxByCode, report.Codes)
	check("severity", rule.config.MaxBySeverity, report.Severities)
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

func sortedKeys(m map[string]int64) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
