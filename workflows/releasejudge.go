package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/telemetry"
)

// handleWindows registers what a release is sent besides.
func (r *releaseRun) handleWindows(ctx workflow.Context) {
	r.sent = workflow.GetSignalChannelWithOptions(ctx, SignalWindows, workflow.SignalChannelOptions{
		Description: "Cumulative windows of telemetry, as the relay reduces them from the stored samples.",
	})
}

// takeWindows takes the windows that were sent and not yet taken.
func (r *releaseRun) takeWindows(ctx workflow.Context) {
	for {
		var came []telemetry.Window
		if !r.sent.ReceiveAsync(&came) {
			return
		}
		r.merge(ctx, came)
	}
}

// merge keeps of each cohort the window that contains the others. One that is none,
// or contradicts what there is, is noted and counts nothing.
func (r *releaseRun) merge(ctx workflow.Context, came []telemetry.Window) {
	for _, w := range came {
		before, had := r.windows[w.Cohort]
		if !had || !before.ActivatedAt.Equal(w.ActivatedAt) {
			before = w
		}
		merged, err := telemetry.Merge(before, w)
		switch {
		case w.ReleaseID != r.in.ReleaseID || w.Organization != r.organization:
			r.refuseWindow(ctx, w, "it is of another release")
		case !r.activated(w):
			r.refuseWindow(ctx, w, "it is of another activation of the cohort, or of none")
		case err != nil:
			r.refuseWindow(ctx, w, err.Error())
		default:
			r.windows[w.Cohort] = merged
			r.news++
		}
	}
}

// activated reports whether a window is of the activation that was recorded: one that
// the channel held back is none, and what was reported then is no evidence.
func (r *releaseRun) activated(w telemetry.Window) bool {
	for _, stage := range r.record.Stages {
		if slices.Contains(stage.Cohorts, w.Cohort) {
			return stage.ActivatedAt != nil && stage.ActivatedAt.Equal(w.ActivatedAt)
		}
	}
	return false
}

func (r *releaseRun) refuseWindow(ctx workflow.Context, w telemetry.Window, why string) {
	r.note(ctx, records.Entry{
		Type: release.TypeWindowRefused, Codes: []string{string(gates.WindowConflict)}, Correlation: records.Correlation{Cohort: w.Cohort},
	}, "", map[string]any{"cohort": w.Cohort, "sequence": w.Sequence, "digest": w.Digest, "message": why})
	r.unsaved = true
}

// observe watches a stage until it is judged.
func (r *releaseRun) observe(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	r.keepActivatedBeside(ctx)
	return r.judge(ctx, &r.record.Stages[r.record.Stage], r.record.Stage+1)
}

// soak watches the whole once every stage has passed, and has the pack rendered
// meanwhile. The release does not close before that is over, one way or the other, and
// is watched until then.
func (r *releaseRun) soak(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	if r.record.Soak == nil {
		last := r.record.Stages[len(r.record.Stages)-1]
		r.record.Soak = &release.StageState{Part: release.Part{Name: "soak", Observe: r.record.Intent.Plan.Soak, Deadline: r.record.Intent.Plan.Soak + last.Deadline}}
		r.watch(ctx, r.record.Soak)
		if _, err := r.save(ctx); err != nil {
			return nil, err
		}
	}
	r.rendered = r.renderBeside(ctx, *r.record.Soak.EndsAt)
	return r.judge(ctx, r.record.Soak, len(r.record.Stages))
}

