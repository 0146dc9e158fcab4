// Package stageconfig reads the pinned configs of reference stages.
package stageconfig

import (
	stdjson "encoding/json"
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Decode reads the config of stage into the struct that into points at, on top
// of the defaults it holds. No config is an empty one. A member that the struct
// does not have, a duplicate one, or a value of the wrong type is a
// *runner.Failure with gates.PinInvalid that names the place as a JSON Pointer.
func Decode(stage records.Stage, raw stdjson.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	if jsontext.Value(raw).Kind() != '{' {
		return runner.Fail(gates.PinInvalid, nil, "config of stage %s is not an object", stage)
	}
	err := json.Unmarshal(raw, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	return Invalid(stage, string(pointerOf(err)), err)
}

// Invalid returns the failure about the place, a JSON Pointer, in stage's
// config.
func Invalid(stage records.Stage, pointer string, cause error) error {
	failure := runner.Fail(gates.PinInvalid, cause, "config of stage %s is not valid at %q", stage, pointer)
	details, err := records.Canonical(map[string]string{"stage": string(stage), "pointer": pointer})
	if err == nil {
		failure.Details = details
	}
	return failure
}

func pointerOf(err error) jsontext.Pointer {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		return semantic.JSONPointer
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return syntactic.JSONPointer
	}
	return ""
}
