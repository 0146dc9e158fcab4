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
)

func (r *releaseRun) pack() records.Digest {
	if r.record.Intent == nil {
		return records.Digest{}
	}
	return r.record.Intent.Pack
}

// examine gathers what a release is eligible by on its channel, and makes its policy
// ready.
func (r *releaseRun) examine(ctx workflow.Context, channel rollout.Record) (releases.Checked, error) {
	var checked releases.Checked
	err := workflow.ExecuteActivity(checkOptions(ctx, "verify build, evidence and artifacts"), ActivityCheck,
		releases.CheckInput{Organization: r.organization, Request: r.record.Request, Channel: channel}).Get(ctx, &checked)
	if err != nil {
		return checked, err
	}
	r.rules = gates.Ruleset{} // those of an earlier check say nothing of this one
	if checked.Policy == nil || checked.PolicyRef == nil {
		if len(checked.Problems) == 0 {
			checked.Problems = []releases.Problem{{Code: gates.EvidenceMissing, Message: "nothing was found out of the release's policy"}}
		}
		return checked, nil
	}
	rules, err := checked.Policy.Compile()
	if err != nil {
		checked.Problems = append(checked.Problems, releases.Problem{Code: gates.PolicyInvalid, Message: err.Error()})
	}
	r.rules = rules
	return checked, nil
}

// readBackLooks is how often a release looks, in askPause each, for what its channel
// published to be read back.
const readBackLooks = 15

// readBack reads the channel once it is known what is active there, or after a while:
// somebody may have raised its minimum just before the release was asked for. What is not
// known then is refused by the gate.
func (r *releaseRun) readBack(ctx workflow.Context) (rollout.Record, error) {
	for looks := 1; ; looks++ {
		channel, err := r.channel(ctx)
		if pack, first := channel.Followed(); err != nil || pack != nil || first || looks == readBackLooks {
			return channel, err
		}
		wait := workflow.TimerOptions{Summary: "waits for what its channel published to be read back"}
		if err := workflow.NewTimerWithOptions(ctx, askPause, wait).Get(ctx, nil); err != nil {
			return channel, err
		}
	}
}

// checkOptions are those of what reads artifacts: it may take long, and is tried a
// few times.
func checkOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second, MaximumAttempts: 10},
		Summary:             summary,
	})
}

// check decides whether the release is eligible, and settles what is to be approved.
func (r *releaseRun) check(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	channel, err := r.readBack(ctx)
	if err != nil {
		return nil, err
	}
	checked, err := r.examine(ctx, channel)
	if err != nil {
		return nil, err
	}
	plan, refused := rollout.PlanOf(r.record.Request.Strategy, channel.Cohorts)
	if refused != nil {
		checked.Problems = append(checked.Problems, releases.Problem{Code: refused.Code, Message: refused.Message})
	}
	pinned, err := r.pinStages(ctx)
	if err != nil {
		return nil, err
	}
	checked.Problems = append(checked.Problems, unpinned(pinned)...)
	context := r.gate(ctx, 0, checked)
	if len(checked.Problems) == 0 {
		checked.Problems = r.unsaid(context)
	}
	if len(checked.Problems) > 0 {
		return r.ineligible(checked.Problems), nil
	}
	decisions := r.eligibility(context, checked)
	intent := release.Intent{
		ReleaseID: r.in.ReleaseID, Channel: r.record.Request.Channel, BuildID: r.record.Request.BuildID, Record: checked.Record,
		Pack: checked.Digest, Version: r.record.Request.Version, Plan: plan, Policy: checked.PolicyRef.Digest,
		Evidence: decisions[0].InputsDigest, Pins: release.PinsOf(pinned.Stages),
	}
	digest, err := intent.Digest()
	if err != nil {
		return nil, err
	}
	if r.unwelcome != nil && *r.unwelcome == digest {
		return r.ineligible([]releases.Problem{r.refused}), nil
	}
	r.record.Pack, r.record.Format, r.record.Initiator = checked.Pack, checked.Format, checked.Initiator
	r.record.PolicyRef, r.record.PolicyAuthor = checked.PolicyRef, checked.PolicyAuthor
	r.record.Intent, r.record.IntentDigest = &intent, &digest
	r.record.Solo = r.rules.Solo(context)
	r.record.Runners, r.record.Spine = pinned.Stages, release.NewSpine(plan.Parts, pinned.Stages)
	r.record.Stages = nil
	for _, part := range plan.Parts {
		r.record.Stages = append(r.record.Stages, release.StageState{Part: part})
	}
	if r.record.Solo {
		r.note(ctx, records.Entry{Type: release.TypeReleaseSolo}, "", map[string]any{"intent": digest})
	}
	if refusing := r.decided(ctx, 0, decisions...); refusing != nil {
		return &rollout.ReleaseEvent{Kind: rollout.NotEligible, Code: leading(*refusing).Code, Reason: leading(*refusing).Message}, nil
	}
	return &rollout.ReleaseEvent{Kind: rollout.Eligible}, nil
}

