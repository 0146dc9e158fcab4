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
}

const ruleReproduced = "orgo/output-reproduced"

// Determinism decides whether a stage yielded again what it yielded before:
// the same artifacts, by name, path and digest. Each difference is named.
func Determinism(c Context, r Reproduction) Decision { return evaluate(GateDeterminism, c, r) }

func determinismFindings(c Context, r Reproduction) []Finding {
	expected, actual := byLabel(r.Expected), byLabel(r.Actual)
	var findings []Finding
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
