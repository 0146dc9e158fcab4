package routing

import "slices"

// The severities of incidents, the worst first (CONTRACTS §2).
const (
	sev1 = "SEV1"
	sev2 = "SEV2"
	sev3 = "SEV3"
	sev4 = "SEV4"
)

// Severities returns the severities of incidents, the worst first.
func Severities() []string { return []string{sev1, sev2, sev3, sev4} }

// From how often on something is repeated or elevated, and from how many on it is wide.
const (
	repeatedFrom = 2
	elevatedFrom = 3
	wideFrom     = 2
)

// noTarget is the reason code of a rollback that is needed and has nowhere to go.
const noTarget = "ROLLBACK_NO_TARGET"

// surroundings are what makes the same failure worse.
type surroundings func(Facts) bool

func anywhere(Facts) bool       { return true }
func onProduction(f Facts) bool { return f.Production && f.Active }
func wide(f Facts) bool         { return f.Affected >= wideFrom }
func repeated(f Facts) bool     { return f.Occurrences >= repeatedFrom }
func elevated(f Facts) bool     { return f.Occurrences >= elevatedFrom || wide(f) }

// grade is one row of the taxonomy: a class, or a code, in such surroundings.
type grade struct {
	code, class string
	when        surroundings
	severity    string
}

// grades is the taxonomy (CONTRACTS §2), the worst of each class first. It says
// nothing of F8, governance and safety: there the code's own severity holds.
var grades = []grade{
	{noTarget, "", anywhere, sev1},
	{"", "F3", onProduction, sev1},
	{"", "F7", onProduction, sev1},
	{"", "F4", wide, sev2},
	{"", "F6", repeated, sev2},
	{"", "F3", anywhere, sev3}, // it is quarantined, and reaches nobody
	{"", "F7", anywhere, sev3},
	{"", "F1", elevated, sev3},
	{"", "F5", elevated, sev3},
	{"", "F1", anywhere, sev4}, // one mandate
	{"", "F2", anywhere, sev4},
	{"", "F4", anywhere, sev4},
	{"", "F5", anywhere, sev4},
	{"", "F6", anywhere, sev4},
}

// Severity returns how bad an incident is: that of its worst reason code. One without
// any is SEV4, and so is a code that the taxonomy does not know.
func Severity(f Facts) string {
	worst := sev4
	for _, r := range f.Reasons {
		worst = min(worst, r.graded(f)) // "SEV1" < "SEV4"
	}
	return worst
}

func (r Reason) graded(f Facts) string {
	for _, g := range grades {
		if (g.code == r.Code || g.code == "" && r.Class == g.class) && g.when(f) {
			return g.severity
		}
	}
	if slices.Contains(Severities(), r.Severity) {
		return r.Severity
	}
	return sev4
}
