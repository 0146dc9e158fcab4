package nodes

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/telemetry"
)

// place is a cohort of a channel.
type place struct {
	channel records.ChannelName
	cohort  string
}

// tenants are the nodes of a place and what they run.
type tenants struct {
	place
	placement rollout.Placement
	nodes     []string
	since     time.Time // when they switched to it
	told      bool      // that they did
	done      int       // executions of each
	due       time.Time // of the next
}

// arrive returns what nodes say when they have switched to a pack: that it is whole,
// that the switch went well, and what they run now.
func (t *tenants) arrive(now time.Time) []telemetry.Sample {
	var samples []telemetry.Sample
	took := int64(7)
	outcome := &telemetry.Outcome{Status: telemetry.Succeeded, DurationMS: &took}
	for _, node := range t.nodes {
		samples = append(samples,
			t.sample(node, telemetry.KindVerification, now, telemetry.Sample{Outcome: outcome}),
			t.sample(node, telemetry.KindActivation, now, telemetry.Sample{Outcome: outcome}))
	}
	return append(samples, t.state(now)...)
}

// state returns what nodes say of themselves.
func (t *tenants) state(now time.Time) []telemetry.Sample {
	var samples []telemetry.Sample
	pack := t.placement.Pack.Digest
	for _, node := range t.nodes {
		samples = append(samples, t.sample(node, telemetry.KindNodeState, now, telemetry.Sample{NodeState: &telemetry.NodeState{
			StateID:    uuid.NewSHA1(uuid.NameSpaceURL, []byte(node+"/"+now.Format(time.RFC3339Nano))).String(),
			InstanceID: node, Environment: t.channel.Environment, CreatedAt: now,
			Active:    telemetry.ActivePack{Channel: t.channel.String(), PackID: pack.String(), ActivatedAt: t.since},
			Installed: []telemetry.Pack{{PackID: pack.String(), InstalledAt: t.since, ManifestRef: telemetry.Ref{Digest: pack}, Status: "VERIFIED"}},
			Pins:      telemetry.Pins{RevokedPackIDs: []string{}},
			Health:    telemetry.Health{Status: telemetry.Healthy, Signals: []telemetry.Signal{}},
		}}))
	}
	return samples
}

// execute returns how the next execution of each node ended.
func (t *tenants) execute(now time.Time, seed uint64, rate float64) []telemetry.Sample {
	t.done++
	var samples []telemetry.Sample
	for _, node := range t.nodes {
		took := int64(20)
		outcome := &telemetry.Outcome{Status: telemetry.Succeeded, DurationMS: &took}
		if fails(seed, node, t.placement.Pack.Version, t.done, rate) {
			outcome.Status, outcome.ReasonCode = telemetry.Failed, "INJECTED"
		}
		samples = append(samples, t.sample(node, telemetry.KindExecution, now, telemetry.Sample{Outcome: outcome}))
	}
	return samples
}

func (t *tenants) sample(node string, kind telemetry.Kind, at time.Time, with telemetry.Sample) telemetry.Sample {
	with.ReleaseID, with.Cohort, with.NodeID, with.Kind, with.At = t.placement.ReleaseID, t.cohort, node, kind, at
	return with
}

// encoded returns samples as the API takes them.
func encoded(samples []telemetry.Sample) ([]json.RawMessage, error) {
	list := make([]json.RawMessage, len(samples))
	for i, sample := range samples {
		data, err := json.Marshal(sample)
		if err != nil {
			return nil, err
		}
		list[i] = data
	}
	return list, nil
}
