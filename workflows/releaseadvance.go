package workflows

import (
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// heldBack has the codes with which a channel holds a release back for now.
var heldBack = []gates.Code{
	gates.PublishPending, gates.ContainmentUnderWay, gates.ChannelFrozen, gates.ChannelHeld, gates.ChannelPinned, gates.ReleaseQueued, gates.DriftDetected,
}

// advance asks the channel to make the pack active in the cohorts of the stage, as
// soon as nothing keeps it from doing so.
func (r *releaseRun) advance(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	stage := r.record.Stage
	if event, err := r.barrier(ctx, stage); event != nil || err != nil {
		return event, err
	}
	for {
		channel, err := r.channel(ctx)
		if err != nil {
			return nil, err
		}
		if channel.Turn != nil && channel.Turn.ReleaseID == r.in.ReleaseID && channel.Turn.Stage >= stage {
			return nil, nil // the channel has it already, and tells how it went
		}
		if kept := r.keptBack(channel, workflow.Now(ctx)); kept != nil {
			if err := r.showKept(ctx, *kept); err != nil {
				return nil, err
			}
			continue
		}
		until, refusing := r.permitted(ctx, stage)
		if refusing == nil {
			outcome, err := r.enter(ctx, stage)
			switch {
			case err != nil || outcome.Accepted():
				r.spend(stage)
				return nil, err
			case !slices.Contains(heldBack, gates.Code(outcome.Code)):
				return &rollout.ReleaseEvent{Kind: rollout.StageInactive, Code: gates.Code(outcome.Code), Reason: outcome.Message}, nil
			}
			r.endActivate(ctx, records.StagePending, gates.Code(outcome.Code), outcome.Message) // it is asked again
			r.record.Stages[stage].ActivatedAt, r.record.Codes = nil, []string{outcome.Code}
			r.record.Waits = &release.Wait{For: outcome.Message}
		}
		if err := r.waitFor(ctx, until); err != nil {
			return nil, err
		}
	}
}

// keptBack returns what the channel holds every release back for now. It is asked
// nothing as long as that is so: each ask is decided on, and recorded.
func (r *releaseRun) keptBack(channel rollout.Record, at time.Time) *rollout.Refusal {
	event := rollout.ChannelEvent{At: at, Actor: records.SystemActor}
	for _, refused := range channel.WhyNot(r.warrant(r.record.Stage), event) {
		if slices.Contains(heldBack, refused.Code) {
			return &refused
		}
	}
	return nil
}

// showKept records once what the release waits for, and waits.
func (r *releaseRun) showKept(ctx workflow.Context, kept rollout.Refusal) error {
	if codes := []string{string(kept.Code)}; !slices.Equal(r.record.Codes, codes) {
		r.record.Codes, r.record.Waits = codes, &release.Wait{For: kept.Message}
		if _, err := r.save(ctx); err != nil {
			return err
		}
	}
	return workflow.NewTimerWithOptions(ctx, askPause, workflow.TimerOptions{Summary: waitText(r.record.Waits)}).Get(ctx, nil)
}

// permitted decides what is decided at the last moment: that approvals still hold,
// and that nothing is frozen. It returns until when to wait if it is not.
func (r *releaseRun) permitted(ctx workflow.Context, stage int) (time.Duration, *gates.Decision) {
	c := r.gate(ctx, stage, releases.Checked{})
	decisions := []gates.Decision{gates.Freeze(c, gates.Action{Kind: gates.ActionPromote})}
	if stage == 0 {
		decisions = append(decisions, gates.Approvals(c, r.votes()))
	}
	refusing := slices.IndexFunc(decisions, func(d gates.Decision) bool { return !d.Permits() })
	if refusing < 0 {
		r.decided(ctx, stage, decisions...)
		r.record.Codes = nil
		return askPause, nil
	}
	if r.record.BreakGlass != nil {
		r.decided(ctx, stage, decisions...) // what it is broken past stays beside it
		if r.past(ctx, stage, decisions) {
			r.record.Codes = nil
			return askPause, nil
		}
	}
	d := decisions[refusing]
	pause := askPause
	wait := &release.Wait{For: string(d.Gate) + ": " + leading(d).Message}
	for _, f := range d.Findings {
		if f.Earliest != nil {
			wait.Until = f.Earliest
			pause = max(askPause, min(f.Earliest.Sub(c.At), lookEvery))
		}
	}
	if !slices.Equal(r.record.Codes, codesOf(d)) {
		r.decided(ctx, stage, d) // what holds it back is recorded once, not with every look
	}
	r.record.Waits = wait
	return pause, &d
}

// waitFor shows what is waited for, and waits.
func (r *releaseRun) waitFor(ctx workflow.Context, pause time.Duration) error {
	if len(r.pending) > 0 {
		if _, err := r.save(ctx); err != nil {
			return err
		}
	}
	return workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: waitText(r.record.Waits)}).Get(ctx, nil)
}

func waitText(w *release.Wait) string {
	if w == nil {
		return "waits"
	}
	return "waits for " + w.For
}

// enter freezes the nodes of the stage's cohorts, records when, and asks the channel.
func (r *releaseRun) enter(ctx workflow.Context, stage int) (records.CommandOutcome, error) {
	part := &r.record.Stages[stage]
	if stage == 0 && len(part.Frozen) == 0 {
		channel, err := r.channel(ctx)
		if err != nil {
			return records.CommandOutcome{}, err
		}
		r.record.Nodes = channel.Nodes // every stage divides the same nodes
	}
	if len(part.Frozen) == 0 {
		var frozen []release.Frozen
		if err := workflow.ExecuteActivity(checkOptions(ctx, "freeze the cohorts of "+part.Name), ActivityFreeze, releases.FreezeInput{
			Organization: r.organization, ReleaseID: r.in.ReleaseID, Channel: r.record.Request.Channel, Nodes: r.record.Nodes, Cohorts: r.record.Intent.Plan.Cohorts, Stage: part.Cohorts,
		}).Get(ctx, &frozen); err != nil {
			return records.CommandOutcome{}, err
		}
		part.Frozen = frozen
	}
	if err := r.beginControl(ctx, stage); err != nil {
		return records.CommandOutcome{}, err
	}
	now := workflow.Now(ctx).UTC()
	part.ActivatedAt = &now
	warrant := r.warrant(stage)
	r.beginActivate(ctx)
	// What permits it, and whose telemetry counts, is durable before it is asked for.
	if done, err := r.save(ctx); err != nil || !done {
		return records.CommandOutcome{}, errors.Join(err, errLost(done))
	}
	return r.ask(ctx, rollout.AskAdvance, rollout.Advance{Warrant: warrant})
}

// spend uses up a break-glass: it was for entering one stage.
func (r *releaseRun) spend(stage int) {
	if g := r.record.BreakGlass; g != nil && len(g.By) == 2 && g.Stage == stage {
		used := *g
		used.Used = true
		r.record.BreakGlass = &used
	}
}

func errLost(done bool) error {
	if done {
		return nil
	}
	return errors.New("another workflow carries on this release")
}
