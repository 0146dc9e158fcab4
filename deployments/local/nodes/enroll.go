package nodes

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// enroll gives nodes to every channel that is released to and has none. A release
// that froze its first stage before that goes on with the channel's targets there.
func (f *Fleet) enroll(ctx context.Context) error {
	if f.Nodes == 0 {
		return nil
	}
	recent, err := f.API.Releases(ctx, client.ReleaseListQuery{Limit: 20})
	if err != nil {
		return err
	}
	for _, record := range recent.Releases {
		if err := f.enrollOn(ctx, record.Request.Channel); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fleet) enrollOn(ctx context.Context, name records.ChannelName) error {
	if f.enrolled[name] || name == (records.ChannelName{}) {
		return nil
	}
	channel, err := f.API.Channel(ctx, name)
	var problem *client.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusNotFound {
		channel, err = rollout.Record{}, nil
	}
	if err != nil {
		return err
	}
	if channel.Nodes == nil {
		if _, err := f.API.SetNodes(ctx, name, Enrolled(name, f.Nodes), "nodes of the local stack", ""); err != nil {
			return err
		}
	}
	f.enrolled[name] = true
	return nil
}

// Enrolled returns the nodes that a channel gets.
func Enrolled(name records.ChannelName, n int) []cohort.Node {
	list := make([]cohort.Node, n)
	for i := range list {
		list[i] = cohort.Node{ID: fmt.Sprintf("%s/node-%04d", name, i+1)}
	}
	return list
}
