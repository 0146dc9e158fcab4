package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/schemas"
)

// readStrictly reads a YAML or JSON file as what is named: a member that does not
// belong there is bad usage, as everything that does not fit, and told with its place.
func readStrictly(path, named string, into any) error {
	text, err := readText(path)
	if err != nil {
		return err
	}
	document, err := schemas.DecodeYAML(text)
	if err != nil {
		return Usage("%s: %v", path, err)
	}
	err = json.Unmarshal(document, into, json.RejectUnknownMembers(true))
	var wrong *json.SemanticError
	switch {
	case errors.As(err, &wrong):
		place := schemas.NewPlaces(text).Of(string(wrong.JSONPointer))
		return Usage("%s:%d:%d: %s", path, place.Line, place.Column, fault(named, wrong))
	case err != nil:
		return Usage("%s: %v", path, err)
	default:
		return nil
	}
}

// fault says what does not fit, in the terms of the file.
func fault(named string, wrong *json.SemanticError) string {
	at := string(wrong.JSONPointer)
	switch {
	case errors.Is(wrong.Err, json.ErrUnknownName):
		return fmt.Sprintf("%s has no %s", named, strings.TrimPrefix(at, "/"))
	case wrong.Err != nil:
		return fmt.Sprintf("%s: %v", pointerOrAll(at), wrong.Err)
	default:
		return fmt.Sprintf("%s: a JSON %s does not belong here", pointerOrAll(at), wrong.JSONKind)
	}
}

// readStrategy reads a strategy file.
func readStrategy(path string) (*release.Strategy, error) {
	var strategy release.Strategy
	if err := readStrictly(path, "a strategy", &strategy); err != nil {
		return nil, err
	}
	if strategy.Mode == "" {
		return nil, Usage("%s:1:1: a strategy needs a mode: %s, %s, %s or %s", path, release.AllAtOnce, release.Percentage, release.Staged, release.Pinned)
	}
	return &strategy, nil
}
