package gates

import (
	"fmt"

	"github.com/initkoa/orgo/records"
)

// Reproduction is what the determinism gate looks at: what a stage yielded when
// its build was first run, and what it yielded now.
type Reproduction struct {
	Of       string             `json:"of"` // the build that is reproduced
	Expected []records.Artifact `json:"expected"`
	Actual   []records.Artifact `json:"actual"`
	// Recorded and Yielded are how many there were and are: each must be listed.
	Recorded int `json:"recorded,omitempty"`
	Yielded  int `json:"yielded,omitempty"`
}

const ruleReproduced = "orgo/output-reproduced"

// Determinism decides whether a stage yielded again what it yielded before:
// the same artifacts, by name, path and digest. Each difference is named.
func Determinism(c Context, r Reproduction) Decision {
	if c.Evaluator == "1" {
		r.Recorded, r.Yielded = 0, 0 // it was not asked for
	}
	return evaluate(GateDeterminism, c, r)
}

func determinismFindings(c Context, r Reproduction) []Finding {
	expected, actual := byLabel(r.Expected), byLabel(r.Actual)
	var findings []Finding
	if c.Evaluator != "1" && len(expected) > 0 &&
		(r.Recorded != len(r.Expected) || len(expected) != len(r.Expected) || r.Yielded != len(r.Actual)) {
		findings = append(findings, refuse(ruleReproduced, NoData, EvidenceMissing,
			fmt.Sprintf("%d outputs were recorded and %d yielded, %d and %d are listed", r.Recorded, r.Yielded, len(r.Expected), len(r.Actual))))
	}
	differ := func(target, message string) {
		f := refuse(ruleReproduced, Fail, OutputNotReproduced, fmt.Sprintf("%s: %s %s", c.Subject.Stage, target, message))
		if c.Evaluator != "1" {
			f = f.about(target)
		}
		findings = append(findings, f)
	}
	for _, want := range r.Expected {
		got, there := actual[label(want)]
		switch {
		case !there:
			differ(label(want), fmt.Sprintf("is missing, was %s", want.Ref.Digest))
		case !got.Valid() || got.Digest != want.Ref.Digest:
			differ(label(want), fmt.Sprintf("is %s, was %s", got.Digest, want.Ref.Digest))
		}
	}
	seen := map[string]bool{}
	for _, got := range r.Actual {
		if c.Evaluator != "1" && len(expected) == 0 {
			break // nothing to compare with is one condition, not one for each output
		}
		if _, there := expected[label(got)]; !there || seen[label(got)] {
			differ(label(got), "is new")
		}
		seen[label(got)] = true
	}
	switch {
	case len(expected) == 0:
		findings = append(findings, refuse(ruleReproduced, NoData, EvidenceMissing,
			fmt.Sprintf("build %s has no outputs of %s to compare with", r.Of, c.Subject.Stage)))
	case len(findings) == 0:
		findings = append(findings, pass(ruleReproduced, nil))
	}
	return findings
}

func byLabel(artifacts []records.Artifact) map[string]records.Ref {
	labelled := make(map[string]records.Ref, len(artifacts))
	for _, artifact := range artifacts {
		labelled[label(artifact)] = artifact.Ref
	}
	return labelled
}
