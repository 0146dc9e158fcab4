package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// MayBeKeyed is a call that may bear an idempotency key.
type MayBeKeyed struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"200" pattern:"^[!-~]+$" doc:"Names the action: the same key is the same action; a new one if absent"`
}

func (k MayBeKeyed) key() string {
	if k.IdempotencyKey == "" {
		return client.NewKey()
	}
	return k.IdempotencyKey
}

func (s *server) registerReleaseActions(api huma.API) {
	releaseAction[client.Approve](s, api, "Vote for exactly the intent that is named")
	releaseAction[client.Reject](s, api, "Vote against an intent")
	releaseAction[client.Promote](s, api, "Let a release out of a stage that asks for it, once its judgement passes")
	releaseAction[client.HoldRelease](s, api, "Keep a release where it is")
	releaseAction[client.LiftRelease](s, api, "End a hold of one's own")
	releaseAction[client.Abort](s, api, "End a release, and take back what it placed")
	releaseAction[client.BreakGlass](s, api, "Ask to let a release past gates into one stage")
	releaseAction[client.ConfirmBreakGlass](s, api, "Agree, as another person, to let it past them")
	releaseAction[client.ReviewBreakGlass](s, api, "Say afterwards what was found")
}

type releaseActionInput[B any] struct {
	ReleasePath
	MayBeKeyed
	Body B
}

// releaseAction registers an action on releases. What it is called is in the body.
func releaseAction[B client.ReleaseAction](s *server, api huma.API, summary string) {
	var none B
	name, _, _ := none.ForRelease()
	guarded(s, api, huma.Operation{
		OperationID: name + "-release", Method: http.MethodPost, Path: "/v1/releases/{id}/actions/" + name, Tags: []string{"releases"},
		Summary: summary, MaxBodyBytes: actionBytes,
	}, func(ctx context.Context, caller Identity, in *releaseActionInput[B]) (*releaseAnswer, error) {
		action, arguments, reason := in.Body.ForRelease()
		command, err := commandOf(action, arguments, caller)
		if err != nil {
			return nil, err
		}
		record, err := s.releases.Act(ctx, caller.Organization, in.ID, command, in.key(), caller, reason)
		return &releaseAnswer{Body: record}, err
	})
}

// commandOf returns what a caller asks for as it is recorded.
func commandOf(action string, arguments any, caller Identity) (records.Command, error) {
	command := records.Command{Action: action, Roles: caller.Roles}
	if arguments == nil {
		return command, nil
	}
	encoded, err := json.Marshal(arguments)
	if err != nil {
		return command, fmt.Errorf("arguments of %s: %w", action, err)
	}
	command.Arguments = encoded
	return command, nil
}
