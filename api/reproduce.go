package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// reproduceInput asks for a build to be run again.
type reproduceInput struct {
	BuildPath
	Keyed
	Body client.ReproduceBuild
}

// pinsBytes bounds the size of a stored pins document.
const pinsBytes = 4 << 20

// reproduceBuild starts a build from what another was pinned to and the snapshot
// that it read, and from nothing else.
func (s *server) reproduceBuild(ctx context.Context, caller Identity, in *reproduceInput) (*buildAnswer, error) {
	original, err := s.reader.Build(ctx, caller.Organization, in.ID)
	if err != nil {
		return nil, err
	}
	snapshot := output(original, records.Ingest, records.OutSnapshot)
	if original.Pins == nil || snapshot == nil {
		return nil, refusef(gates.InvalidTransition, "build %s cannot be reproduced: it ended before it had pins and a snapshot", in.ID)
	}
	pins, err := s.readPins(ctx, *original.Pins)
	if err != nil {
		return nil, err
	}
	request := newRequest(caller, in.IdempotencyKey, client.BuildTrigger{Reason: in.Body.Reason})
	request.ReproduceOf = original.BuildID
	request.Inputs = []records.Input{{Snapshot: snapshot}}
	request.Pipeline, request.Policy, request.Contracts = pins.Pipeline, pins.Policy, pins.Contracts
	view, err := s.builds.Start(ctx, request)
	return &buildAnswer{Location: location(view.BuildID), Body: view}, err
}

func (s *server) readPins(ctx context.Context, ref records.Ref) (records.Pins, error) {
	var pins records.Pins
	data, err := s.artifacts.ReadAll(ctx, ref, pinsBytes)
	if err != nil {
		return pins, err
	}
	if err := json.Unmarshal(data, &pins); err != nil {
		return pins, fmt.Errorf("pins %s: %w", ref.Digest, err)
	}
	return pins, nil
}

// output returns the named output of a stage, or nil.
func output(view records.BuildView, stage records.Stage, name string) *records.Ref {
	step := view.Step(stage)
	if step == nil {
		return nil
	}
	for _, artifact := range step.Outputs {
		if artifact.Name == name {
			return &artifact.Ref
		}
	}
	return nil
}
