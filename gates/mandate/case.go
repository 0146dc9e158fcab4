package mandate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// Case is one thing that a policy must decide in a given way: a unit test of it.
type Case struct {
	Name string     `json:"name"`
	Gate gates.Gate `json:"gate"`
	At   time.Time  `json:"at"` // when it is decided
	// Subject may be left out. Without a stage it is about the one that the inputs
	// are of, or that the gate follows.
	Subject caseSubject     `json:"subject,omitzero"`
	Inputs  json.RawMessage `json:"inputs"` // the evidence
	// Override has the decision overridden; what is expected is then of that.
	Override *caseOverride `json:"override,omitempty"`
	Expect   Expected      `json:"expect"`

	places *schemas.Places
}

// Expected is what a case expects.
type Expected struct {
	Verdict gates.Verdict `json:"verdict"`
	Codes   []gates.Code  `json:"reason_codes,omitempty"`
}

type caseSubject struct {
	Stage      records.Stage `json:"stage,omitempty"`
	Generation int           `json:"generation,omitempty"`
	ReleaseID  string        `json:"release_id,omitempty"`
	Channel    string        `json:"channel,omitempty"`
	Cohort     string        `json:"cohort,omitempty"`
}

type caseOverride struct {
	Requester string    `json:"requester"`
	Actor     string    `json:"actor"`
	Reason    string    `json:"reason"`
	CaseID    string    `json:"case_id"`
	ExpiresAt time.Time `json:"expires_at"`
}

// caseBuild is the build that cases are about.
const caseBuild = "00000000-0000-8000-8000-000000000000"

// ReadCase reads a case as it was written, in YAML or JSON. Its error is an *Error
// with code gates.PolicyInvalid.
func ReadCase(sent []byte) (Case, error) {
	c := Case{places: schemas.NewPlaces(sent)}
	p := &problems{places: c.places, code: gates.PolicyInvalid}
	canonical, err := canonicalOf(sent)
	if err != nil {
		p.addError(err)
		return Case{}, p.err()
	}
	if err := jsonv2.Unmarshal(canonical, &c, jsonv2.RejectUnknownMembers(true)); err != nil {
		p.addDecoding(err)
		return Case{}, p.err()
	}
	if c.Name == "" {
		p.add(p.code, "/name", "must say what the case is about")
	}
	if !slices.Contains(gates.Gates(), c.Gate) {
		p.add(p.code, "/gate", "%q is no gate; there are %v", c.Gate, gates.Gates())
	}
	if c.At.IsZero() {
		p.add(p.code, "/at", "must say when it is decided, as 2026-03-01T12:00:00Z")
	}
	if len(c.Inputs) == 0 {
		p.add(p.code, "/inputs", "must have the evidence that the gate looks at")
	}
	if !slices.Contains(gates.Verdicts(), c.Expect.Verdict) {
		p.add(p.code, "/expect/verdict", "%q is no verdict; there are %v", c.Expect.Verdict, gates.Verdicts())
	}
	for i, code := range c.Expect.Codes {
		if _, known := gates.Lookup(code); !known {
			p.add(p.code, fmt.Sprintf("/expect/reason_codes/%d", i), "%q is no reason code", code)
		}
	}
	if c.Expect.Verdict == gates.Pass && len(c.Expect.Codes) > 0 {
		p.add(p.code, "/expect/reason_codes", "a decision that passes has none")
	}
	return c, p.err()
}

// addDecoding adds an error of the decoder.
func (p *problems) addDecoding(err error) {
	var semantic *jsonv2.SemanticError
	if !errors.As(err, &semantic) {
		p.add(p.code, "", "%v", err)
		return
	}
	problem := "does not have the form that is asked for"
	switch {
	case errors.Is(err, jsonv2.ErrUnknownName):
		problem = "is not known here"
	case semantic.Err != nil:
		problem = semantic.Err.Error()
	}
	p.add(p.code, string(semantic.JSONPointer), "%s", problem)
}

// Outcome is what became of a case.
type Outcome struct {
	Name   string     `json:"name"`
	Gate   gates.Gate `json:"gate"`
	Passed bool       `json:"passed"`
	// Problem is how the decision differs from what is expected, and where that is
	// written.
	Problem *Problem `json:"problem,omitempty"`
	// Decision is what the policy decided; nil if the inputs are not the gate's.
	Decision *gates.Decision `json:"decision,omitempty"`
}

// Run decides a case under the rules of a bundle.
func (c Case) Run(rules gates.Ruleset) Outcome {
	out := Outcome{Name: c.Name, Gate: c.Gate}
	d, err := c.decide(rules)
	var wrong *gates.PolicyError
	switch {
	case errors.As(err, &wrong):
		return c.failed(out, "/inputs"+wrong.Pointer, "the inputs are not those of the %s gate: %s", c.Gate, wrong.Problem)
	case err != nil:
		return c.failed(out, "/inputs", "%v", err)
	}
	out.Decision = &d
	want, have := gates.SortCodes(c.Expect.Codes), d.Codes
	switch {
	case d.Verdict != c.Expect.Verdict:
		return c.failed(out, "/expect/verdict", "expected %s %v, decided %s %v%s", c.Expect.Verdict, want, d.Verdict, have, messages(d))
	case !slices.Equal(want, have):
		return c.failed(out, "/expect/reason_codes", "expected %v, decided %v%s", want, have, messages(d))
	}
	out.Passed = true
	return out
}

func (c Case) failed(out Outcome, pointer, format string, args ...any) Outcome {
	p := &problems{places: c.places}
	p.add(gates.PolicyCaseFailed, pointer, format, args...)
	out.Problem = &p.found[0]
	return out
}

// messages says why a decision does not permit.
func messages(d gates.Decision) string {
	text := ""
	for _, unmet := range gates.WhyNot(d) {
		text += fmt.Sprintf("; %s %v: %v", unmet.Code, unmet.RuleIDs, unmet.Messages)
	}
	return text
}

func (c Case) decide(rules gates.Ruleset) (gates.Decision, error) {
	context := gates.Context{
		Subject: c.subject(), Rules: rules, At: c.At, Actor: records.SystemActor, Evaluator: gates.EvaluatorVersion,
	}
	d, err := gates.Decide(c.Gate, context, c.Inputs)
	if err != nil || c.Override == nil {
		return d, err
	}
	o := c.Override
	return gates.Overrule(context, d, o.Requester, gates.Override{
		Actor: o.Actor, Reason: o.Reason, CaseID: o.CaseID, ExpiresAt: o.ExpiresAt, Of: d.InputsDigest,
	}), nil
}

// stageOf is the stage that a gate follows whose evidence names none.
var stageOf = map[gates.Gate]records.Stage{
	gates.GateProvenance: records.Ingest,
	gates.GateValidation: records.Validate,
}

func (c Case) subject() gates.Subject {
	s := gates.Subject{
		BuildID: caseBuild, Stage: c.Subject.Stage, Generation: max(c.Subject.Generation, 1),
		ReleaseID: c.Subject.ReleaseID, Channel: c.Subject.Channel, Cohort: c.Subject.Cohort,
	}
	if s.Stage == "" {
		var inputs struct {
			Stage records.Stage `json:"stage"`
		}
		// Inputs of another form say no stage; whether they are the gate's is found
		// when it decides.
		_ = json.Unmarshal(c.Inputs, &inputs)
		s.Stage = inputs.Stage
	}
	if s.Stage == "" {
		s.Stage = stageOf[c.Gate]
	}
	return s
}
