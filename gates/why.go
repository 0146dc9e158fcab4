package gates

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
)

// Unmet is one condition that keeps a decision from permitting. Several rules may
// ask for the same.
type Unmet struct {
	Gate      Gate             `json:"gate"`
	Code      Code             `json:"code"`
	Target    string           `json:"target,omitempty"`
	RuleIDs   []string         `json:"rule_ids"`
	Verdict   Verdict          `json:"verdict"` // the worst that a rule found
	Messages  []string         `json:"messages"`
	Evidence  []records.Digest `json:"evidence,omitempty"`
	ClearedBy ClearedBy        `json:"cleared_by"`
	// Earliest is when time alone will have cleared it, if time does.
	Earliest *time.Time `json:"earliest,omitempty"`
}

// WhyNot returns every condition that keeps d from permitting, sorted by code and
// target: none of them may stay, and no other needs to be met, for the same gate
// under the same policy to permit. A decision that permits has none.
func WhyNot(d Decision) []Unmet {
	unmet := []Unmet{}
	for _, f := range d.Findings {
		if !decisive(f) || f.Verdict == Pass || implied(d, f) {
			continue
		}
		at := slices.IndexFunc(unmet, func(u Unmet) bool { return u.Code == f.Code && u.Target == f.Target })
		if at < 0 {
			reason, _ := Lookup(f.Code)
			unmet = append(unmet, Unmet{Gate: d.Gate, Code: f.Code, Target: f.Target, Verdict: f.Verdict, ClearedBy: reason.ClearedBy})
			at = len(unmet) - 1
		}
		unmet[at].add(f)
	}
	slices.SortStableFunc(unmet, func(a, b Unmet) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Target, b.Target)) })
	return unmet
}

// implied reports whether a rule only says that it lacks a fact, while the gate's
// own rules refuse what it would be read from. There is then no more to be met.
func implied(d Decision, f Finding) bool {
	spec, _ := specOf(d.Gate)
	if f.Code != EvidenceMissing || ownRule(f) || !slices.ContainsFunc(spec.facts, func(of fact) bool { return of.name == f.Target }) {
		return false
	}
	return slices.ContainsFunc(d.Findings, func(other Finding) bool {
		return decisive(other) && ownRule(other) && other.Verdict != Pass
	})
}

// ownRule reports whether a finding is of a rule that always holds.
func ownRule(f Finding) bool { return strings.HasPrefix(f.RuleID, "orgo/") }

func (u *Unmet) add(f Finding) {
	u.Verdict = worse(u.Verdict, f.Verdict)
	u.RuleIDs = append(u.RuleIDs, f.RuleID)
	if f.Message != "" && !slices.Contains(u.Messages, f.Message) {
		u.Messages = append(u.Messages, f.Message)
	}
	if f.Evidence != nil && !slices.Contains(u.Evidence, *f.Evidence) {
		u.Evidence = append(u.Evidence, *f.Evidence)
	}
	if f.Earliest != nil && (u.Earliest == nil || u.Earliest.Before(*f.Earliest)) {
		u.Earliest = f.Earliest
	}
}
