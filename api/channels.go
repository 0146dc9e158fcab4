package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// ChannelPath names the channel that a call is about, as BuildPath does a build.
type ChannelPath struct {
	Environment string `path:"environment" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"`
	Channel     string `path:"channel" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"`
}

func (p ChannelPath) name() records.ChannelName {
	return records.ChannelName{Environment: p.Environment, Name: p.Channel}
}

// channelAnswer is a channel as it is.
type channelAnswer struct{ Body rollout.Record }

const channelPath = "/v1/channels/{environment}/{channel}"

func (s *server) registerChannels(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "list-channels", Method: http.MethodGet, Path: "/v1/channels", Tags: []string{"channels"},
		Summary: "List every channel, by name",
	}, s.listChannels)
	guarded(s, api, huma.Operation{
		OperationID: "get-channel", Method: http.MethodGet, Path: channelPath, Tags: []string{"channels"},
		Summary: "Get a channel as it is now",
	}, s.getChannel)
	guarded(s, api, huma.Operation{
		OperationID: "set-nodes", Method: http.MethodPut, Path: channelPath + "/nodes", Tags: []string{"channels"},
		Summary: "Say which nodes a channel reaches", MaxBodyBytes: s.limits.RequestBytes, BodyReadTimeout: s.limits.BodyTimeout,
	}, s.setNodes)
	channelAction[client.HoldChannel](s, api, "Keep everything on a channel from moving forward")
	channelAction[client.LiftChannel](s, api, "End a hold of one's own, or with its owner the one that followed a rollback")
	channelAction[client.Freeze](s, api, "Keep everything on a channel from moving forward until a time")
	channelAction[client.Unfreeze](s, api, "End a freeze of one's own")
	channelAction[client.Pin](s, api, "Fix a pack as the active one, or as the one that rollbacks go to")
	channelAction[client.Unpin](s, api, "End a pin of one's own")
	channelAction[client.SetMinimum](s, api, "Raise the lowest version that may be active")
	channelAction[client.Clear](s, api, "End the quarantine of packs")
	channelAction[client.RollbackChannel](s, api, "Take back what a release brought, or what is active in cohorts")
}

func (s *server) listChannels(ctx context.Context, caller Identity, _ *struct{}) (*struct{ Body client.ChannelList }, error) {
	found, err := s.channels.List(ctx, caller.Organization)
	if err != nil {
		return nil, err
	}
	if found == nil {
		found = []rollout.Record{}
	}
	return &struct{ Body client.ChannelList }{client.ChannelList{Channels: found}}, nil
}

func (s *server) getChannel(ctx context.Context, caller Identity, in *ChannelPath) (*channelAnswer, error) {
	record, err := s.channels.Channel(ctx, caller.Organization, in.name())
	return &channelAnswer{Body: record}, err
}

type channelActionInput[B any] struct {
	ChannelPath
	MayBeKeyed
	Body B
}

// channelAction registers an action on channels. What it is called is in the body.
func channelAction[B client.ChannelAction](s *server, api huma.API, summary string) {
	var none B
	name, _, _ := none.ForChannel()
	guarded(s, api, huma.Operation{
		OperationID: name + "-channel", Method: http.MethodPost, Path: channelPath + "/actions/" + name, Tags: []string{"channels"},
		Summary: summary, MaxBodyBytes: actionBytes,
	}, func(ctx context.Context, caller Identity, in *channelActionInput[B]) (*channelAnswer, error) {
		action, arguments, reason := in.Body.ForChannel()
		return s.askChannel(ctx, caller, in.name(), action, arguments, reason, in.key())
	})
}

func (s *server) askChannel(
	ctx context.Context, caller Identity, channel records.ChannelName, action string, arguments any, reason, key string,
) (*channelAnswer, error) {
	command, err := commandOf(action, arguments, caller)
	if err != nil {
		return nil, err
	}
	record, err := s.channels.Act(ctx, caller.Organization, channel, command, key, caller, reason)
	return &channelAnswer{Body: record}, err
}

type nodesInput struct {
	ChannelPath
	MayBeKeyed
	Reason string `query:"reason" maxLength:"2000"`
	Body   []cohort.Node
}

// setNodes stores the list and names it: that of a large channel has no place in an
// entry.
func (s *server) setNodes(ctx context.Context, caller Identity, in *nodesInput) (*channelAnswer, error) {
	if len(in.Body) == 0 {
		return nil, invalid("body", "must have at least one node")
	}
	seen := make(map[string]int, len(in.Body))
	for i, node := range in.Body {
		before, twice := seen[node.ID]
		switch {
		case node.ID == "":
			return nil, invalid(fmt.Sprintf("body[%d].id", i), "is empty")
		case twice:
			return nil, invalid(fmt.Sprintf("body[%d].id", i), "%q is also that of body[%d]", node.ID, before)
		}
		seen[node.ID] = i
	}
	canonical, err := records.Canonical(in.Body)
	if err != nil {
		return nil, err
	}
	list, err := s.artifacts.PutBytes(ctx, records.MediaJSON, canonical)
	if err != nil {
		return nil, err
	}
	return s.askChannel(ctx, caller, in.name(), release.ActionNodes, release.Nodes{List: list, Count: len(in.Body)}, in.Reason, in.key())
}
