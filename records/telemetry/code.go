package telemetry

// Code says why a sample or a window does not count. The codes are rows of the
// table of reason codes in package gates.
type Code string

// Counts is the code of a sample that counts.
const Counts Code = ""

// Why a sample or a window does not count.
const (
	SampleInvalid          Code = "SAMPLE_INVALID"
	SampleConflict         Code = "SAMPLE_CONFLICT"
	SampleInFuture         Code = "SAMPLE_IN_FUTURE"
	SampleStale            Code = "SAMPLE_STALE"
	SampleBeforeActivation Code = "SAMPLE_BEFORE_ACTIVATION"
	OrganizationForeign    Code = "ORGANIZATION_FOREIGN"
	ReleaseUnknown         Code = "RELEASE_UNKNOWN"
	CohortUnknown          Code = "COHORT_UNKNOWN"
	NodeNotInCohort        Code = "NODE_NOT_IN_COHORT"
	WindowInvalid          Code = "WINDOW_INVALID"
	WindowConflict         Code = "WINDOW_CONFLICT"
)

// kept are the codes of samples that are stored, to be counted apart in the window
// of the cohort they name. Any other refused sample names no window to be counted
// in: its sender is told, and nothing is stored.
var kept = map[Code]bool{
	SampleInFuture:         true,
	SampleStale:            true,
	SampleBeforeActivation: true,
	NodeNotInCohort:        true,
}

// Kept reports whether a sample with the code is stored.
func (c Code) Kept() bool { return c == Counts || kept[c] }

// Codes returns every code but Counts.
func Codes() []Code {
	return []Code{
		SampleInvalid, SampleConflict, SampleInFuture, SampleStale, SampleBeforeActivation, OrganizationForeign,
		ReleaseUnknown, CohortUnknown, NodeNotInCohort, WindowInvalid, WindowConflict,
	}
}
