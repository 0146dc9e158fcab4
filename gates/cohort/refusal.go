package cohort

import "fmt"

// Refusal is why nodes cannot be frozen. Errors of this package wrap one.
type Refusal string

// The refusals. A cohort that nobody is in would be healthy for want of anybody
// who could be ill.
const (
	ErrShare     Refusal = "share is not from 0.01% to 100% in steps of 0.01%"
	ErrSelection Refusal = "cohort has a name, and one of share, nodes and labels"
	ErrSalt      Refusal = "release has no salt"
	ErrNode      Refusal = "node has no id"
	ErrDuplicate Refusal = "node appears twice"
	ErrUnknown   Refusal = "node is not known"
	ErrEmpty     Refusal = "cohort has no nodes"
	ErrFew       Refusal = "there are fewer nodes than cohorts, and none may be empty"
	ErrDivision  Refusal = "cohorts have a name each, another each, and shares that add up to all"
	ErrDigest    Refusal = "digest is not that of the frozen cohort"
)

func (r Refusal) Error() string { return string(r) }

// of says what is refused.
func (r Refusal) of(subject string) error { return fmt.Errorf("%w: %q", r, subject) }
