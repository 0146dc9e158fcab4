package releases

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
)

// SampleInput names a release on a channel.
type SampleInput struct {
	Organization string              `json:"organization"`
	ReleaseID    string              `json:"release_id"`
	Channel      records.ChannelName `json:"channel"`
}

// Sampled says how many samples were stored.
type Sampled struct {
	Stored int `json:"stored"`
}

// Sample reads the target back and stores what was found as the state of the nodes
// that stand for it: of cohorts without nodes, nobody else could tell. It does nothing
// for cohorts that have nodes of their own.
func (a *Activities) Sample(ctx context.Context, in SampleInput) (Sampled, error) {
	sampled, err := a.sample(ctx, in)
	return reported(ctx, sampled, err)
}

func (a *Activities) sample(ctx context.Context, in SampleInput) (Sampled, error) {
	known, found, err := a.directory.Known(ctx, in.Organization, in.ReleaseID)
	if err != nil || !found {
		return Sampled{}, err
	}
	cohorts := bare(known, in.Channel)
	if len(cohorts) == 0 {
		return Sampled{}, nil
	}
	stamp := target.Stamp{Started: a.clock.Now()}
	on, err := a.targets.Target(ctx, in.Organization, in.Channel)
	if err != nil {
		return Sampled{}, err
	}
	state, err := on.Observe(ctx)
	if err != nil {
		return Sampled{}, err
	}
	stamp.Observed = a.clock.Now()
	admission := telemetry.Admission{Organization: in.Organization, Release: known, Found: true, Now: stamp.Observed}
	var items []store.TelemetryItem
	for _, cohort := range cohorts {
		item, seen, err := itemOf(in, state, cohort, stamp)
		if err != nil {
			return Sampled{}, err
		}
		if code := admission.Admit(item.Sample); seen && code.Kept() {
			items = append(items, store.TelemetryItem{Item: item, Code: code, ReceivedAt: stamp.Observed})
		}
	}
	outcomes, err := a.store.AppendTelemetry(ctx, in.Organization, items)
	sampled := Sampled{}
	for _, outcome := range outcomes {
		if outcome == store.TelemetryStored {
			sampled.Stored++
		}
	}
	return sampled, err
}

// bare returns the activated cohorts of a release whose only node is their target.
func bare(known telemetry.Release, channel records.ChannelName) []string {
	var cohorts []string
	for _, name := range slices.Sorted(maps.Keys(known.Cohorts)) {
		cohort := known.Cohorts[name]
		_, alone := cohort.Members[TargetNode(channel, name)]
		if alone && len(cohort.Members) == 1 && !cohort.ActivatedAt.IsZero() {
			cohorts = append(cohorts, name)
		}
	}
	return cohorts
}

// itemOf returns a sample of what was found of a cohort, and whether anything was:
// where not, there is silence, which is no pass. It is read as one that was sent: what
// Orgo says of itself is held to the same form.
func itemOf(in SampleInput, found target.State, cohort string, stamp target.Stamp) (item telemetry.Item, seen bool, err error) {
	node := TargetNode(in.Channel, cohort)
	stamp.StateID = records.NodeStateID(in.Organization, node, stamp.Observed)
	state, err := target.NodeStateOf(found, cohort, stamp)
	var unseen problems
	if err := unseen.take(err); err != nil || len(unseen) > 0 {
		return telemetry.Item{}, false, err
	}
	state.InstanceID = node
	sent, err := json.Marshal(telemetry.Sample{
		ReleaseID: in.ReleaseID, Cohort: cohort, NodeID: node, Kind: telemetry.KindNodeState, At: stamp.Observed, NodeState: &state,
	})
	if err != nil {
		return telemetry.Item{}, false, err
	}
	item, err = telemetry.Read(sent)
	return item, err == nil, err
}
