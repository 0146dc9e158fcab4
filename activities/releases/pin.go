package releases

import (
	"context"
	"encoding/json"
	"time"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// PinInput asks what does the stages of a release.
type PinInput struct {
	Organization string              `json:"organization"`
	Channel      records.ChannelName `json:"channel"`
	BuildID      string              `json:"build_id"`
}

// Pinned is what does the stages of a release, in the order of the spine. A stage that
// nothing is pinned for does not run; render alone may be one.
type Pinned struct {
	Stages   []records.PinnedStage `json:"stages"`
	Problems []Problem             `json:"problems,omitempty"`
}

// Pin finds out what does the stages of a release: the target of the channel, and what
// the pipeline of the build names for render.
func (a *Activities) Pin(ctx context.Context, in PinInput) (Pinned, error) {
	pinned, err := a.pin(ctx, in)
	return reported(ctx, pinned, err)
}

func (a *Activities) pin(ctx context.Context, in PinInput) (Pinned, error) {
	var b built
	if err := a.readRecord(ctx, in.Organization, in.BuildID, &b); err != nil || len(b.problems) > 0 {
		return Pinned{Problems: b.problems}, err
	}
	var pipeline records.Pipeline
	if err := b.problems.take(a.reader.JSON(ctx, b.record.Pins.Pipeline, &pipeline)); err != nil || len(b.problems) > 0 {
		return Pinned{Problems: b.problems}, err
	}
	var pinned Pinned
	for _, pin := range []func() ([]records.PinnedStage, error){
		func() ([]records.PinnedStage, error) { return a.pinTarget(ctx, in, pipeline) },
		func() ([]records.PinnedStage, error) { return a.pinRender(ctx, *b.record.Pins, pipeline) },
	} {
		stages, err := pin()
		if err := b.problems.take(err); err != nil {
			return Pinned{}, err
		}
		pinned.Stages = append(pinned.Stages, stages...)
	}
	pinned.Problems = b.problems
	return pinned, nil
}

// targetSettings bound what is done at a target.
var targetSettings = records.PinnedStage{
	Execution: records.ExecuteRemote,
	Timeout:   records.Duration(time.Hour),
	Heartbeat: records.Duration(30 * time.Second),
	Retry: records.RetrySettings{
		MaxAttempts: 10, InitialInterval: records.Duration(500 * time.Millisecond),
		MaxInterval: records.Duration(30 * time.Second), Coefficient: 2,
	},
}

// pinTarget pins the target of the channel. Which that is the channel says, and no
// pipeline; but one may name what it has to be.
func (a *Activities) pinTarget(ctx context.Context, in PinInput, pipeline records.Pipeline) ([]records.PinnedStage, error) {
	to, err := a.targets.Target(ctx, in.Organization, in.Channel)
	if err != nil {
		return nil, err
	}
	digest, config, err := pinOf(to.Runner())
	if err != nil {
		return nil, err
	}
	stored, err := a.artifacts.PutBytes(ctx, records.MediaJSON, config)
	if err != nil {
		return nil, err
	}
	var stages []records.PinnedStage
	for _, stage := range []records.Stage{records.Distribute, records.Activate} {
		if named, is := pipeline.Stages[stage]; is {
			if other, _, err := pinOf(named.Runner); err != nil || other != digest {
				return nil, final(gates.PinUnknown, err, "stage %s: the pipeline names %s, the target of channel %s is %s",
					stage, targetText(named.Runner), in.Channel, targetText(to.Runner()))
			}
		}
		pinned := targetSettings
		pinned.Stage, pinned.Runner, pinned.Digest, pinned.Config = stage, to.Runner(), digest, stored
		stages = append(stages, pinned)
	}
	return stages, nil
}

func targetText(settings records.RunnerSettings) string {
	name := string(settings.Kind)
	if settings.Target != nil {
		name += "/" + settings.Target.Name
	}
	return name + "@" + settings.Version
}

// pinOf returns the digest of a target as a runner without a config, and that config.
func pinOf(settings records.RunnerSettings) (records.Digest, []byte, error) {
	config := json.RawMessage("{}")
	digest, err := records.CanonicalDigest(struct {
		Runner records.RunnerSettings `json:"runner"`
		Config json.RawMessage        `json:"config"`
	}{settings, config})
	return digest, config, err
}

// pinRender pins what renders: what the pins of the build hold, else what its pipeline
// names, else nothing.
func (a *Activities) pinRender(ctx context.Context, pins records.Pins, pipeline records.Pipeline) ([]records.PinnedStage, error) {
	if pinned, held := pins.Stage(records.Render); held {
		return []records.PinnedStage{pinned}, nil
	}
	settings, named := pipeline.Stages[records.Render]
	switch {
	case !named:
		return nil, nil
	case a.runners == nil:
		return nil, final(gates.RunnerUnavailable, nil, "this worker has no runners")
	}
	pinned, err := activities.PinStage(ctx, a.runners, a.artifacts, records.Render, settings)
	pinned.Execution = records.ExecuteRemote
	return []records.PinnedStage{pinned}, asFailure(err)
}

// asFailure keeps nil what is nil: a nil failure in an error is none.
func asFailure(err error) error {
	if err == nil {
		return nil
	}
	return runner.AsFailure(err)
}
