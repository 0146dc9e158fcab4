package releases

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

// ControlInput asks what a stage of a release is compared with.
type ControlInput struct {
	Organization string              `json:"organization"`
	ReleaseID    string              `json:"release_id"`
	Channel      records.ChannelName `json:"channel"`
	// Entered are the cohorts that the release has entered or enters: no control.
	Entered []string `json:"entered"`
	// Sides are the cohorts that it is compared with, and what was counted of them up to
	// now; absent, it is asked for those that there are, with nothing counted.
	Sides []release.ControlSide `json:"sides,omitempty"`
	// Since is when counting began: the activation of the stage.
	Since time.Time `json:"since,omitzero"`
}

// Control counts what the control of a stage reported, from the stored samples: nobody
// can make it up in a message.
func (a *Activities) Control(ctx context.Context, in ControlInput) ([]release.ControlSide, error) {
	sides, err := a.control(ctx, in)
	return reported(ctx, sides, err)
}

func (a *Activities) control(ctx context.Context, in ControlInput) ([]release.ControlSide, error) {
	if in.Sides == nil {
		return a.beginControl(ctx, in)
	}
	sides := make([]release.ControlSide, len(in.Sides))
	for i, side := range in.Sides {
		var err error
		if sides[i], err = a.count(ctx, in, side); err != nil {
			return nil, err
		}
	}
	return sides, nil
}

// beginControl finds the cohorts that run another release, each from the newest sample
// on that there is.
func (a *Activities) beginControl(ctx context.Context, in ControlInput) ([]release.ControlSide, error) {
	channel, err := a.channelRecord(ctx, in.Organization, in.Channel)
	if err != nil {
		return nil, err
	}
	heads, err := a.store.TelemetryHeads(ctx)
	if err != nil {
		return nil, err
	}
	sides := []release.ControlSide{}
	for _, slot := range channel.Slots {
		if slot.Active == nil || slot.Active.ReleaseID == "" || slot.Active.ReleaseID == in.ReleaseID || slices.Contains(in.Entered, slot.Cohort) {
			continue
		}
		side := release.ControlSide{Cohort: slot.Cohort, ReleaseID: slot.Active.ReleaseID}
		for _, head := range heads {
			if head.Organization == in.Organization && head.ReleaseID == side.ReleaseID {
				side.Position = head.Position
			}
		}
		sides = append(sides, side)
	}
	return sides, nil
}

// count adds what was reported since to a side. A release that takes no telemetry any
// more reported nothing.
func (a *Activities) count(ctx context.Context, in ControlInput, side release.ControlSide) (release.ControlSide, error) {
	known, found, err := a.directory.Known(ctx, in.Organization, side.ReleaseID)
	if err != nil || !found {
		return side, err
	}
	known = known.Since(in.Since)
	if known.Cohorts[side.Cohort].ActivatedAt.IsZero() {
		return side, nil
	}
	reducer := telemetry.NewReducer(in.Organization, known, side.Cohort)
	for {
		page, err := a.store.Telemetry(ctx, in.Organization, side.ReleaseID, side.Position, samplePage)
		if err != nil {
			return side, err
		}
		for _, sample := range page {
			if sample.Cohort == side.Cohort {
				reducer.Add(sample)
			}
			side.Position = sample.Position
		}
		if len(page) < samplePage {
			break
		}
	}
	window, err := reducer.Window()
	if err != nil {
		return side, err
	}
	side.Counts = slices.Clone(side.Counts)
	for name, metric := range window.Metrics {
		side.Counts = add(side.Counts, release.ControlCount{Metric: name, Samples: metric.Samples, Failures: metric.Failures})
	}
	slices.SortFunc(side.Counts, func(x, y release.ControlCount) int { return cmp.Compare(x.Metric, y.Metric) })
	return side, nil
}

func add(counts []release.ControlCount, more release.ControlCount) []release.ControlCount {
	for i, c := range counts {
		if c.Metric == more.Metric {
			counts[i].Samples += more.Samples
			counts[i].Failures += more.Failures
			return counts
		}
	}
	return append(counts, more)
}
