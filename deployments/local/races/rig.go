// Package races runs what happens at once: Orgo's worker, its relay and a target of
// files over an embedded Temporal server, with operators and nodes that do not wait for
// each other.
package races

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/deployments/local/harness"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
)

// Organization is whose everything here is.
const Organization = records.DefaultOrganization

// Rig is a running worker with relay, sequencer, stores and targets.
type Rig struct {
	*harness.Harness
	Telemetry control.Telemetry
	dir       string
}

// New returns the rig of a harness that works in a directory.
func New(h *harness.Harness, dir string) *Rig {
	return &Rig{Harness: h, Telemetry: h.Stack.Telemetry(), dir: dir}
}

// Run opens a rig on a server and in a directory of its own, hands it to use, and
// removes everything.
func Run(ctx context.Context, interval time.Duration, use func(ctx context.Context, r *Rig) error) error {
	return harness.Run(ctx, harness.Options{Relay: interval}, func(ctx context.Context, h *harness.Harness, dir string) error {
		return use(ctx, New(h, dir))
	})
}

func (r *Rig) targets() string { return filepath.Join(r.dir, "targets") }

// Build makes a build of a file with some content, and waits until it has passed.
func (r *Rig) Build(ctx context.Context, name string) (buildID string, err error) {
	return r.Harness.Build(ctx, filepath.Join(r.dir, "inputs-"+name), name, nil)
}

// Order is a release to ask for.
type Order struct {
	Key, BuildID, Version string
	Channel               records.ChannelName
	Observe, Soak         time.Duration
}

// Release asks for a release to all cohorts at once, by somebody who needs nobody else.
func (r *Rig) Release(ctx context.Context, o Order) (release.Record, error) {
	return r.Stack.Releases().Create(ctx, Organization, release.Request{
		IdempotencyKey: o.Key, BuildID: o.BuildID, Channel: o.Channel, Version: o.Version,
		Strategy: release.Strategy{
			Mode: release.AllAtOnce, Observe: records.Duration(o.Observe), Deadline: records.Duration(o.Observe + time.Minute), Soak: records.Duration(o.Soak),
		},
	}, api.Identity{Actor: "rita", Organization: Organization}, "to see")
}

// poll is how often something is looked at that is waited for.
const poll = 5 * time.Millisecond

// Await waits until a release is in a phase. One that ended otherwise is an error.
func (r *Rig) Await(ctx context.Context, releaseID string, phase rollout.Phase) (release.Record, error) {
	for {
		record, err := r.Stack.Releases().Release(ctx, Organization, releaseID)
		switch {
		case err == nil && record.Phase == string(phase):
			return record, nil
		case err == nil && rollout.Release{Phase: rollout.Phase(record.Phase)}.Ended():
			return record, fmt.Errorf("release %s is %s, %s %v, not %s", releaseID, record.Phase, record.Code, record.Codes, phase)
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return record, err
		}
		if err := pause(ctx); err != nil {
			return record, fmt.Errorf("release %s is %s %v, not %s: %w", releaseID, record.Phase, record.Codes, phase, err)
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(poll):
		return nil
	}
}

// Settled waits until the newest index of a channel was read back and nothing is
// taken back.
func (r *Rig) Settled(ctx context.Context, channel records.ChannelName) (rollout.Record, error) {
	for {
		record, err := r.Stack.Channels().Channel(ctx, Organization, channel)
		if err != nil || record.Containment == nil && record.Sequence == record.Confirmed {
			return record, err
		}
		if err := pause(ctx); err != nil {
			return record, err
		}
	}
}

// Current is where the link of a channel's target leads that is switched.
func (r *Rig) Current(channel records.ChannelName) (string, error) {
	return os.Readlink(filepath.Join(r.targets(), Organization, channel.Environment, channel.Name, "current"))
}

// Switched waits until that link leads elsewhere than before.
func (r *Rig) Switched(ctx context.Context, channel records.ChannelName, before string) error {
	for {
		now, err := r.Current(channel)
		if err != nil || now != before {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// Act asks a channel for something in somebody's name.
func (r *Rig) Act(ctx context.Context, channel records.ChannelName, actor, key, action string, arguments any) (rollout.Record, error) {
	encoded, err := json.Marshal(arguments)
	if err != nil {
		return rollout.Record{}, err
	}
	return r.Stack.Channels().Act(ctx, Organization, channel, records.Command{Action: action, Arguments: encoded}, key,
		api.Identity{Actor: actor, Organization: Organization}, "because")
}

// Execution is a sample of one use of the pack on a cohort without nodes.
func Execution(of release.Record, cohort string, status telemetry.Status) telemetry.Sample {
	return telemetry.Sample{
		SampleID: uuid.NewString(), ReleaseID: of.ReleaseID, Cohort: cohort, NodeID: releases.TargetNode(of.Request.Channel, cohort),
		Kind: telemetry.KindExecution, At: time.Now().UTC(), Outcome: &telemetry.Outcome{Status: status},
	}
}

// Running is a sample that proves that the cohort runs the pack.
func Running(of release.Record, cohort string) telemetry.Sample {
	at := time.Now().UTC()
	node := releases.TargetNode(of.Request.Channel, cohort)
	return telemetry.Sample{
		ReleaseID: of.ReleaseID, Cohort: cohort, NodeID: node, Kind: telemetry.KindNodeState, At: at,
		NodeState: &telemetry.NodeState{
			StateID: uuid.NewString(), InstanceID: node, Environment: of.Request.Channel.Environment, CreatedAt: at,
			Active:    telemetry.ActivePack{Channel: of.Request.Channel.Name, PackID: of.Intent.Pack.String(), ActivatedAt: at},
			Installed: []telemetry.Pack{}, Pins: telemetry.Pins{RevokedPackIDs: []string{}}, Health: telemetry.Health{Status: telemetry.Healthy, Signals: []telemetry.Signal{}},
		},
	}
}

// Report sends samples as a service does. Each has to be accepted.
func (r *Rig) Report(ctx context.Context, samples ...telemetry.Sample) error {
	var sent []json.RawMessage
	for _, sample := range samples {
		encoded, err := json.Marshal(sample)
		if err != nil {
			return err
		}
		sent = append(sent, encoded)
	}
	result, err := r.Telemetry.Accept(ctx, Organization, sent)
	if err == nil && result.Accepted != len(samples) {
		err = fmt.Errorf("%d of %d samples were accepted: %+v", result.Accepted, len(samples), result)
	}
	return err
}

// CloseWell takes a release to its good end, with nodes that say that all is well.
func (r *Rig) CloseWell(ctx context.Context, o Order) (release.Record, error) {
	asked, err := r.Release(ctx, o)
	if err != nil {
		return asked, err
	}
	record, err := r.Await(ctx, asked.ReleaseID, rollout.PhaseObserving)
	if err != nil {
		return record, err
	}
	stop := make(chan struct{})
	reported := make(chan error, 1)
	go func() { reported <- r.keepWell(ctx, record, stop) }()
	record, err = r.Await(ctx, record.ReleaseID, rollout.PhaseClosedGood)
	close(stop)
	return record, errors.Join(err, <-reported)
}

func (r *Rig) keepWell(ctx context.Context, of release.Record, stop <-chan struct{}) error {
	for {
		for _, portion := range of.Intent.Plan.Cohorts {
			samples := []telemetry.Sample{Running(of, portion.Cohort)}
			for range 3 {
				samples = append(samples, Execution(of, portion.Cohort, telemetry.Succeeded))
			}
			if err := r.Report(ctx, samples...); err != nil {
				return err
			}
		}
		select {
		case <-stop:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}
