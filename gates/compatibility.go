package gates

import (
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// PackVersion is what is compared of a pack.
type PackVersion struct {
	PackID  string `json:"pack_id"`
	Version string `json:"version"` // x.y.z of the release
	Format  string `json:"format"`  // x.y.z of the pack's format
}

// Compatibility is what the compatibility gate looks at: the pack that should
// become active, and the one that is. First says that none ever was.
type Compatibility struct {
	Candidate *PackVersion `json:"candidate,omitempty"`
	Active    *PackVersion `json:"active,omitempty"`
	First     bool         `json:"first,omitempty"`
}

const ruleCompatibility = "orgo/compatibility"

// Compatible decides whether one pack may follow another.
func Compatible(c Context, in Compatibility) Decision { return evaluate(GateCompatibility, c, in) }

func compatibilityFindings(_ Context, in Compatibility) []Finding {
	var findings []Finding
	unknown := func(target, message string) {
		findings = append(findings, refuse(ruleCompatibility, NoData, CompatibilityUnknown, message).about(target))
	}
	if !in.Candidate.valid() {
		unknown("candidate", "the pack that should become active states no version and format")
	}
	switch {
	case in.Active == nil && !in.First:
		unknown("active", "it is not known which pack is active")
	case in.Active != nil && (in.First || !in.Active.valid()):
		unknown("active", "the active pack states no version and format, or is said not to be there")
	}
	if len(findings) == 0 {
		findings = append(findings, pass(ruleCompatibility, nil))
	}
	return findings
}

func (p *PackVersion) valid() bool {
	return p != nil && p.PackID != "" && exact(p.Version) && exact(p.Format)
}

// exact reports whether v is x.y.z (semver.org, without suffixes).
func exact(v string) bool { return semver.Canonical("v"+v) == "v"+v && !strings.ContainsAny(v, "-+") }

// compatibilityConfig is the config of a rule of type "compatibility".
type compatibilityConfig struct {
	Downgrade string `json:"downgrade"`             // "refuse" or "admit" a lower version than the active one
	Format    string `json:"format"`                // "same", "same_major" or "any" as that of the active pack
	Minimum   string `json:"min_version,omitempty"` // the lowest version that may become active
}

func readCompatibility(raw json.RawMessage) (func(Context, Compatibility) []Finding, error) {
	config := compatibilityConfig{Downgrade: "refuse", Format: "same_major"}
	if err := strict(raw, &config); err != nil {
		return nil, err
	}
	switch {
	case config.Downgrade != "refuse" && config.Downgrade != "admit":
		return nil, wrong("/downgrade", "%q is not refuse or admit", config.Downgrade)
	case config.Format != "same" && config.Format != "same_major" && config.Format != "any":
		return nil, wrong("/format", "%q is not same, same_major or any", config.Format)
	case config.Minimum != "" && !exact(config.Minimum):
		return nil, wrong("/min_version", "%q is not x.y.z", config.Minimum)
	case config.Downgrade == "admit" && config.Format == "any" && config.Minimum == "":
		return nil, wrong("", "admits everything: the rule could never refuse")
	}
	return func(_ Context, in Compatibility) []Finding { return config.findings(in) }, nil
}

func (config compatibilityConfig) findings(in Compatibility) []Finding {
	var findings []Finding
	found := func(verdict Verdict, code Code, target, format string, args ...any) {
		findings = append(findings, Finding{Verdict: verdict, Code: code, Message: fmt.Sprintf(format, args...)}.about(target))
	}
	candidate, active := in.Candidate, in.Active
	if active != nil && !active.valid() {
		found(NoData, CompatibilityUnknown, "active", "its version is not known")
	}
	if !candidate.valid() {
		found(NoData, CompatibilityUnknown, "candidate", "its version is not known")
		return findings
	}
	if config.Minimum != "" && semver.Compare("v"+candidate.Version, "v"+config.Minimum) < 0 {
		found(Fail, DowngradeRefused, "version", "version %s is below the minimum %s", candidate.Version, config.Minimum)
	}
	if !active.valid() {
		return findings // the first, or refused above
	}
	if config.Downgrade == "refuse" && semver.Compare("v"+candidate.Version, "v"+active.Version) < 0 {
		found(Fail, DowngradeRefused, "version", "version %s is lower than the active %s", candidate.Version, active.Version)
	}
	if !config.fits(candidate.Format, active.Format) {
		found(Fail, FormatIncompatible, "format", "format %s does not follow %s", candidate.Format, active.Format)
	}
	return findings
}

func (config compatibilityConfig) fits(format, active string) bool {
	switch config.Format {
	case "any":
		return true
	case "same_major":
		return semver.Major("v"+format) == semver.Major("v"+active)
	default:
		return format == active
	}
}

var compatibilityFacts = []factOf[Compatibility]{
	{"version", stringFact, "version of the pack that should become active", func(_ Context, in Compatibility) any {
		return ifThere(in.Candidate, func(p PackVersion) any { return p.Version })
	}},
	{"format", stringFact, "version of its format", func(_ Context, in Compatibility) any {
		return ifThere(in.Candidate, func(p PackVersion) any { return p.Format })
	}},
	{"active_version", stringFact, "version of the active pack", func(_ Context, in Compatibility) any {
		return ifThere(in.Active, func(p PackVersion) any { return p.Version })
	}},
	{"active_format", stringFact, "version of its format", func(_ Context, in Compatibility) any {
		return ifThere(in.Active, func(p PackVersion) any { return p.Format })
	}},
}
