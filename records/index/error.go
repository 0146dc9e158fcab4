package index

import "fmt"

// Fault is what an index does wrong. Faults are stable; gates has a code for each
// that an operator can meet.
type Fault string

// The faults.
const (
	Malformed       Fault = "malformed"
	OtherChannel    Fault = "other_channel"
	SequenceNotNext Fault = "sequence_not_next"
	ClockWentBack   Fault = "clock_went_back"
	Unrevoked       Fault = "unrevoked"
	MinimumFell     Fault = "minimum_fell"
	BelowMinimum    Fault = "below_minimum"
	RevokedPack     Fault = "revoked_pack"
	CohortLost      Fault = "cohort_lost"
	PackExchanged   Fault = "pack_exchanged"
	InactiveMoved   Fault = "inactive_moved"
	NotAuthorized   Fault = "downgrade_not_authorized"
	NothingToAllow  Fault = "downgrade_without_step"
)

// Error says which rule an index breaks, and for which cohort if for one.
type Error struct {
	Fault  Fault
	Cohort string
	Text   string
}

func (e *Error) Error() string {
	if e.Cohort == "" {
		return fmt.Sprintf("channel index: %s: %s", e.Fault, e.Text)
	}
	return fmt.Sprintf("channel index: cohort %s: %s: %s", e.Cohort, e.Fault, e.Text)
}

func fault(f Fault, cohort, format string, args ...any) error {
	return &Error{Fault: f, Cohort: cohort, Text: fmt.Sprintf(format, args...)}
}
