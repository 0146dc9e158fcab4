package gates

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
)

// Provenance is what the stage activity found in what ingest says of where its
// files come from. Origins counts files by the folder they were read from.
type Provenance struct {
	Snapshot         records.Digest   `json:"snapshot"` // the snapshot that it is about
	Document         records.Digest   `json:"document"` // the provenance document itself
	Files            int64            `json:"files"`    // in the snapshot
	Collector        string           `json:"collector"`
	CollectorVersion string           `json:"collector_version"`
	Origins          map[string]int64 `json:"origins"`
	// Truncated says that there are more origins than were counted.
	Truncated bool `json:"truncated,omitempty"`
}

// ProvenanceInputs is what the provenance gate looks at.
type ProvenanceInputs struct {
	Snapshot   records.Digest `json:"snapshot"` // what ingest yielded
	Provenance *Provenance    `json:"provenance,omitempty"`
}

const ruleProvenance = "orgo/provenance"

// Origin decides whether it is known where every input comes from, and whether
// the policy admits it. A build has this gate after ingest if its policy has a
// rule for it.
func Origin(c Context, in ProvenanceInputs) Decision { return evaluate(GateProvenance, c, in) }

func provenanceFindings(_ Context, in ProvenanceInputs) []Finding {
	if in.Provenance == nil {
		return []Finding{refuse(ruleProvenance, NoData, ProvenanceIncomplete, "there is no provenance")}
	}
	var findings []Finding
	p := *in.Provenance
	incomplete := func(target, format string, args ...any) {
		findings = append(findings, Finding{RuleID: ruleProvenance, Verdict: NoData, Code: ProvenanceIncomplete,
			Message: fmt.Sprintf(format, args...), Evidence: &p.Document}.about(target))
	}
	if !in.Snapshot.Valid() || p.Snapshot != in.Snapshot {
		incomplete("snapshot", "it is about snapshot %s, ingest yielded %s", p.Snapshot, in.Snapshot)
	}
	if p.Collector == "" {
		incomplete("collector", "it names no collector")
	}
	if p.CollectorVersion == "" {
		incomplete("collector_version", "it names no version of the collector")
	}
	if !p.Document.Valid() {
		incomplete("document", "it has no digest")
	}
	known := int64(0)
	for _, origin := range sortedKeys(p.Origins) {
		// Written so that no sum overflows. A negative count must not make up for another.
		if n := p.Origins[origin]; origin != "" && n > 0 && n <= p.Files-known {
			known += n
		} else {
			known = -1
			break
		}
	}
	if known != p.Files || p.Files <= 0 || p.Truncated {
		incomplete("origins", "the origin of each of %d files must be known, and none twice", p.Files)
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleProvenance, &p.Document))
	}
	return findings
}

// provenanceConfig is the config of a rule of type "provenance". Sources are
// prefixes of URIs.
type provenanceConfig struct {
	Sources    []string `json:"allowed_sources,omitempty"`
	Collectors []string `json:"allowed_collectors,omitempty"`
}

func readProvenance(raw json.RawMessage) (func(Context, ProvenanceInputs) []Finding, error) {
	var config provenanceConfig
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	if len(config.Sources)+len(config.Collectors) == 0 {
		return nil, wrong("", "must have allowed_sources or allowed_collectors: without, the rule could never refuse")
	}
	for i, prefix := range config.Sources {
		if prefix == "" {
			return nil, wrong(fmt.Sprintf("/allowed_sources/%d", i), "an empty prefix admits everything")
		}
	}
	return func(_ Context, in ProvenanceInputs) []Finding {
		if in.Provenance == nil {
			return []Finding{{Verdict: NoData, Code: ProvenanceIncomplete, Message: "there is no provenance"}}
		}
		return config.findings(*in.Provenance)
	}, nil
}

func (config provenanceConfig) findings(p Provenance) []Finding {
	var findings []Finding
	refused := func(target, message string) {
		findings = append(findings, Finding{Verdict: Fail, Code: SourceNotAllowed, Message: message, Evidence: &p.Document}.about(target))
	}
	for _, origin := range sortedKeys(p.Origins) {
		if len(config.Sources) > 0 && !slices.ContainsFunc(config.Sources, func(prefix string) bool { return strings.HasPrefix(origin, prefix) }) {
			refused(origin, fmt.Sprintf("%d files come from %s, which is not allowed", p.Origins[origin], origin))
		}
	}
	if len(config.Collectors) > 0 && p.Collector == "" {
		findings = append(findings, Finding{Verdict: NoData, Code: ProvenanceIncomplete, Message: "it names no collector", Evidence: &p.Document}.about("collector"))
	} else if len(config.Collectors) > 0 && !slices.Contains(config.Collectors, p.Collector) {
		refused("collector "+p.Collector, fmt.Sprintf("collector %q is not allowed", p.Collector))
	}
	return findings
}

var provenanceFacts = []factOf[ProvenanceInputs]{
	{"files", intFact, "files in the snapshot", func(_ Context, in ProvenanceInputs) any {
		return ifThere(in.Provenance, func(p Provenance) any { return p.Files })
	}},
	{"origins", stringsFact, "the folders that files were read from, as URIs, sorted", func(_ Context, in ProvenanceInputs) any {
		return ifThere(in.Provenance, func(p Provenance) any {
			if p.Truncated {
				return nil
			}
			return sortedKeys(p.Origins)
		})
	}},
	{"collector", stringFact, "who collected them", func(_ Context, in ProvenanceInputs) any {
		return ifThere(in.Provenance, func(p Provenance) any { return p.Collector })
	}},
	{"collector_version", stringFact, "in which version", func(_ Context, in ProvenanceInputs) any {
		return ifThere(in.Provenance, func(p Provenance) any { return p.CollectorVersion })
	}},
}
