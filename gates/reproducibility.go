package gates

import (
	"encoding/json"
	"fmt"

	"github.com/initkoa/orgo/records"
)

// Repetition is one build that ran another again from its pins.
type Repetition struct {
	BuildID   string         `json:"build_id"`
	Record    records.Digest `json:"record"` // its Build Record
	Identical bool           `json:"identical"`
}

// Repetitions is what the reproducibility gate looks at. Recorded is how many
// repetitions ended: each must be listed.
type Repetitions struct {
	Recorded    *int         `json:"recorded"`
	Repetitions []Repetition `json:"repetitions"`
}

const ruleRepetitions = "orgo/repetitions"

// Reproducibility decides whether a build has been reproduced as often as the
// policy asks, and never otherwise.
func Reproducibility(c Context, r Repetitions) Decision { return evaluate(GateReproducibility, c, r) }

func reproducibilityFindings(_ Context, r Repetitions) []Finding {
	var findings []Finding
	builds := map[string]bool{}
	for _, repetition := range r.Repetitions {
		builds[repetition.BuildID] = true
	}
	// A twin must not stand for a repetition that is not there.
	recorded := -1
	if r.Recorded != nil {
		recorded = *r.Recorded
	}
	if recorded != len(r.Repetitions) || len(builds) != len(r.Repetitions) || builds[""] {
		findings = append(findings, refuse(ruleRepetitions, NoData, EvidenceMissing,
			fmt.Sprintf("%d repetitions ended, %d are listed, of %d builds", recorded, len(r.Repetitions), len(builds))))
	}
	for _, repetition := range r.Repetitions {
		if repetition.BuildID != "" && (!repetition.Identical || !repetition.Record.Valid()) {
			record := repetition.Record
			findings = append(findings, Finding{RuleID: ruleRepetitions, Verdict: Fail, Code: OutputNotReproduced, Evidence: &record,
				Message: fmt.Sprintf("build %s did not yield the same", repetition.BuildID)}.about(repetition.BuildID))
		}
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleRepetitions, nil))
	}
	return findings
}

// determinismConfig is the config of a rule of type "determinism".
type determinismConfig struct {
	Reproduced int `json:"reproduced"` // by how many builds
}

func readDeterminism(raw json.RawMessage) (func(Context, Repetitions) []Finding, error) {
	var config determinismConfig
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	if config.Reproduced < 1 {
		return nil, wrong("/reproduced", "must be at least 1: otherwise the rule could never refuse")
	}
	return func(_ Context, r Repetitions) []Finding {
		if n := r.identical(); n < config.Reproduced {
			return []Finding{Finding{Verdict: Insufficient, Code: NotReproducedEnough,
				Message: fmt.Sprintf("reproduced %d times, must be %d", n, config.Reproduced)}.about("repetitions")}
		}
		return nil
	}, nil
}

// identical counts the builds that yielded the same, each once.
func (r Repetitions) identical() int {
	builds := map[string]bool{}
	for _, repetition := range r.Repetitions {
		if repetition.Identical && repetition.Record.Valid() && repetition.BuildID != "" {
			builds[repetition.BuildID] = true
		}
	}
	return len(builds)
}

var reproducibilityFacts = []factOf[Repetitions]{
	{"reproduced", intFact, "builds that yielded the same", func(_ Context, r Repetitions) any { return int64(r.identical()) }},
}