// judge looks at the telemetry of everything that is active with every window that
// comes, when the analysis ends, and at its deadline. entering is the stage that a
// pass lets the release enter.
func (r *releaseRun) judge(ctx workflow.Context, watched *release.StageState, entering int) (*rollout.ReleaseEvent, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	looked, paged := r.news, false
	if len(r.windows) > 0 {
		looked-- // there is something to look at already
	}
	for {
		r.sample(ctx)
		now := workflow.Now(ctx)
		if r.news != looked || !now.Before(*watched.EndsAt) {
			looked = r.news
			if err := r.countControl(ctx); err != nil {
				return nil, err
			}
			step, worst, decisions := r.look(ctx, watched, entering)
			if step != gates.Advance && r.past(ctx, entering, decisions) {
				step = gates.Advance
			}
			watched.Judge(string(worst.Verdict), codesOf(worst))
			event, err := r.conclude(ctx, step, worst, watched)
			if err != nil || event != nil {
				return event, err
			}
			if step == gates.Page && !paged {
				paged = true
				r.note(ctx, records.Entry{Type: release.TypeOperatorPaged, Codes: codesOf(worst)}, "", map[string]any{"stage": watched.Name})
			}
			if _, err := r.save(ctx); err != nil {
				return nil, err
			}
		}
		if err := r.awaitNews(ctx, looked, nextLook(now, watched), watched); err != nil {
			return nil, err
		}
	}
}

// sample has what stands for a cohort without nodes say how it is: nobody else could.
// What is not said counts as silence.
func (r *releaseRun) sample(ctx workflow.Context) {
	now := workflow.Now(ctx)
	if r.record.Nodes != nil || now.Before(r.sampled.Add(lookEvery)) {
		return
	}
	r.sampled = now
	in := releases.SampleInput{Organization: r.organization, ReleaseID: r.in.ReleaseID, Channel: r.record.Request.Channel}
	once := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: lookEvery, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 1}, Summary: "read the target back as its nodes",
	})
	if err := workflow.ExecuteActivity(once, ActivitySample, in).Get(ctx, nil); err != nil {
		workflow.GetLogger(ctx).Warn("a target could not be read back as its nodes", "release_id", r.in.ReleaseID, "error", err)
	}
}

// nextLook is when a look is due that nothing new calls for: what stands for a cohort
// without nodes is heard of by then, too.
func nextLook(now time.Time, watched *release.StageState) time.Duration {
	for _, due := range []*time.Time{watched.EndsAt, watched.DecideBy} {
		if now.Before(*due) {
			return min(due.Sub(now), lookEvery)
		}
	}
	return lookEvery
}

func (r *releaseRun) awaitNews(ctx workflow.Context, looked int, pause time.Duration, watched *release.StageState) error {
	_, err := await(ctx, pause, fmt.Sprintf("watches %s until %s", watched.Name, watched.DecideBy.Format(time.RFC3339)), func() bool { return r.news != looked })
	return err
}

// conclude turns a judgement into what happens to the release.
func (r *releaseRun) conclude(ctx workflow.Context, step gates.Step, worst gates.Decision, watched *release.StageState) (*rollout.ReleaseEvent, error) {
	switch step {
	case gates.RollBack:
		return &rollout.ReleaseEvent{Kind: rollout.JudgedBad, Code: leading(worst).Code, Reason: leading(worst).Message}, nil
	case gates.Advance:
		if watched.Manual && watched.Promoted == "" {
			r.record.Codes = []string{string(gates.PromotionMissing)}
			r.record.Waits = &release.Wait{For: "an operator to promote " + watched.Name}
			return nil, nil
		}
		if watched == r.record.Soak && !r.rendered() {
			r.record.Codes, r.record.Waits = nil, &release.Wait{For: "its pack to be rendered"}
			return nil, nil // and it is watched meanwhile
		}
		confirmed, err := r.confirm(ctx)
		switch {
		case err != nil:
			return nil, err
		case !confirmed && !workflow.Now(ctx).Before(*watched.DecideBy):
			// Whoever sends what nobody reported does not get more time by it.
			return &rollout.ReleaseEvent{Kind: rollout.JudgedBad, Code: gates.WindowConflict, Reason: "what was sent of the stage was not reported by anybody"}, nil
		case !confirmed:
			return nil, nil
		}
		r.record.Codes = nil
		return &rollout.ReleaseEvent{Kind: rollout.JudgedGood, Actor: watched.Promoted}, nil
	default:
		r.record.Codes = codesOf(worst)
		return nil, nil
	}
}

