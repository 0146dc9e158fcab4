package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
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
	guarded(s, api, huma.Operation{
		OperationID: "rollback-release", Method: http.MethodPost, Path: "/v1/releases/{id}/rollback", Tags: []string{"releases"},
		Summary:     "Take back what a release brought",
		Description: "With to, rollbacks of the channel go to the pack of that release until a time; the channel is pinned so before.", MaxBodyBytes: actionBytes,
	}, s.rollbackRelease)
	guarded(s, api, huma.Operation{
		OperationID: "revoke-packs", Method: http.MethodPost, Path: "/v1/revocations", Tags: []string{"releases"},
		Summary: "Take packs back everywhere, for good or until each channel is cleared of them", MaxBodyBytes: actionBytes,
	}, s.revoke)
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

type rollbackInput struct {
	ReleasePath
	MayBeKeyed
	Body client.RollbackRelease
}

// rollbackPin is how long rollbacks go to a release that was named without a time.
const rollbackPin = time.Hour

func (s *server) rollbackRelease(ctx context.Context, caller Identity, in *rollbackInput) (*releaseAnswer, error) {
	record, err := s.releases.Release(ctx, caller.Organization, in.ID)
	if err != nil {
		return nil, err
	}
	key, channel := in.key(), record.Request.Channel
	if in.Body.To != "" {
		pin, err := s.pinFor(ctx, caller, in.Body, channel)
		if err != nil {
			return nil, err
		}
		// The pin comes first: once the rollback is asked for, its target is chosen.
		if _, err := s.askChannel(ctx, caller, channel, release.ActionPin, pin, in.Body.Reason, key+"/pin"); err != nil {
			return nil, err
		}
	}
	rollback := release.Rollback{ReleaseID: in.ID, Cohorts: in.Body.Cohorts}
	if _, err := s.askChannel(ctx, caller, channel, release.ActionRollback, rollback, in.Body.Reason, key); err != nil {
		return nil, err
	}
	record, err = s.releases.Release(ctx, caller.Organization, in.ID)
	return &releaseAnswer{Body: record}, err
}

// pinFor returns the pin that has rollbacks of a channel go to the pack of a release.
func (s *server) pinFor(ctx context.Context, caller Identity, asked client.RollbackRelease, channel records.ChannelName) (release.Pin, error) {
	to, err := s.releases.Release(ctx, caller.Organization, asked.To)
	if err != nil {
		return release.Pin{}, err
	}
	switch {
	case to.Request.Channel != channel:
		return release.Pin{}, invalid("body.to", "release %s is of channel %s, not of %s", asked.To, to.Request.Channel, channel)
	case to.Intent == nil:
		return release.Pin{}, refusef(gates.InvalidTransition, "release %s is %s: its pack is not known", asked.To, to.Phase)
	}
	until := time.Now().Add(rollbackPin).UTC().Truncate(time.Second)
	if asked.Until != nil {
		until = *asked.Until
	}
	return release.Pin{Pack: to.Intent.Pack, For: string(rollout.PinRollback), ExpiresAt: until}, nil
}

type revokeInput struct {
	MayBeKeyed
	Body client.Revoke
}

func (s *server) revoke(ctx context.Context, caller Identity, in *revokeInput) (*struct{ Body client.Revocation }, error) {
	cause, err := causeOf(in.Body)
	if err != nil {
		return nil, err
	}
	result, err := s.releases.Revoke(ctx, caller.Organization, cause, in.Body.Quarantine, in.key(), caller, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	revoked := client.Revocation{Packs: append([]records.Digest{}, result.Packs...), Channels: make([]string, len(result.Channels))}
	for i, channel := range result.Channels {
		revoked.Channels[i] = channel.String()
	}
	return &struct{ Body client.Revocation }{revoked}, nil
}

// causeOf reads the one cause that a body names.
func causeOf(body client.Revoke) (RevokeCause, error) {
	cause := RevokeCause{Release: body.Release, RunnerVersion: body.RunnerVersion, Key: body.Key}
	causes := 0
	for _, text := range []string{body.Release, body.RunnerVersion, body.Key} {
		if text != "" {
			causes++
		}
	}
	for _, named := range []struct {
		at     string
		digest *records.Digest
		into   *records.Digest
	}{{"body.pack", body.Pack, &cause.Pack}, {"body.snapshot", body.Snapshot, &cause.Snapshot}} {
		if named.digest == nil {
			continue
		}
		if !named.digest.Valid() {
			return cause, invalid(named.at, "is not a sha256 digest")
		}
		*named.into = *named.digest
		causes++
	}
	if causes != 1 {
		return cause, invalid("body", "names exactly one of pack, release, snapshot, runner_version and key")
	}
	return cause, nil
}
