package release

import (
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// SpineStage is what became of a stage of the spine in a release: what a build's
// record has of each of its stages, and by what it was done. Distribute and activate
// are done once for each part of the plan, render once for the whole.
type SpineStage struct {
	records.StageRecord
	Part   string                  `json:"part,omitempty"`            // its name in the plan
	Runner *records.RunnerSettings `json:"runner,omitempty"`          // as it is pinned; absent: none is
	Pin    *records.Digest         `json:"pin,omitempty"`             // of runner and config
	Key    string                  `json:"idempotency_key,omitempty"` // of its output
}

// NewSpine returns the stages of a plan, by what is pinned for each. A stage for which
// nothing is pinned never runs.
func NewSpine(parts []Part, pinned []records.PinnedStage) []SpineStage {
	var spine []SpineStage
	add := func(stage records.Stage, part string) {
		row := SpineStage{StageRecord: records.StageRecord{Stage: stage, Status: records.StageSkip}, Part: part}
		if at := slices.IndexFunc(pinned, func(p records.PinnedStage) bool { return p.Stage == stage }); at >= 0 {
			runner, pin := pinned[at].Runner, pinned[at].Digest
			row.Status, row.Runner, row.Pin = records.StagePending, &runner, &pin
		}
		spine = append(spine, row)
	}
	for _, part := range parts {
		add(records.Distribute, part.Name)
		add(records.Activate, part.Name)
	}
	add(records.Render, "")
	return spine
}

// SpineStage returns a stage of the spine, of a part of the plan or of the whole, or
// nil.
func (r *Record) SpineStage(stage records.Stage, part string) *SpineStage {
	for i := range r.Spine {
		if r.Spine[i].Stage == stage && r.Spine[i].Part == part {
			return &r.Spine[i]
		}
	}
	return nil
}

// Pinned returns what is pinned for a stage, and whether anything is.
func (r *Record) Pinned(stage records.Stage) (records.PinnedStage, bool) {
	return records.Pins{Stages: r.Runners}.Stage(stage)
}

// BeginStage has a stage run. It is a new generation of it: whatever ran before under
// its name is told apart, also that of another part.
func (r *Record) BeginStage(row *SpineStage, at time.Time, inputs []records.Artifact) {
	generation := 1
	for _, other := range r.Spine {
		if other.Stage == row.Stage {
			generation = max(generation, other.Generation+1)
		}
	}
	row.StageRecord = records.StageRecord{
		Stage: row.Stage, Status: records.StageRunning, Generation: generation, StartedAt: &at, Inputs: inputs, Attempts: row.Attempts,
	}
}

// End has a stage that runs end without a word of what came out of it.
func (s *SpineStage) End(status records.StageStatus, at time.Time, codes []string, message string) {
	s.Status, s.EndedAt, s.Codes, s.Message = status, &at, codes, message
}

// Yield keeps what came out of a stage.
func (s *SpineStage) Yield(finished records.StageFinished) {
	s.Key, s.Outputs, s.Attachments, s.Metrics, s.Notes = finished.Key, finished.Outputs, finished.Attachments, finished.Metrics, finished.Notes
}

// SettleSpine ends what the release leaves behind: what runs did not get done, and
// what has not begun never will.
func (r *Record) SettleSpine(at time.Time, code string) {
	for i := range r.Spine {
		switch row := &r.Spine[i]; row.Status {
		case records.StageRunning:
			row.End(records.StageError, at, codesOf(code), "the release went on without it")
		case records.StagePending:
			row.Status = records.StageSkip
		}
	}
}

func codesOf(code string) []string {
	if code == "" {
		return nil
	}
	return []string{code}
}

// SpineInputs returns what the stages of a release get: the manifests of its pack. The
// files of it are listed in one of them, by digest.
func SpineInputs(pack index.Pack) []records.Artifact {
	return []records.Artifact{
		{Name: records.OutExchangeManifest, Ref: pack.Exchange},
		{Name: records.OutRuntimePackManifest, Ref: pack.Manifest},
	}
}