// severities orders the steps of judgements: of several cohorts the worst counts.
var severities = map[gates.Step]int{gates.Advance: 0, gates.Hold: 1, gates.Page: 2, gates.RollBack: 3}

// look judges every cohort that was activated, and returns the worst judgement.
func (r *releaseRun) look(ctx workflow.Context, watched *release.StageState, entering int) (step gates.Step, worst gates.Decision, all []gates.Decision) {
	r.looked = map[string]telemetry.Window{}
	for _, cohort := range r.active() {
		r.looked[cohort] = r.windows[cohort]
		c := r.gate(ctx, entering, releases.Checked{})
		c.Subject.Generation, c.Subject.Cohort = entering, cohort
		evidence := r.evidence(ctx, cohort, *watched.EndsAt)
		d := gates.Health(c, evidence)
		if evidence.Digest.Valid() {
			r.judged[cohort] = d
		}
		judgement := r.ends[cohort]
		if judgement.Subject != c.Subject {
			judgement = gates.Judgement{Subject: c.Subject, Deadline: *watched.DecideBy, OnDeadline: r.rules.OnDeadline(c)}
		}
		next, then := judgement.Next(d)
		r.ends[cohort], all = next, append(all, d)
		r.decided(ctx, entering, d)
		if step == "" || severities[then] > severities[step] {
			step, worst = then, d
		}
	}
	return step, worst, all
}

// evidence is the newest window of a cohort, with what it carries of those that were
// judged before. One that did not grow from them is no evidence.
func (r *releaseRun) evidence(ctx workflow.Context, cohort string, ends time.Time) gates.Window {
	heard := r.windows[cohort]
	if !r.activated(heard) {
		heard = telemetry.Window{}
	}
	window := gates.WindowOf(heard, ends, workflow.Now(ctx))
	if !window.Digest.Valid() {
		return gates.Window{Ended: !workflow.Now(ctx).Before(ends)} // nothing was heard
	}
	window = r.against(cohort, window)
	var before *gates.Decision
	if judged, is := r.judged[cohort]; is {
		before = &judged
	}
	grown, err := window.After(before)
	if err != nil {
		r.refuseWindow(ctx, r.windows[cohort], err.Error())
		return gates.Window{}
	}
	return grown
}

// active are the cohorts that the release was activated in, in order.
func (r *releaseRun) active() []string {
	var cohorts []string
	for _, stage := range r.record.Stages {
		if stage.ActiveAt != nil {
			cohorts = append(cohorts, stage.Cohorts...)
		}
	}
	slices.Sort(cohorts)
	return cohorts
}

// unmade reports whether a window could not be made because no samples make it.
func unmade(err error) bool {
	detail, final := failureOf(err)
	return final && slices.Contains([]gates.Code{gates.WindowInvalid, gates.CohortUnknown, gates.ReleaseUnknown}, detail.Code)
}

// confirm makes every window that was decided on again from the stored samples, before
// anything goes forward on it: whoever may signal this workflow could have made one up.
// Newer ones may come meanwhile, which nobody has looked at.
func (r *releaseRun) confirm(ctx workflow.Context) (bool, error) {
	looked := r.looked
	for _, cohort := range r.active() {
		w := looked[cohort]
		var again telemetry.Window
		err := workflow.ExecuteActivity(checkOptions(ctx, "make the window of "+cohort+" again"), ActivityAgain, releases.AgainInput{
			Organization: r.organization, ReleaseID: r.in.ReleaseID, Cohort: cohort, Sequence: w.Sequence,
		}).Get(ctx, &again)
		if err != nil && !unmade(err) {
			return false, err
		}
		if err != nil || again.Digest != w.Digest {
			r.refuseWindow(ctx, w, "the stored samples make another")
			delete(r.windows, cohort)
			delete(r.judged, cohort)
			return false, nil
		}
	}
	return true, nil
}