// unsaid are what a policy must say for anything to be released under it. One that
// does not may not have been meant for releases at all.
func (r *releaseRun) unsaid(c gates.Context) []releases.Problem {
	var problems []releases.Problem
	if !r.rules.Binding(gates.GateApprovals, c) {
		problems = append(problems, releases.Problem{Code: gates.ApprovalsMissing, Message: "the policy does not say who has to approve a release: add an approvals rule"})
	}
	if !r.rules.Binding(gates.GateHealth, c) {
		problems = append(problems, releases.Problem{Code: gates.PolicyInvalid, Message: "the policy does not say when a release is well: add a rollout_health rule"})
	}
	return problems
}

func (r *releaseRun) ineligible(problems []releases.Problem) *rollout.ReleaseEvent {
	r.record.Codes = nil
	for _, p := range problems {
		r.record.Codes = append(r.record.Codes, string(p.Code))
	}
	slices.Sort(r.record.Codes)
	r.record.Codes = slices.Compact(r.record.Codes)
	return &rollout.ReleaseEvent{Kind: rollout.NotEligible, Code: problems[0].Code, Reason: problems[0].Message}
}

// eligibility are the decisions on the pack itself: that it is what it says, and may
// follow what is active.
func (r *releaseRun) eligibility(c gates.Context, checked releases.Checked) []gates.Decision {
	of := c
	of.Subject.Stage = records.Compile
	return []gates.Decision{
		gates.Integrity(of, checked.Evidence), gates.Contract(of, checked.Evidence),
		gates.Compatible(c, checked.Compatibility),
	}
}

// ready makes the policy ready, in a run that did not check the release itself.
func (r *releaseRun) ready(ctx workflow.Context) error {
	if r.rules.Policy().Digest.Valid() {
		return nil
	}
	channel, err := r.channel(ctx)
	if err != nil {
		return err
	}
	checked, err := r.examine(ctx, channel)
	if err != nil {
		return err
	}
	if checked.PolicyRef == nil || checked.PolicyRef.Digest != r.record.Intent.Policy || !r.rules.Policy().Digest.Valid() {
		r.rules = gates.Ruleset{}
		return fmt.Errorf("the policy of release %s is not the one that was approved, or cannot be read", r.in.ReleaseID)
	}
	return nil
}

// verify looks at everything again, just before it matters: the pack as the store has
// it and as it lies at the target, and that it may follow what is active.
func (r *releaseRun) verify(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	channel, err := r.readBack(ctx)
	if err != nil {
		return nil, err
	}
	checked, err := r.examine(ctx, channel)
	if err != nil {
		return nil, err
	}
	bad := func(code gates.Code, message string) (*rollout.ReleaseEvent, error) {
		return &rollout.ReleaseEvent{Kind: rollout.NotVerified, Code: code, Reason: message}, nil
	}
	if len(checked.Problems) > 0 {
		return bad(checked.Problems[0].Code, checked.Problems[0].Message)
	}
	if checked.Digest != r.pack() || checked.Record != r.record.Intent.Record || checked.PolicyRef.Digest != r.record.Intent.Policy {
		return bad(gates.IntentChanged, "the build, its pack or its policy is not the one that was approved")
	}
	// What renders is nothing that a release is taken back for.
	pinned, err := r.pinStages(ctx)
	switch {
	case err != nil:
		return nil, err
	case !r.sameTarget(pinned):
		return bad(gates.IntentChanged, "the target of the channel is not the one that was approved")
	}
	var found releases.Verified
	if err := workflow.ExecuteActivity(checkOptions(ctx, "verify the pack at the target"), ActivityVerify,
		releases.PackInput{Organization: r.organization, Channel: r.record.Request.Channel, Pack: *r.record.Pack}).Get(ctx, &found); err != nil {
		return nil, err
	}
	switch {
	case len(found.Problems) > 0:
		return bad(found.Problems[0].Code, found.Problems[0].Message)
	case len(found.Drift) > 0:
		return bad(found.Drift[0].Code, "at the target: "+found.Drift[0].Path)
	}
	stage := r.record.Stage
	if refusing := r.decided(ctx, stage, r.eligibility(r.gate(ctx, stage, checked), checked)...); refusing != nil {
		return bad(leading(*refusing).Code, leading(*refusing).Message)
	}
	return &rollout.ReleaseEvent{Kind: rollout.Verified}, nil
}
