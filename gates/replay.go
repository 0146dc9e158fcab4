package gates

import (
	"encoding/json"
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
	_, known := specOf(stored.Gate)
	version := evaluators[stored.EvaluatorVersion]
	switch {
	case !known || !version.keeps || len(stored.Inputs) == 0:
		return Decision{}, fmt.Errorf("%w: evaluator %q of gate %q kept no inputs", ErrNotReplayable, stored.EvaluatorVersion, stored.Gate)
	case records.DigestOf(stored.Inputs) != stored.InputsDigest:
		return Decision{}, fmt.Errorf("%w: its inputs are not those of its digest", ErrNotReplayable)
	}
	c := Context{Subject: stored.Subject, Rules: rules, At: stored.EvaluatedAt, Actor: stored.Actor, Evaluator: stored.EvaluatorVersion}
	switch {
	case stored.Override != nil && stored.Override.BreakGlass:
		var in GlassInputs
		if err := strict(stored.Inputs, &in); err != nil {
			return Decision{}, fmt.Errorf("%w: %w", ErrNotReplayable, err)
		}
		return BreakGlass(c, in), nil
	case stored.Override != nil:
		var in overrideInputs
		if err := strict(stored.Inputs, &in); err != nil {
			return Decision{}, fmt.Errorf("%w: %w", ErrNotReplayable, err)
		}
		return Overrule(c, in.Refused, in.Requester, in.Override), nil
	}
	d, err := Decide(stored.Gate, c, stored.Inputs)
	if err != nil {
		return Decision{}, fmt.Errorf("%w: %w", ErrNotReplayable, err)
	}
	return d, nil
}

// Decide lets a gate decide over evidence in JSON, which is the form in which
// decisions keep their inputs. Its error, a *PolicyError whose pointer is into the
// inputs, is that of a gate that is not known, or of evidence that is not its kind.
func Decide(gate Gate, c Context, inputs json.RawMessage) (Decision, error) {
	spec, known := specOf(gate)
	if !known {
		return Decision{}, wrong("", "%q is no gate; there are %v", gate, Gates())
	}
	evidence, err := spec.decode(inputs)
	if err != nil {
		return Decision{}, err
	}
	if in, is := evidence.(ValidationInputs); is {
		return Validation(c, in), nil
	}
	return evaluate(gate, c, evidence), nil
}
