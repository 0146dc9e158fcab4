package releases

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// FreezeInput asks who is in cohorts of a release. All cohorts of a release come from
// one division: it is to be given the same nodes for every stage.
type FreezeInput struct {
	Organization string              `json:"organization"`
	ReleaseID    string              `json:"release_id"`
	Channel      records.ChannelName `json:"channel"`
	Nodes        *release.Nodes      `json:"nodes,omitempty"` // absent: each cohort has one node, its target
	Cohorts      []release.Portion   `json:"cohorts"`         // all of the channel
	Stage        []string            `json:"stage"`           // the cohorts that are asked for
}

// Freeze stores the members of cohorts, in the order in which they are asked for.
func (a *Activities) Freeze(ctx context.Context, in FreezeInput) ([]release.Frozen, error) {
	frozen, err := a.freeze(ctx, in)
	return reported(ctx, frozen, err)
}

func (a *Activities) freeze(ctx context.Context, in FreezeInput) ([]release.Frozen, error) {
	divided, err := a.divide(ctx, in)
	var refused cohort.Refusal
	if errors.As(err, &refused) {
		return nil, runner.Fail(gates.RequestInvalid, err, "the nodes of release %s cannot be divided", in.ReleaseID)
	}
	if err != nil {
		return nil, err
	}
	list := []release.Frozen{}
	for _, name := range in.Stage {
		at := slices.IndexFunc(divided, func(f cohort.Frozen) bool { return f.Cohort.Name == name })
		if at < 0 {
			return nil, runner.Fail(gates.RequestInvalid, nil, "channel %s has no cohort %s", in.Channel, name)
		}
		canonical, err := records.Canonical(divided[at])
		if err != nil {
			return nil, err
		}
		ref, err := a.artifacts.PutBytes(ctx, records.MediaJSON, canonical)
		if err != nil {
			return nil, err
		}
		list = append(list, release.Frozen{Cohort: name, Count: divided[at].Count, Digest: divided[at].Digest, List: ref})
	}
	return list, nil
}

// divide returns who is in each cohort of the channel. A channel without nodes is one
// whose target is all there is: what is read back of it speaks for the cohort.
func (a *Activities) divide(ctx context.Context, in FreezeInput) ([]cohort.Frozen, error) {
	if in.Nodes != nil {
		nodes, err := a.nodes(ctx, *in.Nodes)
		if err != nil {
			return nil, err
		}
		return rollout.Members(in.ReleaseID, in.Cohorts, nodes)
	}
	var divided []cohort.Frozen
	for _, portion := range in.Cohorts {
		node := TargetNode(in.Channel, portion.Cohort)
		frozen, err := cohort.Freeze(in.ReleaseID, cohort.Cohort{Name: portion.Cohort, Nodes: []string{node}}, []cohort.Node{{ID: node}})
		if err != nil {
			return nil, err
		}
		divided = append(divided, frozen)
	}
	return divided, nil
}

// TargetNode names the one node of a cohort of a channel without nodes.
func TargetNode(channel records.ChannelName, cohort string) string {
	return channel.String() + "/" + cohort
}

// listLimit bounds a list of nodes or members, in bytes: a million ids.
const listLimit = 64 << 20

func (a *Activities) nodes(ctx context.Context, list release.Nodes) ([]cohort.Node, error) {
	data, err := a.artifacts.ReadAll(ctx, list.List, listLimit)
	if err != nil {
		return nil, err
	}
	var nodes []cohort.Node
	if err := json.Unmarshal(data, &nodes); err != nil {
		return nil, runner.Fail(gates.RequestInvalid, err, "list %s of nodes does not decode", list.List.Digest)
	}
	if len(nodes) != list.Count {
		return nil, runner.Fail(gates.RequestInvalid, nil, "list %s has %d nodes, not %d", list.List.Digest, len(nodes), list.Count)
	}
	return nodes, nil
}
