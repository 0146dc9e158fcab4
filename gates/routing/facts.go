package routing

import (
	"cmp"
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
)

// Facts are what a Case is routed by.
type Facts struct {
	Organization string `json:"organization_id"`
	// Cause is the kind of what the Case is about (cases.CauseKinds).
	Cause string `json:"cause"`
	// Reasons are its reason codes, with what the table of them says.
	Reasons []Reason      `json:"reasons,omitempty"`
	Stage   records.Stage `json:"stage,omitempty"`
	// Channel is "environment/channel"; empty if it is about none.
	Channel string `json:"channel,omitempty"`
	// Active says that something is active on the channel that is concerned.
	Active bool `json:"active,omitempty"`
	// Incident says that something went wrong. What is none has no severity.
	Incident bool `json:"incident,omitempty"`
	// Occurrences is how often the cause was met, this time included, and Affected how
	// many builds, releases or channels met the same codes lately, this one included.
	// What is not known is 0, and counts as once.
	Occurrences int `json:"occurrences,omitempty"`
	Affected    int `json:"affected,omitempty"`

	// Production and Severity are derived when a Case is routed: whether the rules call
	// the environment of the channel one of production, and SEV1 to SEV4. A severity
	// that is given stays.
	Production bool   `json:"production,omitempty"`
	Severity   string `json:"severity,omitempty"`
}

// Reason is a reason code, and what the table of reason codes says of it.
type Reason struct {
	Code      string `json:"code"`
	Class     string `json:"class,omitempty"`      // "F1" to "F8", "governance", "safety"
	ClearedBy string `json:"cleared_by,omitempty"` // "publisher", "operator", …
	Severity  string `json:"severity,omitempty"`   // of itself, whatever its surroundings
}

// settled returns the facts with what is derived from them, and with their reasons in
// the order of their codes, each once.
func (f Facts) settled(rules Rules) Facts {
	f.Reasons = slices.Clone(f.Reasons)
	slices.SortFunc(f.Reasons, func(a, b Reason) int {
		return cmp.Or(strings.Compare(a.Code, b.Code), strings.Compare(a.Class, b.Class), strings.Compare(a.ClearedBy, b.ClearedBy),
			strings.Compare(a.Severity, b.Severity))
	})
	f.Reasons = slices.Compact(f.Reasons)
	environment, _, _ := strings.Cut(f.Channel, "/")
	f.Production = environment != "" && slices.Contains(rules.production(), environment)
	if f.Severity == "" && f.Incident {
		f.Severity = Severity(f)
	}
	return f
}

func (f Facts) each(of func(Reason) string) []string {
	var values []string
	for _, r := range f.Reasons {
		if value := of(r); value != "" {
			values = append(values, value)
		}
	}
	return values
}
