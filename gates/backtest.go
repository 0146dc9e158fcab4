package gates

import (
	"bytes"

	"github.com/initkoa/orgo/records"
)

// Backtest is what a policy would have decided on what others were decided on.
type Backtest struct {
	Policy    records.Digest `json:"policy"`
	Decisions int            `json:"decisions"` // stored ones that were made again
	Identical int            `json:"identical"` // byte for byte, the policy's digest apart
	// Blocked would newly be refused, Admitted newly permitted, by reason code: the
	// new ones, or those that would be gone.
	Blocked  map[Code]int `json:"newly_blocked"`
	Admitted map[Code]int `json:"newly_admitted"`
	// Changes are those decisions, as far as there is room for them.
	Changes []Change `json:"changes"`
	// Tested says, of each gate that the policy has rules for, how many decisions were
	// made again. A build whose own policy had no rules for a gate may not have been
	// decided on there: of such a gate few decisions, or none, say nothing.
	Tested map[Gate]int `json:"tested"`
	// Skipped could not be made again, by reason.
	Skipped map[string]int `json:"skipped,omitempty"`
}

// Change is one decision that would be another.
type Change struct {
	Gate    Gate    `json:"gate"`
	Subject Subject `json:"subject"`
	Before  Verdict `json:"before"`
	After   Verdict `json:"after"`
	Codes   []Code  `json:"reason_codes"`
}

// maxChanges bounds the changes that a backtest lists. All are counted.
const maxChanges = 1000

// NewBacktest returns a backtest that has seen nothing yet.
func NewBacktest(rules Ruleset) *Backtest {
	b := &Backtest{Policy: rules.policy.Digest, Blocked: map[Code]int{}, Admitted: map[Code]int{}, Changes: []Change{},
		Tested: map[Gate]int{}, Skipped: map[string]int{}}
	for gate := range rules.rules {
		b.Tested[gate] = 0
	}
	return b
}

// Add makes one stored decision again under rules and counts what comes of it.
// Under another policy overrides are left out, for what they overrode is judged
// anew, and so are decisions that only say that earlier ones passed.
func (b *Backtest) Add(stored Decision, rules Ruleset) {
	another := stored.PolicyDigest != rules.policy.Digest
	if another && stored.Override != nil {
		b.Skipped["override"]++
		return
	}
	if another && stored.Gate == GateDependency {
		b.Skipped["follows from the decisions before"]++
		return
	}
	now, err := Replay(stored, rules)
	if err != nil {
		b.Skipped["made by evaluator "+stored.EvaluatorVersion]++
		return
	}
	b.Decisions++
	if rules.Has(stored.Gate) {
		b.Tested[stored.Gate]++
	}
	if same(stored, now) {
		b.Identical++
	}
	counts, codes := b.Blocked, now.Codes
	switch {
	case stored.Permits() == now.Permits():
		return
	case now.Permits():
		counts, codes = b.Admitted, stored.Codes
	}
	for _, code := range codes {
		counts[code]++
	}
	if len(b.Changes) < maxChanges {
		b.Changes = append(b.Changes, Change{stored.Gate, stored.Subject, stored.Verdict, now.Verdict, codes})
	}
}

// same compares two decisions in canonical form, but for the digest of the policy.
func same(a, b Decision) bool {
	b.PolicyDigest = a.PolicyDigest
	first, errFirst := records.Canonical(a)
	second, errSecond := records.Canonical(b)
	return errFirst == nil && errSecond == nil && bytes.Equal(first, second)
}
