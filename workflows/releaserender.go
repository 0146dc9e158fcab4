package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// Limits of a rendering. How long an attempt may take, and how many there are, the
// pipeline says within these.
const (
	renderPatience  = 2 * time.Hour
	renderHeartbeat = 30 * time.Second
	renderAttempts  = 5
)

// renderBeside renders the pack of a release that soaks, while it is watched, once: a
// step that begins again goes on with what is recorded. What comes of it never moves
// the release.
func (r *releaseRun) renderBeside(ctx workflow.Context) {
	if r.record.Render != nil {
		return
	}
	workflow.GoNamed(ctx, "renders", func(ctx workflow.Context) {
		began := workflow.Now(ctx).UTC()
		options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: renderPatience, ScheduleToCloseTimeout: renderPatience, HeartbeatTimeout: renderHeartbeat,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumAttempts: renderAttempts},
			Summary:     "render pack " + r.pack().String(),
		})
		var rendered releases.Rendered
		err := workflow.ExecuteActivity(options, ActivityRender, releases.RenderInput{
			Organization: r.organization, ReleaseID: r.in.ReleaseID, Pack: *r.record.Pack,
		}).Get(ctx, &rendered)
		if ctx.Err() != nil {
			return // the release went elsewhere
		}
		r.noteRendering(ctx, began, rendered, err)
	})
}

func (r *releaseRun) noteRendering(ctx workflow.Context, began time.Time, rendered releases.Rendered, err error) {
	is := release.Rendering{Status: records.StagePass, StartedAt: began, EndedAt: workflow.Now(ctx).UTC()}
	entry := records.Entry{Type: release.TypeRendered}
	if err != nil {
		detail, _ := failureOf(err)
		is.Status, is.Code, is.Message = records.StageError, string(detail.Code), detail.Message
		entry.Type, entry.Codes = release.TypeRenderFailed, []string{is.Code}
	} else {
		is.Runner, is.Key, is.Outputs = &rendered.Runner, rendered.Key, rendered.Outputs
	}
	r.record.Render = &is
	entry.Correlation.Stage = records.Render
	r.note(ctx, entry, "", is)
	r.unsaved = true
}

// rendered waits, after a release has soaked, until its pack is rendered: it is watched
// meanwhile.
func (r *releaseRun) rendered(ctx workflow.Context, event *rollout.ReleaseEvent) (bool, error) {
	if event == nil || event.Kind != rollout.JudgedGood || r.record.Render != nil {
		return true, nil
	}
	r.record.Waits = &release.Wait{For: "its pack to be rendered"}
	if _, err := r.save(ctx); err != nil {
		return false, err
	}
	_, err := workflow.AwaitWithTimeout(ctx, lookEvery, func() bool { return r.record.Render != nil })
	return false, err
}
