package nodes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/nodes"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

var stable = records.ChannelName{Environment: "staging", Name: "stable"}

// orgo is an Orgo that has one channel and one release, and holds what it is told.
type orgo struct {
	t        *testing.T
	active   *rollout.Placement
	record   release.Record
	list     []byte
	enrolled []cohort.Node
	sent     []telemetry.Sample
	batches  []int
	down     error // why nothing is taken
}

// newOrgo returns one whose release is active in a cohort with n nodes.
func newOrgo(t *testing.T, n int, version string) *orgo {
	t.Helper()
	frozen, err := cohort.Freeze("r1", cohort.Cohort{Name: "all", Share: cohort.Buckets}, nodes.Enrolled(stable, n))
	require.NoError(t, err)
	o := &orgo{t: t, active: &rollout.Placement{ReleaseID: "r1", Pack: rollout.Pack{Digest: records.DigestOf([]byte(version)), Version: version, BuildID: "b1"}}}
	o.list, err = records.Canonical(frozen)
	require.NoError(t, err)
	o.record = release.Record{
		ReleaseID: "r1", Phase: string(rollout.PhaseObserving), Request: release.Request{Channel: stable},
		Stages: []release.StageState{{Frozen: []release.Frozen{{Cohort: "all", Count: n, Digest: frozen.Digest, List: records.Ref{Digest: records.DigestOf(o.list)}}}}},
	}
	return o
}

func (o *orgo) Channels(context.Context) (client.ChannelList, error) {
	channel := rollout.NewRecord("o", stable)
	channel.Slots = []rollout.Slot{{Cohort: "all", Active: o.active}, {Cohort: "idle"}}
	return client.ChannelList{Channels: []rollout.Record{channel}}, nil
}

func (o *orgo) Channel(context.Context, records.ChannelName) (rollout.Record, error) {
	return rollout.Record{}, &client.Problem{Status: http.StatusNotFound}
}

func (o *orgo) Release(_ context.Context, id string) (release.Record, error) {
	require.Equal(o.t, "r1", id)
	return o.record, nil
}

func (o *orgo) Releases(context.Context, client.ReleaseListQuery) (client.ReleaseList, error) {
	return client.ReleaseList{Releases: []release.Record{o.record}}, nil
}

func (o *orgo) SetNodes(_ context.Context, name records.ChannelName, list []cohort.Node, _, _ string) (rollout.Record, error) {
	require.Equal(o.t, stable, name)
	require.Nil(o.t, o.enrolled, "enrolled twice")
	o.enrolled = list
	return rollout.Record{}, nil
}

func (o *orgo) OpenArtifact(_ context.Context, digest records.Digest) (io.ReadCloser, error) {
	require.Equal(o.t, records.DigestOf(o.list), digest)
	return io.NopCloser(bytes.NewReader(o.list)), nil
}

func (o *orgo) SendTelemetry(_ context.Context, samples []json.RawMessage) (client.TelemetryResult, error) {
	if o.down != nil {
		return client.TelemetryResult{}, o.down
	}
	o.batches = append(o.batches, len(samples))
	for _, encoded := range samples {
		item, err := telemetry.Read(encoded)
		require.NoError(o.t, err, string(encoded))
		o.sent = append(o.sent, item.Sample)
	}
	return client.TelemetryResult{Accepted: len(samples)}, nil
}

func newFleet(t *testing.T, o nodes.Options) *nodes.Fleet {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	fleet, err := nodes.New(o)
	require.NoError(t, err)
	return fleet
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// play has a fleet look n times, once each interval.
func play(t *testing.T, fleet *nodes.Fleet, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, fleet.Play(t.Context(), start.Add(time.Duration(i)*500*time.Millisecond)))
	}
}

func kinds(samples []telemetry.Sample) map[telemetry.Kind]int {
	count := map[telemetry.Kind]int{}
	for _, sample := range samples {
		count[sample.Kind]++
	}
	return count
}

func TestNodesSayThatTheySwitchedAndThenWhatBecomesOfIt(t *testing.T) {
	t.Parallel()
	o := newOrgo(t, 3, "1.0.0")
	play(t, newFleet(t, nodes.Options{API: o}), 5)
	require.Equal(t, map[telemetry.Kind]int{
		telemetry.KindVerification: 3, telemetry.KindActivation: 3, telemetry.KindNodeState: 3, telemetry.KindExecution: 12,
	}, kinds(o.sent))
	for _, sample := range o.sent {
		require.Equal(t, "r1", sample.ReleaseID)
		require.Equal(t, "all", sample.Cohort)
		if sample.NodeState != nil {
			require.Equal(t, o.active.Pack.Digest.String(), sample.NodeState.Active.PackID)
			require.Equal(t, start, sample.NodeState.Active.ActivatedAt)
		}
		if sample.Kind == telemetry.KindExecution {
			require.Equal(t, telemetry.Succeeded, sample.Outcome.Status)
		}
	}
}

