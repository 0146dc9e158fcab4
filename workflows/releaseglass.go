package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/person"
	"github.com/initkoa/orgo/records/release"
)

// reviewWithin is how long after a break-glass was opened it has to be reviewed.
const reviewWithin = 72 * time.Hour

// breakGlass opens a break-glass. It does nothing until another person confirms it.
func (r *releaseRun) breakGlass(ctx workflow.Context, m rollout.Message, command records.Command) ([]rollout.Step, *rollout.Refusal) {
	var asked release.Glass
	if refused := arguments(command, &asked); refused != nil {
		return nil, refused
	}
	if before := r.record.BreakGlass; r.record.IntentDigest == nil || before != nil && len(before.Reviewed) == 0 {
		return nil, &rollout.Refusal{Code: gates.InvalidTransition, Message: "the release has no intent yet, or a break-glass that is not reviewed"}
	}
	opened := m.At.UTC()
	glass := release.BreakGlass{
		CaseID: asked.CaseID, Gates: slices.Compact(slices.Sorted(slices.Values(asked.Gates))), Intent: *r.record.IntentDigest, Stage: asked.Stage,
		By: []string{m.Actor}, Reason: m.Reason, OpenedAt: opened, ExpiresAt: opened.Add(asked.For.Std()), ReviewBy: opened.Add(reviewWithin),
	}
	if refused := r.mayBreak(ctx, glass); refused != nil {
		return nil, refused
	}
	r.record.BreakGlass = &glass
	r.note(ctx, records.Entry{Type: release.TypeGlassOpened, Actor: m.Actor, Reason: m.Reason}, "", glass)
	return nil, nil
}

// confirmGlass makes a break-glass count, and has the release look again at what
// holds it back.
func (r *releaseRun) confirmGlass(ctx workflow.Context, m rollout.Message, _ records.Command) ([]rollout.Step, *rollout.Refusal) {
	before := r.record.BreakGlass
	if before == nil || len(before.By) != 1 || r.machine().Ended() {
		return nil, &rollout.Refusal{Code: gates.InvalidTransition, Message: "no break-glass of this release waits to be confirmed"}
	}
	glass := *before
	glass.By = append(slices.Clone(before.By), m.Actor)
	if refused := r.mayBreak(ctx, glass); refused != nil {
		return nil, refused
	}
	r.record.BreakGlass = &glass
	r.note(ctx, records.Entry{Type: release.TypeGlassConfirmed, Actor: m.Actor, Reason: m.Reason}, "", glass)
	r.note(ctx, records.Entry{Type: release.TypeCaseNeeded, Actor: m.Actor, Reason: m.Reason}, "", map[string]any{
		"case_id": glass.CaseID, "what": "break-glass", "review_by": glass.ReviewBy,
	})
	return rollout.Resume(rollout.Phase(r.record.Phase)), nil
}

// reviewGlass ends a break-glass: somebody who did not break it says what is found.
func (r *releaseRun) reviewGlass(ctx workflow.Context, m rollout.Message, _ records.Command) ([]rollout.Step, *rollout.Refusal) {
	before := r.record.BreakGlass
	switch {
	case before == nil || len(before.Reviewed) > 0:
		return nil, &rollout.Refusal{Code: gates.InvalidTransition, Message: "no break-glass of this release waits to be reviewed"}
	case person.AnyAlike(m.Actor, before.By...):
		return nil, &rollout.Refusal{Code: gates.ApproverNotSeparate, Message: m.Actor + " broke the glass: somebody else reviews it"}
	}
	reviewed, err := records.Canonical(map[string]any{"by": m.Actor, "at": m.At.UTC(), "found": m.Reason})
	if err != nil {
		panic(err) // text and a time have a canonical form
	}
	glass := *before
	glass.Reviewed = reviewed
	r.record.BreakGlass = &glass
	r.note(ctx, records.Entry{Type: release.TypeGlassReviewed, Actor: m.Actor, Reason: m.Reason}, "", glass)
	return nil, nil
}

// mayBreak returns why a break-glass is not admitted.
func (r *releaseRun) mayBreak(ctx workflow.Context, glass release.BreakGlass) *rollout.Refusal {
	if err := r.ready(ctx); err != nil {
		return &rollout.Refusal{Code: gates.StoreUnavailable, Message: "the policy could not be read: " + err.Error()}
	}
	var overdue releases.OverdueFound
	if err := workflow.ExecuteLocalActivity(bookkeeping(ctx, "look for an overdue review"), ActivityOverdue,
		releases.OverdueInput{Organization: r.organization}).Get(ctx, &overdue); err != nil {
		return &rollout.Refusal{Code: gates.StoreUnavailable, Message: "reviews could not be read: " + err.Error()}
	}
	// Two names of one person are one, and so is one of the requester's.
	glass.By = person.AsOne(glass.By, r.record.CreatedBy)
	faults := gates.GlassFaults(r.gate(ctx, glass.Stage, releases.Checked{}), gates.GlassInputs{
		Glass: glass, ReleaseID: r.in.ReleaseID, Requester: r.record.CreatedBy, OverdueReview: overdue.ReleaseID,
	})
	if len(faults) > 0 {
		return &rollout.Refusal{Code: faults[0].Code, Message: faults[0].Message}
	}
	return nil
}

// past notes the decisions on entering a stage that a break-glass makes beside those
// that refuse, and reports whether it lets the release past all of them.
func (r *releaseRun) past(ctx workflow.Context, stage int, decisions []gates.Decision) bool {
	if r.record.BreakGlass == nil {
		return false
	}
	var broken []gates.Decision
	for _, refused := range decisions {
		if refused.Permits() {
			continue
		}
		c := r.gate(ctx, stage, releases.Checked{})
		c.Subject = refused.Subject
		d := gates.BreakGlass(c, gates.GlassInputs{
			Glass: *r.record.BreakGlass, ReleaseID: r.in.ReleaseID, Requester: r.record.CreatedBy,
			Intent: *r.record.IntentDigest, Stage: stage, Refused: refused,
		})
		if !d.Permits() {
			return false
		}
		broken = append(broken, d)
	}
	r.decided(ctx, stage, broken...)
	return len(broken) > 0
}
