package releases

import (
	"context"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// PackInput is about a pack on the target of a channel.
type PackInput struct {
	Organization string              `json:"organization"`
	Channel      records.ChannelName `json:"channel"`
	Pack         index.Pack          `json:"pack"`
}

// distribute makes a pack fetchable on the target that is pinned, and on no other.
func (a *Activities) distribute(ctx context.Context, at attempt) (records.StageFinished, error) {
	to, err := a.targets.Target(ctx, at.Organization, at.Channel)
	if err != nil {
		return records.StageFinished{}, err
	}
	if digest, _, err := pinOf(to.Runner()); err != nil || digest != at.Pinned.Digest {
		return records.StageFinished{}, runner.Fail(gates.RunnerChanged, err, "the target of channel %s is %s, not the pinned %s",
			at.Channel, targetText(to.Runner()), targetText(at.Pinned.Runner))
	}
	if err := to.Distribute(ctx, at.Pack); err != nil {
		return records.StageFinished{}, err
	}
	return records.StageFinished{Outputs: []records.Artifact{{Name: records.OutRuntimePackManifest, Ref: at.Pack.Manifest}}}, nil
}

// Verified is what was found of a pack just now, on the target and in the artifact
// store. Without drift and problems it is whole in both.
type Verified struct {
	Drift    []target.Drift `json:"drift,omitempty"`
	Evidence gates.Evidence `json:"evidence"` // of compile
	Problems []Problem      `json:"problems,omitempty"`
}

// Verify reads a pack back from the target, and what it was made of from the artifact
// store.
func (a *Activities) Verify(ctx context.Context, in PackInput) (Verified, error) {
	verified, err := a.verify(ctx, in)
	return reported(ctx, verified, err)
}

func (a *Activities) verify(ctx context.Context, in PackInput) (Verified, error) {
	b, err := a.build(ctx, in.Organization, in.Pack.BuildID, in.Pack.Version)
	if err != nil {
		return Verified{}, err
	}
	digest, err := in.Pack.Digest()
	if err != nil {
		return Verified{}, err
	}
	if digest != b.digest {
		b.problems.add(gates.PackUnverified, "pack %s is not what build %s made", digest, in.Pack.BuildID)
	}
	on, err := a.targets.Target(ctx, in.Organization, in.Channel)
	if err != nil {
		return Verified{}, err
	}
	drift, err := on.Verify(ctx, in.Pack)
	if err := b.problems.take(err); err != nil {
		return Verified{}, err
	}
	return Verified{Drift: drift, Evidence: b.evidence, Problems: b.problems}, nil
}

// PublishInput asks to make an index the active one.
type PublishInput struct {
	Organization string      `json:"organization"`
	Index        index.Index `json:"index"`
}

// Observed is what was read back of a target. A cohort that has drifted is not among
// the cohorts: what is active in it is nothing that Orgo knows.
type Observed struct {
	Sequence int64              `json:"sequence"` // of the index that is active; 0: none is
	Cohorts  []rollout.Observed `json:"cohorts"`
	Drift    []target.Drift     `json:"drift,omitempty"`
	// Newest is the index that the next one must follow, if that can be told.
	Newest *index.Index `json:"newest,omitempty"`
}

// Publish makes an index the active one and reads back what is active.
func (a *Activities) Publish(ctx context.Context, in PublishInput) (Observed, error) {
	observed, err := a.publish(ctx, in)
	return reported(ctx, observed, err)
}

func (a *Activities) publish(ctx context.Context, in PublishInput) (Observed, error) {
	if in.Index.Organization != in.Organization {
		return Observed{}, runner.Fail(gates.IndexRefused, nil, "an index of %s is not of organization %s", in.Index.Channel, in.Organization)
	}
	channel := records.ChannelName{Environment: in.Index.Environment, Name: in.Index.Name}
	to, err := a.targets.Target(ctx, in.Organization, channel)
	if err != nil {
		return Observed{}, err
	}
	if err := to.Publish(ctx, in.Index); err != nil {
		return Observed{}, err
	}
	return observe(ctx, to)
}

// ObserveInput names a channel.
type ObserveInput struct {
	Organization string              `json:"organization"`
	Channel      records.ChannelName `json:"channel"`
}

// Observe reads back what is active on the target of a channel.
func (a *Activities) Observe(ctx context.Context, in ObserveInput) (Observed, error) {
	on, err := a.targets.Target(ctx, in.Organization, in.Channel)
	if err != nil {
		return reported(ctx, Observed{}, err)
	}
	observed, err := observe(ctx, on)
	return reported(ctx, observed, err)
}

func observe(ctx context.Context, on target.Target) (Observed, error) {
	state, err := on.Observe(ctx)
	if err != nil {
		return Observed{}, err
	}
	observed := Observed{Cohorts: []rollout.Observed{}, Drift: state.Drift, Newest: state.Newest}
	if state.Index == nil {
		return observed, nil
	}
	observed.Sequence = state.Index.Sequence
	for _, cohort := range state.Cohorts {
		observed.Drift = append(observed.Drift, cohort.Drift...)
		if len(state.Drift)+len(cohort.Drift) > 0 {
			continue
		}
		seen := rollout.Observed{Cohort: cohort.Name}
		if !cohort.Inactive {
			found := cohort.Found
			seen.Pack = &found
		}
		observed.Cohorts = append(observed.Cohorts, seen)
	}
	return observed, nil
}