func TestNodesOfWhatClosedWellAreQuiet(t *testing.T) {
	t.Parallel()
	o := newOrgo(t, 3, "1.0.0")
	o.record.Phase = string(rollout.PhaseClosedGood)
	play(t, newFleet(t, nodes.Options{API: o}), 100)
	require.Equal(t, 6, kinds(o.sent)[telemetry.KindNodeState])
	require.Zero(t, kinds(o.sent)[telemetry.KindExecution])
}

func TestNothingIsSaidOfWhatEndedOrIsNotActive(t *testing.T) {
	t.Parallel()
	o := newOrgo(t, 3, "1.0.0")
	fleet := newFleet(t, nodes.Options{API: o})
	o.record.Phase = string(rollout.PhaseRolledBack)
	play(t, fleet, 3)
	o.active = nil
	play(t, fleet, 3)
	require.Empty(t, o.sent)
}

func TestWhatWasNotTakenIsSaidAgain(t *testing.T) {
	t.Parallel()
	o := newOrgo(t, 3, "1.0.0")
	fleet := newFleet(t, nodes.Options{API: o})
	o.down = fmt.Errorf("planted")
	require.ErrorIs(t, fleet.Play(t.Context(), start), o.down)
	o.down = nil
	play(t, fleet, 1)
	require.Equal(t, 3, kinds(o.sent)[telemetry.KindNodeState])
}

func TestManyNodesReportInBatches(t *testing.T) {
	t.Parallel()
	o := newOrgo(t, 2000, "1.0.0")
	play(t, newFleet(t, nodes.Options{API: o}), 1)
	require.Equal(t, []int{client.MaxTelemetryBatch, 1000}, o.batches)
}

func TestChannelsWithoutNodesGetThemOnce(t *testing.T) {
	t.Parallel()
	o := newOrgo(t, 3, "1.0.0")
	play(t, newFleet(t, nodes.Options{API: o, Nodes: 7}), 3)
	require.Equal(t, nodes.Enrolled(stable, 7), o.enrolled)
}

// failed returns which executions of which node failed.
func failed(samples []telemetry.Sample) map[string]bool {
	found := map[string]bool{}
	for _, sample := range samples {
		if sample.Outcome != nil && sample.Outcome.Status == telemetry.Failed {
			found[sample.NodeID+"/"+sample.At.String()] = true
		}
	}
	return found
}

func TestAPartOfTheExecutionsFailsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	fault := nodes.Fault{Channel: stable.String(), Version: "1.1.0", Cohort: "all", Failures: 0.2}
	run := func(version string, seed uint64, faults ...nodes.Fault) map[string]bool {
		o := newOrgo(t, 50, version)
		play(t, newFleet(t, nodes.Options{API: o, Seed: seed, Faults: faults}), 101)
		return failed(o.sent)
	}
	first := run("1.1.0", 1, fault)
	require.InDelta(t, 1000, len(first), 100)
	require.Equal(t, first, run("1.1.0", 1, fault))
	require.NotEqual(t, first, run("1.1.0", 2, fault))
	require.Empty(t, run("1.0.0", 1, fault), "another version")
	elsewhere := fault
	elsewhere.Channel = "staging/canary"
	require.Empty(t, run("1.1.0", 1, elsewhere))
	require.Len(t, run("1.1.0", 1, fault, nodes.Fault{Failures: 1}), 5000, "the worst counts")
	small := slices.Collect(maps.Keys(run("1.1.0", 1, nodes.Fault{Failures: 0.1})))
	require.Subset(t, slices.Collect(maps.Keys(first)), small)
}

func TestFaultsComeFromAFile(t *testing.T) {
	t.Parallel()
	o := newOrgo(t, 3, "1.1.0")
	file := filepath.Join(t.TempDir(), "faults.json")
	fleet := newFleet(t, nodes.Options{API: o, FaultsFile: file})
	play(t, fleet, 2)
	require.Empty(t, failed(o.sent))
	for text, message := range map[string]string{
		`[{"failures":1.5}]`:             "not a part from 0 to 1",
		`[{"failure":0.5}]`:              "unknown field",
		`{"version":"1","failures":0.`:   "unexpected EOF",
		`[{"version":"1.1.0","failures"`: "unexpected EOF",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := nodes.ReadFaults(file)
		require.ErrorContains(t, err, message, text)
	}
	require.NoError(t, os.WriteFile(file, []byte(`[{"version":"1.1.0","failures":1}]`), 0o600))
	require.NoError(t, fleet.Play(t.Context(), start.Add(time.Hour)))
	require.Len(t, failed(o.sent), 3)
}

func TestAFleetThatCannotPlayIsRefused(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for name, o := range map[string]nodes.Options{
		"no API":          {Log: log},
		"no log":          {API: &orgo{}},
		"fewer than none": {API: &orgo{}, Log: log, Nodes: -1},
		"more than all":   {API: &orgo{}, Log: log, Faults: []nodes.Fault{{Failures: 2}}},
	} {
		_, err := nodes.New(o)
		require.Error(t, err, name)
	}
}
