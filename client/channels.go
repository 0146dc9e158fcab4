package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// Channel returns a channel as it is now.
func (c *Client) Channel(ctx context.Context, name records.ChannelName) (rollout.Record, error) {
	return c.channel(ctx, get("v1", "channels", name.Environment, name.Name))
}

// Channels returns every channel, by name.
func (c *Client) Channels(ctx context.Context) (ChannelList, error) {
	var list ChannelList
	return list, c.json(ctx, get("v1", "channels"), &list)
}

// ActOnChannel asks for an action on a channel. Keys are those of ActOnRelease.
func (c *Client) ActOnChannel(ctx context.Context, name records.ChannelName, body ChannelAction, key string) (rollout.Record, error) {
	action, _, _ := body.ForChannel()
	call, err := post(body, orNewKey(key), "v1", "channels", name.Environment, name.Name, "actions", action)
	if err != nil {
		return rollout.Record{}, err
	}
	return c.channel(ctx, call)
}

// SetNodes says which nodes a channel reaches. Keys are those of ActOnRelease.
func (c *Client) SetNodes(ctx context.Context, name records.ChannelName, nodes []cohort.Node, reason, key string) (rollout.Record, error) {
	call, err := post(nodes, orNewKey(key), "v1", "channels", name.Environment, name.Name, "nodes")
	if err != nil {
		return rollout.Record{}, err
	}
	call.method = http.MethodPut
	if reason != "" {
		call.query = url.Values{"reason": {reason}}
	}
	return c.channel(ctx, call)
}

func (c *Client) channel(ctx context.Context, call call) (rollout.Record, error) {
	var record rollout.Record
	return record, c.json(ctx, call, &record)
}
