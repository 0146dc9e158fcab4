package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

// API is what a fleet asks of Orgo. A *client.Client is one.
type API interface {
	Channels(ctx context.Context) (client.ChannelList, error)
	Channel(ctx context.Context, name records.ChannelName) (rollout.Record, error)
	Release(ctx context.Context, id string) (release.Record, error)
	Releases(ctx context.Context, query client.ReleaseListQuery) (client.ReleaseList, error)
	SetNodes(ctx context.Context, name records.ChannelName, nodes []cohort.Node, reason, key string) (rollout.Record, error)
	OpenArtifact(ctx context.Context, digest records.Digest) (io.ReadCloser, error)
	SendTelemetry(ctx context.Context, samples []json.RawMessage) (client.TelemetryResult, error)
}

// Options are what a fleet plays by.
type Options struct {
	API API
	// Nodes is how many nodes each channel gets that is released to and has none. With
	// 0 every cohort has one node, its target.
	Nodes int
	// Interval is how often a node reports while a release is watched; 500 ms. Once it
	// has closed well, nodes report each Idle; 1 min.
	Interval, Idle time.Duration
	Faults         []Fault
	FaultsFile     string // read at each look; a file that is not there has none
	Seed           uint64
	Log            *slog.Logger
}

// lookEvery is how often a fleet looks what is active, and so how late it can be.
const lookEvery = 200 * time.Millisecond

// Fleet plays nodes. It is not safe for concurrent use.
type Fleet struct {
	Options
	places   map[place]*tenants
	lists    map[records.Digest][]string
	enrolled map[records.ChannelName]bool
	refused  map[string]int // samples, by reason code
}

// New returns a fleet whose nodes run nothing yet.
func New(o Options) (*Fleet, error) {
	if o.API == nil || o.Log == nil {
		return nil, errors.New("nodes: API and log must be given")
	}
	if o.Nodes < 0 {
		return nil, fmt.Errorf("nodes: there cannot be %d", o.Nodes)
	}
	for _, fault := range o.Faults {
		if err := fault.Check(); err != nil {
			return nil, fmt.Errorf("nodes: %w", err)
		}
	}
	if o.Interval <= 0 {
		o.Interval = 500 * time.Millisecond
	}
	if o.Idle <= 0 {
		o.Idle = time.Minute
	}
	return &Fleet{
		Options: o, places: map[place]*tenants{}, lists: map[records.Digest][]string{},
		enrolled: map[records.ChannelName]bool{}, refused: map[string]int{},
	}, nil
}

// Run plays until ctx ends. What fails is tried again with the next look.
func (f *Fleet) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if err := f.Play(ctx, time.Now().UTC()); err != nil && ctx.Err() == nil {
			f.Log.WarnContext(ctx, "the nodes of a channel did not report, which is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Play looks what is active and has every node report that is due at a time.
func (f *Fleet) Play(ctx context.Context, now time.Time) error {
	if err := f.enroll(ctx); err != nil {
		return err
	}
	faults := slices.Clone(f.Faults)
	if f.FaultsFile != "" {
		more, err := ReadFaults(f.FaultsFile)
		if err != nil {
			return err
		}
		faults = append(faults, more...)
	}
	channels, err := f.API.Channels(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, channel := range channels.Channels {
		for _, slot := range channel.Slots {
			errs = append(errs, f.visit(ctx, channel, slot, faults, now))
		}
	}
	return errors.Join(errs...)
}

// visit has the nodes of one cohort report, if they run anything and it is time.
func (f *Fleet) visit(ctx context.Context, channel rollout.Record, slot rollout.Slot, faults []Fault, now time.Time) error {
	at := place{channel.ChannelName(), slot.Cohort}
	if slot.Active == nil || !slot.Active.Pack.Digest.Valid() {
		delete(f.places, at)
		return nil
	}
	t := f.places[at]
	if t == nil || t.placement != *slot.Active {
		t = &tenants{place: at, placement: *slot.Active, since: now}
		f.places[at] = t
	}
	if now.Before(t.due) {
		return nil
	}
	record, err := f.API.Release(ctx, t.placement.ReleaseID)
	if err != nil {
		return err
	}
	if rollout.Phase(record.Phase) != rollout.PhaseClosedGood && client.ReleaseSettled(record) {
		return nil // it takes no telemetry any more, and what is active there is about to change
	}
	if t.nodes == nil {
		if t.nodes, err = f.members(ctx, record, slot.Cohort); err != nil {
			return err
		}
	}
	return f.report(ctx, t, record, worst(faults, at, t.placement.Pack.Version), now)
}

// report sends what the nodes of a place have to say.
func (f *Fleet) report(ctx context.Context, t *tenants, record release.Record, rate float64, now time.Time) error {
	var samples []telemetry.Sample
	pause := f.Interval
	switch {
	case !t.told:
		samples = t.arrive(now)
	case rollout.Phase(record.Phase) == rollout.PhaseClosedGood:
		samples, pause = t.state(now), f.Idle
	default:
		samples = t.execute(now, f.Seed, rate)
	}
	if err := f.send(ctx, samples); err != nil {
		return err
	}
	t.told, t.due = true, now.Add(pause)
	return nil
}

// send sends samples in batches, and counts those that were refused: a release may
// end while its nodes report.
func (f *Fleet) send(ctx context.Context, samples []telemetry.Sample) error {
	list, err := encoded(samples)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(list, client.MaxTelemetryBatch) {
		result, err := f.API.SendTelemetry(ctx, batch)
		if err != nil {
			return err
		}
		for code, n := range result.Codes {
			f.refused[code] += n
		}
		if result.Refused > 0 {
			f.Log.InfoContext(ctx, "samples were refused", "codes", result.Codes)
		}
	}
	return nil
}

// Refused returns how many samples were refused, by reason code.
func (f *Fleet) Refused() map[string]int { return maps.Clone(f.refused) }

// members returns the nodes of a cohort as a release froze them.
func (f *Fleet) members(ctx context.Context, record release.Record, name string) ([]string, error) {
	for _, stage := range record.Stages {
		for _, frozen := range stage.Frozen {
			if frozen.Cohort == name {
				return f.list(ctx, frozen)
			}
		}
	}
	return nil, fmt.Errorf("release %s has no nodes in cohort %s", record.ReleaseID, name)
}

func (f *Fleet) list(ctx context.Context, frozen release.Frozen) ([]string, error) {
	if nodes, known := f.lists[frozen.List.Digest]; known {
		return nodes, nil
	}
	content, err := f.API.OpenArtifact(ctx, frozen.List.Digest)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	var list cohort.Frozen
	if err := json.NewDecoder(content).Decode(&list); err != nil {
		return nil, fmt.Errorf("list %s of cohort %s: %w", frozen.List.Digest, frozen.Cohort, err)
	}
	if err := list.Verify(); err != nil || list.Digest != frozen.Digest {
		return nil, fmt.Errorf("list %s is not that of cohort %s: %w", frozen.List.Digest, frozen.Cohort, err)
	}
	f.lists[frozen.List.Digest] = list.Nodes
	return list.Nodes, nil
}
