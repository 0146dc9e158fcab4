package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// The channel activates, and the target that it publishes to. What a release records of
// that stage is what it asked, and what it was told.

// beginActivate keeps that the channel is about to be asked to activate a part.
func (r *releaseRun) beginActivate(ctx workflow.Context) {
	row := r.record.SpineStage(records.Activate, r.part())
	if row == nil || row.Runner == nil {
		return
	}
	inputs := release.SpineInputs(*r.record.Pack)
	r.record.BeginStage(row, workflow.Now(ctx).UTC(), inputs)
	row.Key = r.activateKey(row)
	r.noteStage(ctx, row, records.Entry{Type: records.TypeStageStarted}, 1, "/1", records.StageStarted{
		Key: row.Key, Inputs: inputs, Runner: *row.Runner, Attempt: 1,
	})
}

// activations has how the activation of a part ends with an event.
var activations = map[rollout.ReleaseEventKind]records.StageStatus{
	rollout.StageActive: records.StagePass, rollout.StageInactive: records.StageFail,
}

// endActivate keeps how that ended.
func (r *releaseRun) endActivate(ctx workflow.Context, status records.StageStatus, code gates.Code, message string) {
	row := r.record.SpineStage(records.Activate, r.part())
	if row == nil || row.Status != records.StageRunning {
		return
	}
	var codes []string
	if code != "" {
		codes = []string{string(code)}
	}
	row.End(status, workflow.Now(ctx).UTC(), codes, message)
	if status == records.StagePass {
		return // what it yielded is read by the step that follows
	}
	r.noteStage(ctx, row, records.Entry{Type: records.TypeStageFailed, Codes: codes}, 1, "/1", records.StageFailed{
		Message: message, Attempt: 1, Final: status == records.StageFail,
	})
}

// keepActivatedBeside keeps the index with which a part was read back as active, as soon
// as it can be read. The watch over what is active does not wait for that.
func (r *releaseRun) keepActivatedBeside(ctx workflow.Context) {
	part := r.part()
	if row := r.record.SpineStage(records.Activate, part); row == nil || row.Status != records.StagePass || len(row.Outputs) > 0 {
		return
	}
	workflow.GoNamed(ctx, "activated", func(ctx workflow.Context) {
		for ctx.Err() == nil {
			channel, err := r.channel(ctx)
			if err == nil && channel.Index != nil && r.names(*channel.Index) {
				r.keepActivated(ctx, part, *channel.Index)
				return
			}
			_ = workflow.Sleep(ctx, stepPause) // its error is that of the context
		}
	})
}

// names reports whether an index has the release in every cohort of its part.
func (r *releaseRun) names(published index.Index) bool {
	for _, name := range r.record.Stages[r.record.Stage].Cohorts {
		if cohort, is := published.Cohort(name); !is || cohort.Release.ID != r.in.ReleaseID {
			return false
		}
	}
	return true
}

func (r *releaseRun) keepActivated(ctx workflow.Context, part string, published index.Index) {
	row := r.record.SpineStage(records.Activate, part)
	encoded, err := published.Canonical()
	if ctx.Err() != nil || row == nil || row.Status != records.StagePass || len(row.Outputs) > 0 || err != nil {
		return
	}
	finished := records.StageFinished{Key: row.Key, Inputs: row.Inputs, Outputs: []records.Artifact{{
		Name: records.OutChannelIndex, Ref: records.Ref{Digest: records.DigestOf(encoded), MediaType: records.MediaJSON, Size: int64(len(encoded))},
	}}, Metrics: map[string]int64{"index_sequence": published.Sequence}}
	row.Yield(finished)
	r.noteStage(ctx, row, records.Entry{Type: records.TypeStageFinished, Kind: records.KindOutput}, 1, "", finished)
}

// activateKey is the idempotency key of an activation: there is one of each generation.
func (r *releaseRun) activateKey(row *release.SpineStage) string {
	digest, err := records.CanonicalDigest(map[string]any{
		"release_id": r.in.ReleaseID, "stage": row.Stage, "part": row.Part, "generation": row.Generation, "pack": r.pack(), "pinned": row.Pin,
	})
	if err != nil {
		panic(err) // names, numbers and digests always have a canonical form
	}
	return digest.String()
}
