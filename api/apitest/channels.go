package apitest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// Channels is the double of the choke point for channels: records in memory, moved by
// the real machine.
type Channels struct {
	mu       sync.Mutex
	channels []owned[rollout.Record]
	asked    []Asked
}

var _ api.Channels = (*Channels)(nil)

// Asked returns what was asked of channels, in order.
func (c *Channels) Asked() []Asked {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}

// Set sets what a channel is.
func (c *Channels) Set(organization string, channel rollout.Channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	record := c.of(organization, records.ChannelName{Environment: channel.Environment, Name: channel.Name})
	record.Channel = channel
	record.Version++
}

// Act carries an action out, once for each key. A channel begins with the first.
func (c *Channels) Act(
	_ context.Context, organization string, name records.ChannelName, command records.Command, key string, by api.Identity, reason string,
) (rollout.Record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	record := c.of(organization, name)
	if slices.ContainsFunc(c.asked, func(a Asked) bool { return a.Of == name.String() && a.Key == key }) {
		return *record, nil
	}
	c.asked = append(c.asked, Asked{Of: name.String(), Command: command, Key: key, By: by, Reason: reason})
	if command.Action == release.ActionNodes {
		record.Nodes = new(release.Nodes)
		record.Version++
		return *record, json.Unmarshal(command.Arguments, record.Nodes)
	}
	read, known := actions[command.Action]
	if !known {
		return *record, fmt.Errorf("channels know no action %q", command.Action)
	}
	action, err := read(command, key, by.Actor)
	if err != nil {
		return *record, err
	}
	next, _, refused := record.Channel.Reduce(rollout.ChannelEvent{At: Epoch, Actor: by.Actor, Reason: reason, Action: action})
	if refused != nil {
		return *record, &api.Refusal{Code: refused.Code, Message: refused.Message}
	}
	record.Channel = next
	record.Version++
	return *record, nil
}

// actions says how to read a command as an action of the machine.
var actions = map[string]func(command records.Command, id, actor string) (rollout.Action, error){
	release.ActionHold:     plain[rollout.PlaceHold],
	release.ActionFreeze:   plain[rollout.PlaceFreeze],
	release.ActionUnfreeze: plain[rollout.Unfreeze],
	release.ActionPin:      plain[rollout.PlacePin],
	release.ActionUnpin:    plain[rollout.Unpin],
	release.ActionClear:    plain[rollout.Clear],
	release.ActionLift: func(command records.Command, _, actor string) (rollout.Action, error) {
		lift, err := decoded[rollout.LiftHold](command)
		if lift.Owner == "" {
			lift.Owner = actor
		}
		return lift, err
	},
	release.ActionSetMinimum: func(command records.Command, id, _ string) (rollout.Action, error) {
		raise, err := decoded[rollout.RaiseMinimum](command)
		raise.ID = id
		return raise, err
	},
	release.ActionRollback: func(command records.Command, id, _ string) (rollout.Action, error) {
		asked, err := decoded[release.Rollback](command)
		return rollout.Contain{ID: id, ReleaseID: asked.ReleaseID, Cohorts: asked.Cohorts, Code: gates.RollbackRequested, Class: gates.ClassGovernance}, err
	},
}

func plain[A rollout.Action](command records.Command, _, _ string) (rollout.Action, error) {
	return decoded[A](command)
}

func decoded[A any](command records.Command) (A, error) {
	var arguments A
	if len(command.Arguments) == 0 {
		return arguments, nil
	}
	return arguments, json.Unmarshal(command.Arguments, &arguments)
}

// Channel returns a channel.
func (c *Channels) Channel(_ context.Context, organization string, name records.ChannelName) (rollout.Record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, each := range c.channels {
		if each.organization == organization && each.record.ChannelName() == name {
			return each.record, nil
		}
	}
	return rollout.Record{}, fmt.Errorf("channel %s: %w", name, store.ErrNotFound)
}

// List returns every channel, by name.
func (c *Channels) List(_ context.Context, organization string) ([]rollout.Record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []rollout.Record
	for _, each := range c.channels {
		if each.organization == organization {
			found = append(found, each.record)
		}
	}
	slices.SortFunc(found, func(a, b rollout.Record) int {
		return strings.Compare(a.ChannelName().String(), b.ChannelName().String())
	})
	return found, nil
}

func (c *Channels) of(organization string, name records.ChannelName) *rollout.Record {
	for i := range c.channels {
		if c.channels[i].organization == organization && c.channels[i].record.ChannelName() == name {
			return &c.channels[i].record
		}
	}
	c.channels = append(c.channels, owned[rollout.Record]{organization, rollout.NewRecord(organization, name)})
	return &c.channels[len(c.channels)-1].record
}
