package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

func (s *server) registerRollback(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "rollback-release", Method: http.MethodPost, Path: "/v1/releases/{id}/rollback", Tags: []string{"releases"},
		Summary:     "Take back what a release brought",
		Description: "With to, rollbacks of the channel go to the pack of that release until a time; the channel is pinned so before.", MaxBodyBytes: actionBytes,
	}, s.rollbackRelease)
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
