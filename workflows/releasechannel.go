package workflows

import (
	"encoding/json"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// channel reads the newest record of the release's channel.
func (r *releaseRun) channel(ctx workflow.Context) (rollout.Record, error) {
	name := r.record.Request.Channel
	loaded, err := r.load(ctx, records.ChannelSubject(r.organization, name))
	if err != nil || !loaded.Found {
		return rollout.NewRecord(r.organization, name), err
	}
	var record rollout.Record
	if err := json.Unmarshal(loaded.Body, &record); err != nil {
		return record, fmt.Errorf("record of channel %s: %w", name, err)
	}
	return record, nil
}

// join asks for the channel's turn.
func (r *releaseRun) join(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	channel, err := r.channel(ctx)
	if err != nil {
		return nil, err
	}
	joined, turn := channel.Waits(r.in.ReleaseID)
	switch {
	case turn:
		return &rollout.ReleaseEvent{Kind: rollout.TurnGranted}, nil
	case !joined:
		if event, err := r.inOrder(ctx); event != nil || err != nil {
			return event, err
		}
		outcome, err := r.ask(ctx, rollout.AskJoin, r.joining())
		switch {
		case err != nil:
			return nil, err
		case outcome.Accepted():
		case gates.Code(outcome.Code) == gates.ArtifactRevoked:
			return &rollout.ReleaseEvent{Kind: rollout.WasRevoked, Code: gates.ArtifactRevoked, Reason: outcome.Message}, nil
		default: // what it was planned for is not so any more: it is checked, and approved, anew
			if code := gates.Code(outcome.Code); code == gates.RequestInvalid || code == gates.DigestMismatch {
				r.unwelcome, r.refused = r.record.IntentDigest, releases.Problem{Code: code, Message: outcome.Message}
			}
			return &rollout.ReleaseEvent{Kind: rollout.IntentChanged, Code: gates.IntentChanged, Reason: outcome.Message}, nil
		}
	}
	r.record.Waits = &release.Wait{For: "its turn on " + r.record.Request.Channel.String()}
	_, err = r.save(ctx)
	return nil, err
}

func (r *releaseRun) joining() rollout.JoinArguments {
	plan := r.record.Intent.Plan
	var stages [][]string
	for _, part := range plan.Parts {
		stages = append(stages, part.Cohorts)
	}
	return rollout.JoinArguments{
		Join: rollout.Join{Supersede: r.record.Request.Supersede, Candidacy: rollout.Candidacy{
			Placement: rollout.Placement{ReleaseID: r.in.ReleaseID, Pack: rollout.Pack{
				Digest: r.pack(), Version: r.record.Request.Version, BuildID: r.record.Request.BuildID,
			}}, Stages: stages,
		}},
		Content: *r.record.Pack, Plan: plan,
	}
}

// ask asks the channel for something.
func (r *releaseRun) ask(ctx workflow.Context, action string, with any) (records.CommandOutcome, error) {
	r.attempted++
	return ask(ctx, r.entity, r.record.Request.Channel, action, fmt.Sprintf("%s/%d", r.correlation.RunID, r.attempted), with)
}

// close makes the release one that a rollback may go to.
func (r *releaseRun) close(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	for {
		channel, err := r.channel(ctx)
		if err != nil {
			return nil, err
		}
		if _, turn := channel.Waits(r.in.ReleaseID); !turn {
			return nil, nil // closed, or taken back
		}
		asked := rollout.CloseArguments{Close: rollout.Close{Warrant: r.warrant(len(r.record.Stages))}}
		if r.record.Intent.Plan.PinFor > 0 {
			asked.Owner, asked.PinUntil = r.record.CreatedBy, workflow.Now(ctx).Add(r.record.Intent.Plan.PinFor.Std())
		}
		outcome, err := r.ask(ctx, rollout.AskClose, asked)
		if err != nil || outcome.Accepted() {
			return nil, err
		}
		r.record.Codes = []string{outcome.Code}
		if err := workflow.Sleep(ctx, askPause); err != nil {
			return nil, err
		}
	}
}

// leave gives up the channel's turn, or the wait for it. That it is not there is fine.
func (r *releaseRun) leave(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	if r.record.Intent == nil {
		return nil, nil
	}
	_, err := r.ask(ctx, rollout.AskLeave, rollout.Leave{ReleaseID: r.in.ReleaseID})
	return nil, err
}

// contain has the channel take back what the release brought. The channel tells when
// that is done.
func (r *releaseRun) contain(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	code := gates.Code(r.record.Code)
	class := gates.ClassGovernance
	if reason, known := gates.Lookup(code); known {
		class = reason.Class
	}
	outcome, err := r.ask(ctx, rollout.AskContain, rollout.ContainArguments{ReleaseID: r.in.ReleaseID, Code: code, Class: class})
	switch {
	case err != nil || outcome.Accepted():
		return nil, err
	case gates.Code(outcome.Code) != gates.NothingToContain:
		return nil, fmt.Errorf("the channel does not take the release back: %s: %s", outcome.Code, outcome.Message) // it is asked again
	}
	channel, err := r.channel(ctx)
	if err != nil {
		return nil, err
	}
	if c := channel.Containment; c != nil && slices.Contains(c.Releases, r.in.ReleaseID) {
		return nil, nil // somebody else began it
	}
	// Nothing of it is anywhere.
	if _, err := r.leave(ctx); err != nil {
		return nil, err
	}
	return &rollout.ReleaseEvent{Kind: rollout.WentBack, Code: code}, nil
}
