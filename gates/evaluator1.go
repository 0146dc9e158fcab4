package gates

import (
	"fmt"

	"github.com/initkoa/orgo/records"
)

// What the gates did under evaluator 1, where that was something else. Builds
// that began under it keep it. It knew no rules but those of validation, and
// stopped at the first thing that was missing.
var builtin1 = map[Gate]func(Context, any) []Finding{
	GateDependency: func(c Context, evidence any) []Finding { return dependencyFindings1(c, evidence.(Dependencies)) },
	GateIntegrity:  func(c Context, evidence any) []Finding { return integrityFindings1(c, evidence.(Evidence)) },
	GateContract:   func(c Context, evidence any) []Finding { return contractFindings1(c, evidence.(Evidence)) },
	GateValidation: func(c Context, evidence any) []Finding { return validationFindings1(c, evidence.(ValidationInputs)) },
}

func dependencyFindings1(c Context, deps Dependencies) []Finding {
	var findings []Finding
	stage := c.Subject.Stage
	index := records.BuildIndex(stage)
	if index < 0 {
		return []Finding{refuse(ruleDependency, Error, GateError, fmt.Sprintf("%q is no stage of a build", stage))}
	}
	previous := 0
	for i, spec := range records.BuildSpine()[:index] {
		if i >= len(deps.Before) || deps.Before[i].Stage != spec.Stage {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyMissing,
				fmt.Sprintf("%s must come before %s and has no output", spec.Stage, stage)))
			break
		}
		before := deps.Before[i]
		if before.Generation < previous || before.Generation > c.Subject.Generation {
			findings = append(findings, refuse(ruleDependency, Fail, DependencyVoided,
				fmt.Sprintf("the output of %s is of generation %d, which is void", spec.Stage, before.Generation)))
		}
		previous = before.Generation
		for _, gate := range ExitGates(before.Stage) {
			if !hasPassed1(c, before, gate) {
				findings = append(findings, refuse(ruleDependency, Fail, DependencyNotPassed,
					fmt.Sprintf("%s has not passed its %s gate in generation %d", before.Stage, gate, before.Generation)))
			}
		}
	}
	findings = append(findings, inputsMatch1(stage, deps)...)
	if len(findings) == 0 {
		findings = append(findings, pass(ruleDependency, nil))
	}
	return findings
}

func hasPassed1(c Context, before Passed, gate Gate) bool {
	want := Subject{BuildID: c.Subject.BuildID, Stage: before.Stage, Generation: before.Generation}
	for _, d := range before.Decisions {
		if d.Gate == gate && d.Subject == want && d.PolicyDigest == c.Rules.policy.Digest && d.Permits() {
			return true
		}
	}
	return false
}

func inputsMatch1(stage records.Stage, deps Dependencies) []Finding {
	spec, _ := records.BuildStage(stage)
	want, complete := records.StageInputs(spec, func(from records.Stage) []records.Artifact {
		for _, before := range deps.Before {
			if before.Stage == from {
				return before.Outputs
			}
		}
		return nil
	})
	if !complete {
		return []Finding{refuse(ruleDependency, NoData, DependencyMissing,
			fmt.Sprintf("an input of %s is no output of the stages before", stage))}
	}
	wantDigest, wantErr := records.OutputsDigest(want)
	gotDigest, gotErr := records.OutputsDigest(deps.Inputs)
	if wantErr != nil || gotErr != nil || wantDigest != gotDigest {
		return []Finding{refuse(ruleDependency, Fail, DependencyMissing,
			fmt.Sprintf("the inputs of %s are not the outputs of the stages before", stage))}
	}
	return nil
}

func integrityFindings1(c Context, evidence Evidence) []Finding {
	if _, known := records.BuildStage(c.Subject.Stage); !known || evidence.Stage != c.Subject.Stage {
		return append([]Finding{refuse(ruleDeclared, Error, EvidenceMissing,
			fmt.Sprintf("evidence is about stage %q, the decision about %q", evidence.Stage, c.Subject.Stage))},
			untargeted(intact(c, evidence))...)
	}
	evidence.Declared = len(evidence.Outputs) // it was not asked for
	return untargeted(integrityFindings(c, evidence))
}

func contractFindings1(c Context, evidence Evidence) []Finding {
	var findings []Finding
	spec, _ := records.BuildStage(c.Subject.Stage)
	for _, output := range evidence.Outputs {
		want, known := spec.Output(output.Artifact.Name)
		switch {
		case !known || evidence.Stage != c.Subject.Stage:
			findings = append(findings, refuse(ruleContract, Fail, OutputUndeclared,
				fmt.Sprintf("%s is no output of %s", output.Artifact.Name, c.Subject.Stage)))
		case want.Role == "":
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
	return findings
}

// untargeted takes from findings what evaluator 1 did not say.
func untargeted(findings []Finding) []Finding {
	for i := range findings {
		findings[i].Target = ""
	}
	return findings
}

func validationFindings1(c Context, in ValidationInputs) []Finding {
	if in.Report == nil {
		return []Finding{refuse(ruleReport, NoData, ValidationNotRun, "there is no validation report")}
	}
	report := *in.Report
	evidence := report.Report.Digest
	if reason := malformed(report); reason != "" {
		return []Finding{{RuleID: ruleReport, Verdict: Error, Code: ValidationMalformed, Message: reason, Evidence: &evidence}}
	}
	findings := untargeted(sameInputs(report, in.CompileInputs))
	rules := c.Rules.validationRules(c)
	findings = append(findings, statusFinding1(report, rules))
	for _, rule := range rules {
		for _, f := range limitFindings(report, rule.config) {
			f.RuleID, f.Advisory, f.Target = rule.id, rule.advisory, ""
			findings = append(findings, f)
		}
	}
	return findings
}

type validationRule struct {
	id       string
	advisory bool
	config   ValidationConfig
}

// validationRules returns the validation rules in force at the time of the
// decision, in the order of the bundle.
func (r Ruleset) validationRules(c Context) []validationRule {
	var rules []validationRule
	for _, rule := range r.policy.Rules {
		if rule.Validation != nil && rule.inForce(c.At) {
			rules = append(rules, validationRule{rule.ID, rule.Enforcement != Must, *rule.Validation})
		}
	}
	return rules
}

// statusFinding1: a status other than passed is admitted only if a rule in force
// admits it and none in force leaves it out.
func statusFinding1(report ReportEvidence, rules []validationRule) Finding {
	evidence := report.Report.Digest
	admitted, rule := report.Status == ReportPassed, ruleReport
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
