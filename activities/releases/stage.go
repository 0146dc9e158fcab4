package releases

import (
	"context"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// StageInput asks for one stage of a release.
type StageInput struct {
	Organization string              `json:"organization"`
	ReleaseID    string              `json:"release_id"`
	Channel      records.ChannelName `json:"channel"`
	Part         string              `json:"part,omitempty"` // of the plan; the whole without one
	Generation   int                 `json:"generation"`
	Pack         index.Pack          `json:"pack"`
	Pinned       records.PinnedStage `json:"pinned"`
}

// of says of what an attempt is one.
func (in StageInput) of() activities.StageOf {
	return activities.StageOf{Organization: in.Organization, Subject: records.ReleaseSubject(in.ReleaseID), About: records.Correlation{
		ReleaseID: in.ReleaseID, BuildID: in.Pack.BuildID, Channel: in.Channel.String(), Stage: in.Pinned.Stage, Generation: in.Generation,
	}}
}

// key is the idempotency key. That of a stage which yields content is the same in every
// generation, so that what was yielded first stays; what is done at a target is done
// anew in each.
func (in StageInput) key(generation int) (string, error) {
	pack, err := in.Pack.Digest()
	if err != nil {
		return "", err
	}
	digest, err := records.CanonicalDigest(map[string]any{
		"release_id": in.ReleaseID, "stage": in.Pinned.Stage, "part": in.Part, "generation": generation, "pack": pack, "pinned": in.Pinned.Digest,
	})
	return digest.String(), err
}

// Distribute makes a pack fetchable on the target. Nothing becomes active.
func (a *Activities) Distribute(ctx context.Context, in StageInput) (records.StageFinished, error) {
	return a.stage(ctx, in, in.Generation, a.distribute)
}

// Render renders a pack with the runner that is pinned, and verifies what that yields.
// What was rendered before under the same key is not rendered again.
func (a *Activities) Render(ctx context.Context, in StageInput) (records.StageFinished, error) {
	return a.stage(ctx, in, 0, a.render)
}

// attempt is one at a stage: how far it is goes to progress.
type attempt struct {
	StageInput
	key      string
	number   int
	progress runner.Progress
}

// stage does a stage as builds do theirs: it records the start, does it, and records
// the output, or why there is none.
func (a *Activities) stage(
	ctx context.Context, in StageInput, keyed int, do func(context.Context, attempt) (records.StageFinished, error),
) (records.StageFinished, error) {
	number, progress, stop := heartbeat(ctx)
	defer stop()
	by, err := a.caller(ctx, in.Organization)
	if err == nil && (by.Containment != "" || by.Subject != in.of().Subject) {
		err = runner.Fail(gates.Unauthorized, nil, "the caller does not carry on release %s", in.ReleaseID)
	}
	if err != nil {
		return reported(ctx, records.StageFinished{}, err) // and nothing is recorded for it
	}
	finished, err := a.attempt(ctx, attempt{StageInput: in, number: number, progress: progress}, keyed, do)
	if err != nil {
		return records.StageFinished{}, a.stages.Fail(ctx, in.of(), err, in.Pinned.Retry.MaxAttempts)
	}
	return finished, nil
}

func (a *Activities) attempt(
	ctx context.Context, at attempt, keyed int, do func(context.Context, attempt) (records.StageFinished, error),
) (finished records.StageFinished, err error) {
	if at.key, err = at.StageInput.key(keyed); err != nil {
		return finished, err
	}
	inputs := release.SpineInputs(at.Pack)
	started, err := a.stages.Started(ctx, at.of(), records.StageStarted{Key: at.key, Inputs: inputs, Runner: at.Pinned.Runner})
	if err != nil {
		return finished, err
	}
	if _, err := a.store.Append(ctx, started); err != nil {
		return finished, err
	}
	if finished, err = do(ctx, at); err != nil {
		return finished, err
	}
	finished.Key, finished.Inputs = at.key, inputs
	return a.stages.Finish(ctx, at.of(), finished)
}

// AttemptsInput asks what attempts there were at a stage of a release, in one
// generation.
type AttemptsInput struct {
	Organization string        `json:"organization"`
	ReleaseID    string        `json:"release_id"`
	Stage        records.Stage `json:"stage"`
	Generation   int           `json:"generation"`
}

// stageEntries are those that tell of attempts.
var stageEntries = []string{records.TypeStageStarted, records.TypeStageFailed, records.TypeStageFinished, records.TypeStageConflict}

// Attempts reads the attempts at a stage, in their order.
func (a *Activities) Attempts(ctx context.Context, in AttemptsInput) ([]records.AttemptRecord, error) {
	attempts, err := a.attempts(ctx, in)
	return reported(ctx, attempts, err)
}

func (a *Activities) attempts(ctx context.Context, in AttemptsInput) ([]records.AttemptRecord, error) {
	attempts := []records.AttemptRecord{}
	for after := int64(0); ; {
		stored, err := a.store.Entries(ctx, in.Organization, records.ReleaseSubject(in.ReleaseID),
			store.EntryQuery{Types: stageEntries, After: after, Limit: store.MaxPage})
		if err != nil {
			return nil, err
		}
		for _, s := range stored {
			after = s.Sequence
			if s.Correlation.Stage != in.Stage || s.Correlation.Generation != in.Generation {
				continue
			}
			attempt, err := records.AttemptOf(s.Entry)
			if err != nil {
				return nil, err
			}
			attempts = append(attempts, attempt)
		}
		if len(stored) < store.MaxPage {
			return attempts, nil
		}
	}
}
