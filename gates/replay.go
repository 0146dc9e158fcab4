package gates

import (
	"errors"
	"fmt"

	"github.com/initkoa/orgo/records"
)

// ErrNotReplayable is the error of a decision that cannot be made again.
var ErrNotReplayable = errors.New("decision cannot be made again")

// Replay makes a stored decision again, under the evaluator that made it and
// under the given rules: with those of its own policy the result is the stored
// decision, byte for byte. Errors are ErrNotReplayable: the evaluator is not
// known or kept no inputs, or the inputs are not what their digest says.
func Replay(stored Decision, rules Ruleset) (Decision, error) {
	spec, known := specOf(stored.Gate)
	version := evaluators[stored.EvaluatorVersion]
	switch {
	case !known || !version.keeps || len(stored.Inputs) == 0:
		return Decision{}, fmt.Errorf("%w: evaluator %q of gate %q kept no inputs", ErrNotReplayable, stored.EvaluatorVersion, stored.Gate)
	case records.DigestOf(stored.Inputs) != stored.InputsDigest:
		return Decision{}, fmt.Errorf("%w: its inputs are not those of its digest", ErrNotReplayable)
	}
	c := Context{Subject: stored.Subject, Rules: rules, At: stored.EvaluatedAt, Actor: stored.Actor, Evaluator: stored.EvaluatorVersion}
	if stored.Override != nil {
		var in overrideInputs
		if err := strict(stored.Inputs, &in); err != nil {
			return Decision{}, fmt.Errorf("%w: %w", ErrNotReplayable, err)
		}
		return Overrule(c, in.Refused, in.Requester, in.Override), nil
	}
	evidence, err := spec.decode(stored.Inputs)
	if err != nil {
		return Decision{}, fmt.Errorf("%w: %w", ErrNotReplayable, err)
	}
	if in, is := evidence.(ValidationInputs); is {
		return Validation(c, in), nil
	}
	return evaluate(stored.Gate, c, evidence), nil
}
