package workflows

import (
	"encoding/json"
	"errors"
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

// doers does each step. What it returns happens to the release; nothing means that
// somebody else says how it goes on.
var doers = map[rollout.Step]func(*releaseRun, workflow.Context) (*rollout.ReleaseEvent, error){
	rollout.DoCheck:      (*releaseRun).check,
	rollout.DoSeek:       (*releaseRun).seek,
	rollout.DoVoid:       (*releaseRun).void,
	rollout.DoJoin:       (*releaseRun).join,
	rollout.DoDistribute: (*releaseRun).distribute,
	rollout.DoVerify:     (*releaseRun).verify,
	rollout.DoAdvance:    (*releaseRun).advance,
	rollout.DoObserve:    (*releaseRun).observe,
	rollout.DoSoak:       (*releaseRun).soak,
	rollout.DoClose:      (*releaseRun).close,
	rollout.DoLeave:      (*releaseRun).leave,
	rollout.DoContain:    (*releaseRun).contain,
}

// failures say what a step's failure is to the release. Steps that are not here are
// tried again.
var failures = map[rollout.Step]rollout.ReleaseEventKind{
	rollout.DoCheck:      rollout.NotEligible,
	rollout.DoDistribute: rollout.NotDistributed,
	rollout.DoVerify:     rollout.NotVerified,
}

const (
	// askPause is how long a release waits that its channel held back, before it asks
	// again. What happens on the channel in between wakes nobody up.
	askPause = 2 * time.Second
	// stepPause is how long a step waits that failed and is tried again.
	stepPause = 5 * time.Second
)

// start begins steps, and gives up those that run: what they find out is stale. Nil
// leaves everything as it is.
func (r *releaseRun) start(ctx workflow.Context, steps []rollout.Step) {
	if steps == nil {
		return
	}
	r.stopSteps()
	if len(steps) == 0 {
		return
	}
	r.step++
	token := r.step
	stepping, cancel := workflow.WithCancel(ctx)
	r.stopStep = cancel
	r.steps++
	workflow.GoNamed(stepping, string(steps[len(steps)-1]), func(ctx workflow.Context) {
		defer func() { r.steps-- }()
		for _, step := range steps {
			event := r.do(ctx, step)
			if ctx.Err() != nil || token != r.step {
				return
			}
			if event != nil {
				event.Stage = r.record.Stage
				r.happened = append(r.happened, *event)
			}
		}
	})
}

func (r *releaseRun) stopSteps() {
	r.step++
	if r.stopStep != nil {
		r.stopStep()
		r.stopStep = nil
	}
}

// do does a step, and again if it fails without meaning anything.
func (r *releaseRun) do(ctx workflow.Context, step rollout.Step) *rollout.ReleaseEvent {
	for {
		event, err := doers[step](r, ctx)
		switch kind, fatal := failures[step]; {
		case err == nil || ctx.Err() != nil:
			return event
		case fatal:
			detail, _ := failureOf(err)
			return &rollout.ReleaseEvent{Kind: kind, Code: detail.Code, Reason: detail.Message}
		}
		workflow.GetLogger(ctx).Warn("a step of a release failed and is tried again", "release_id", r.in.ReleaseID, "step", step, "error", err)
		if workflow.Sleep(ctx, stepPause) != nil {
			return nil
		}
	}
}

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

func (r *releaseRun) pack() records.Digest {
	if r.record.Intent == nil {
		return records.Digest{}
	}
	return r.record.Intent.Pack
}

// examine gathers what a release is eligible by, and makes its policy ready.
func (r *releaseRun) examine(ctx workflow.Context) (releases.Checked, rollout.Record, error) {
	channel, err := r.channel(ctx)
	if err != nil {
		return releases.Checked{}, channel, err
	}
	var checked releases.Checked
	err = workflow.ExecuteActivity(checkOptions(ctx, "verify build, evidence and artifacts"), ActivityCheck,
		releases.CheckInput{Organization: r.organization, Request: r.record.Request, Channel: channel}).Get(ctx, &checked)
	if err != nil {
		return checked, channel, err
	}
	r.rules = gates.Ruleset{} // those of an earlier check say nothing of this one
	if checked.Policy == nil || checked.PolicyRef == nil {
		if len(checked.Problems) == 0 {
			checked.Problems = []releases.Problem{{Code: gates.EvidenceMissing, Message: "nothing was found out of the release's policy"}}
		}
		return checked, channel, nil
	}
	rules, err := checked.Policy.Compile()
	if err != nil {
		checked.Problems = append(checked.Problems, releases.Problem{Code: gates.PolicyInvalid, Message: err.Error()})
	}
	r.rules = rules
	return checked, channel, nil
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
	checked, channel, err := r.examine(ctx)
	if err != nil {
		return nil, err
	}
	plan, refused := rollout.PlanOf(r.record.Request.Strategy, channel.Cohorts)
	if refused != nil {
		checked.Problems = append(checked.Problems, releases.Problem{Code: refused.Code, Message: refused.Message})
	}
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
		Evidence: decisions[0].InputsDigest,
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

// gate returns the context in which gates decide over entering a stage.
func (r *releaseRun) gate(ctx workflow.Context, stage int, checked releases.Checked) gates.Context {
	pack := r.pack()
	if checked.Digest.Valid() {
		pack = checked.Digest
	}
	return gates.Context{
		Subject: gates.Subject{
			BuildID: r.record.Request.BuildID, Stage: records.Activate, Generation: stage + 1, ReleaseID: r.in.ReleaseID,
			Channel: r.record.Request.Channel.String(), Pack: pack.String(),
		},
		Rules: r.rules, At: workflow.Now(ctx), Actor: records.SystemActor, Evaluator: evaluatorOf(ctx),
	}
}

// decided notes decisions on entering a stage, and returns the first that refuses.
func (r *releaseRun) decided(ctx workflow.Context, stage int, decisions ...gates.Decision) *gates.Decision {
	var refusing *gates.Decision
	for _, d := range decisions {
		entry := r.entry(ctx, records.Entry{Kind: records.KindDecision, Type: records.TypeGatePassed, Codes: codesOf(d),
			Correlation: records.Correlation{Cohort: d.Subject.Cohort}})
		switch {
		case !d.Permits():
			entry.Type = records.TypeGateFailed
			if refusing == nil {
				refusing = &d
			}
		case d.Override != nil:
			entry.Type, entry.Actor, entry.Reason = records.TypeGateOverridden, d.Override.Actor, d.Override.Reason
		}
		r.attempted++
		key := fmt.Sprintf("%s/%d/%d", r.correlation.RunID, r.version, r.attempted)
		made, err := records.NewEntry(entry, key, d)
		if err != nil {
			panic(err) // a decision has a canonical form, or is a defect
		}
		r.pending = append(r.pending, note{entry, key, d})
		r.record.Decisions = append(r.record.Decisions, release.DecisionSummary{
			EntryID: made.ID, At: d.EvaluatedAt, Gate: string(d.Gate), Stage: stage, Cohort: d.Subject.Cohort,
			Verdict: string(d.Verdict), Codes: codesOf(d), Inputs: d.InputsDigest,
		})
	}
	r.record.Decisions = trimmed(r.record.Decisions)
	if refusing != nil {
		r.record.Codes = codesOf(*refusing)
	}
	return refusing
}

// maxDecisions bounds the decisions that a record names; all are in the store.
const maxDecisions = 200

// trimmed drops the oldest of too many decisions, but for the newest of each gate on
// each stage and cohort: that is what permits, however long ago it was made.
func trimmed(decisions []release.DecisionSummary) []release.DecisionSummary {
	over := len(decisions) - maxDecisions
	if over <= 0 {
		return decisions
	}
	type about struct {
		gate, cohort string
		stage        int
	}
	newer := map[about]int{}
	for _, d := range decisions {
		newer[about{d.Gate, d.Cohort, d.Stage}]++
	}
	return slices.DeleteFunc(slices.Clone(decisions), func(d release.DecisionSummary) bool {
		key := about{d.Gate, d.Cohort, d.Stage}
		newer[key]--
		if over > 0 && newer[key] > 0 {
			over--
			return true
		}
		return false
	})
}

// leading is the finding that says most of why a decision refuses: the first of those
// as bad as the decision.
func leading(d gates.Decision) gates.Finding {
	for _, f := range d.Findings {
		if f.Verdict == d.Verdict && !f.Advisory {
			return f
		}
	}
	return gates.Finding{Code: gates.GateError, Message: string(d.Verdict)}
}

// seek decides whether everybody has agreed who must. It is done again with each vote.
func (r *releaseRun) seek(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	d := gates.Approvals(r.gate(ctx, 0, releases.Checked{}), r.votes())
	refusing := r.decided(ctx, 0, d)
	switch {
	case refusing == nil || d.Verdict != gates.Fail && r.past(ctx, 0, []gates.Decision{d}):
		r.record.Codes = nil
		return &rollout.ReleaseEvent{Kind: rollout.Agreed}, nil
	case d.Verdict == gates.Fail:
		return &rollout.ReleaseEvent{Kind: rollout.VotedDown, Code: leading(d).Code, Reason: leading(d).Message}, nil
	}
	r.record.Waits = &release.Wait{For: "approvals: " + leading(d).Message}
	_, err := r.save(ctx)
	return nil, err
}

// ready makes the policy ready, in a run that did not check the release itself.
func (r *releaseRun) ready(ctx workflow.Context) error {
	if r.rules.Policy().Digest.Valid() {
		return nil
	}
	checked, _, err := r.examine(ctx)
	if err != nil {
		return err
	}
	if checked.PolicyRef == nil || checked.PolicyRef.Digest != r.record.Intent.Policy || !r.rules.Policy().Digest.Valid() {
		r.rules = gates.Ruleset{}
		return fmt.Errorf("the policy of release %s is not the one that was approved, or cannot be read", r.in.ReleaseID)
	}
	return nil
}

func (r *releaseRun) votes() gates.Votes {
	votes := gates.Votes{
		Intent: *r.record.IntentDigest, Requester: r.record.CreatedBy, Initiator: r.record.Initiator,
		PolicyAuthor: r.record.PolicyAuthor, PolicyChanged: r.record.PolicyAuthor != "", Votes: []gates.Vote{},
	}
	for _, v := range r.record.Votes {
		votes.Votes = append(votes.Votes, gates.Vote{Actor: v.Actor, Roles: v.Roles, Intent: v.Intent, Approve: v.Approve, At: v.At, ExpiresAt: v.ExpiresAt})
	}
	recorded := len(votes.Votes)
	votes.Recorded = &recorded
	return votes
}

// void makes every vote one of the past.
func (r *releaseRun) void(workflow.Context) (*rollout.ReleaseEvent, error) {
	r.record.Votes = nil
	return nil, nil
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

// distribute makes the pack fetchable at the target. Nothing becomes active.
func (r *releaseRun) distribute(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	err := workflow.ExecuteActivity(checkOptions(ctx, "distribute pack "+r.pack().String()), ActivityDistribute,
		releases.PackInput{Organization: r.organization, Channel: r.record.Request.Channel, Pack: *r.record.Pack}).Get(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &rollout.ReleaseEvent{Kind: rollout.Distributed}, nil
}

// verify looks at everything again, just before it matters: the pack as the store has
// it and as it lies at the target, and that it may follow what is active.
func (r *releaseRun) verify(ctx workflow.Context) (*rollout.ReleaseEvent, error) {
	checked, _, err := r.examine(ctx)
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
	if err := r.barrier(ctx, stage); err != nil {
		return nil, err
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
	now := workflow.Now(ctx).UTC()
	part.ActivatedAt = &now
	warrant := r.warrant(stage)
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

// warrant has the newest decision of each gate, and cohort, on entering a stage.
func (r *releaseRun) warrant(stage int) rollout.Warrant {
	w := rollout.Warrant{ReleaseID: r.in.ReleaseID, Pack: r.pack(), Stage: stage}
	type about struct{ gate, cohort string }
	seen := map[about]bool{}
	for _, d := range slices.Backward(r.record.Decisions) {
		if key := (about{d.Gate, d.Cohort}); d.Stage == stage && !seen[key] {
			seen[key] = true
			w.Permits = append(w.Permits, rollout.Permit{
				Gate: gates.Gate(d.Gate), Verdict: gates.Verdict(d.Verdict), ReleaseID: r.in.ReleaseID, Pack: r.pack(), Stage: stage, Inputs: d.Inputs,
			})
		}
	}
	return w
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
