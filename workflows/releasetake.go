package workflows

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/person"
	"github.com/initkoa/orgo/records/release"
)

// take takes in one message. It returns what became of it, if it asked for
// something, and what is to be done then: nil if what runs goes on.
func (r *releaseRun) take(ctx workflow.Context, m rollout.Message) (*records.CommandOutcome, []rollout.Step) {
	switch m.Type {
	case release.TypeRequested:
		return nil, r.requested(ctx, m)
	case release.TypeTold:
		return nil, r.told(ctx, m)
	}
	command, refused := m.Command()
	outcome := records.CommandOutcome{Command: m.ID, Action: command.Action, Before: r.record.Phase}
	var steps []rollout.Step
	if refused == nil {
		steps, refused = r.act(ctx, m, command)
	}
	if refused != nil {
		outcome.Code, outcome.Message = string(refused.Code), refused.Message
	}
	outcome.After = r.record.Phase
	return &outcome, steps
}

// requested makes the record of what was asked for.
func (r *releaseRun) requested(ctx workflow.Context, m rollout.Message) []rollout.Step {
	if r.record.Kind != "" {
		return nil
	}
	var request release.Request
	if err := json.Unmarshal(m.Body, &request); err != nil {
		return nil // the API wrote it; a forged one asks for nothing
	}
	r.record = release.Record{
		Kind: "release_record", RecordVersion: release.RecordVersion, Organization: r.in.Organization, ReleaseID: r.in.ReleaseID,
		CreatedAt: m.At.UTC(), CreatedBy: m.Actor, Reason: m.Reason, Request: request,
		Phase: string(rollout.PhaseDraft), Status: string(rollout.StatusDraft), Events: []release.Event{},
	}
	r.correlate()
	steps, _ := r.apply(ctx, rollout.ReleaseEvent{Kind: rollout.Submitted, Actor: m.Actor, Reason: m.Reason})
	return steps
}

// tells maps what a channel tells to what happens to the release.
var tells = map[rollout.EffectKind][]rollout.ReleaseEventKind{
	rollout.Granted:    {rollout.TurnGranted},
	rollout.Activated:  {rollout.StageActive},
	rollout.NotActive:  {rollout.StageInactive},
	rollout.Superseded: {rollout.WasSuperseded},
	rollout.Withdrawn:  {rollout.WasRevoked},
	rollout.TakenBack:  {rollout.WentBack},
	rollout.InSafeMode: {rollout.NoTargetFound},
}

// told takes in what the channel told. What no longer fits was overtaken.
func (r *releaseRun) told(ctx workflow.Context, m rollout.Message) []rollout.Step {
	var effect rollout.Effect
	if json.Unmarshal(m.Body, &effect) != nil || m.Actor != records.SystemActor {
		return nil
	}
	if effect.Kind.FromPeer() {
		return r.heardOf(ctx, effect)
	}
	kinds := tells[effect.Kind]
	if effect.Code == gates.ArtifactRevoked && effect.Kind != rollout.Withdrawn {
		kinds = append(slices.Clone(kinds), rollout.WasRevoked)
	}
	var todo []rollout.Step
	for _, kind := range kinds {
		steps, refused := r.apply(ctx, rollout.ReleaseEvent{Kind: kind, Stage: effect.Stage, Code: effect.Code})
		if refused != nil {
			continue
		}
		todo = mergeSteps(todo, steps)
		if kind == rollout.StageActive {
			r.observed(ctx)
		}
	}
	return todo
}

// observed begins the watch over a stage that was read back as active.
func (r *releaseRun) observed(ctx workflow.Context) {
	r.sampled = time.Time{} // what is new in it is read back at once
	r.watch(ctx, &r.record.Stages[r.record.Stage])
}

func (r *releaseRun) watch(ctx workflow.Context, stage *release.StageState) {
	now := workflow.Now(ctx).UTC()
	ends, by := now.Add(stage.Observe.Std()), now.Add(stage.Deadline.Std())
	stage.ActiveAt, stage.EndsAt, stage.DecideBy = &now, &ends, &by
	r.record.Waits = &release.Wait{For: "telemetry of " + stage.Name, Until: &by}
}

// acts has what operators can ask of a release.
var acts = map[string]func(*releaseRun, workflow.Context, rollout.Message, records.Command) ([]rollout.Step, *rollout.Refusal){
	release.ActionApprove: func(r *releaseRun, ctx workflow.Context, m rollout.Message, c records.Command) ([]rollout.Step, *rollout.Refusal) {
		return r.vote(ctx, m, c, true)
	},
	release.ActionReject: func(r *releaseRun, ctx workflow.Context, m rollout.Message, c records.Command) ([]rollout.Step, *rollout.Refusal) {
		return r.vote(ctx, m, c, false)
	},
	release.ActionPromote:      (*releaseRun).promote,
	release.ActionBreakGlass:   (*releaseRun).breakGlass,
	release.ActionConfirmGlass: (*releaseRun).confirmGlass,
	release.ActionReviewGlass:  (*releaseRun).reviewGlass,
	release.ActionHold:         machineAct(rollout.ReleaseEvent{Kind: rollout.AskedHold}),
	release.ActionLift:         machineAct(rollout.ReleaseEvent{Kind: rollout.AskedLift}),
	release.ActionAbort:        machineAct(rollout.ReleaseEvent{Kind: rollout.AskedAbort, Code: gates.AbortRequested}),
}

// plain has the actions that say why by themselves: what is agreed to is the intent.
var plain = []string{release.ActionApprove, release.ActionPromote}

func (r *releaseRun) act(ctx workflow.Context, m rollout.Message, command records.Command) ([]rollout.Step, *rollout.Refusal) {
	do, known := acts[command.Action]
	switch {
	case r.record.Kind == "":
		return nil, &rollout.Refusal{Code: gates.NotFound, Message: "nobody asked for this release"}
	case !known || m.Type != records.TypeActionRequested:
		return nil, &rollout.Refusal{Code: gates.RequestInvalid, Message: "this is nothing that can be asked of a release: " + command.Action}
	case !person.Somebody(m.Actor) || m.Reason == "" && !slices.Contains(plain, command.Action):
		return nil, &rollout.Refusal{Code: gates.RequestInvalid, Message: "an action needs a person and a reason"}
	}
	return do(r, ctx, m, command)
}

// machineAct is an action that is an event of the machine, and nothing else.
func machineAct(event rollout.ReleaseEvent) func(*releaseRun, workflow.Context, rollout.Message, records.Command) ([]rollout.Step, *rollout.Refusal) {
	return func(r *releaseRun, ctx workflow.Context, m rollout.Message, _ records.Command) ([]rollout.Step, *rollout.Refusal) {
		asked := event
		asked.Actor, asked.Owner, asked.Reason = m.Actor, m.Actor, m.Reason
		return r.apply(ctx, asked)
	}
}

// voteHolds is how long a vote counts at most, whatever the policy says.
const voteHolds = 7 * 24 * time.Hour

// vote takes in an approval or a rejection. None counts but on exactly the intent
// that there is, and none is taken while anything holds the release or its channel.
func (r *releaseRun) vote(ctx workflow.Context, m rollout.Message, command records.Command, approve bool) ([]rollout.Step, *rollout.Refusal) {
	var ballot release.Ballot
	if refused := arguments(command, &ballot); refused != nil {
		return nil, refused
	}
	if refused := r.mayVote(ctx, m, ballot, approve); refused != nil {
		return nil, refused
	}
	r.record.Votes = append(slices.Clone(r.record.Votes), release.Vote{
		Actor: m.Actor, Roles: command.Roles, Intent: ballot.Intent, Approve: approve, At: m.At.UTC(),
		ExpiresAt: m.At.UTC().Add(voteHolds), Reason: m.Reason, Command: m.ID,
	})
	if approve {
		return []rollout.Step{rollout.DoSeek}, nil
	}
	return r.apply(ctx, rollout.ReleaseEvent{Kind: rollout.VotedDown, Actor: m.Actor, Reason: m.Reason, Code: gates.ApprovalRejected})
}

func (r *releaseRun) mayVote(ctx workflow.Context, m rollout.Message, ballot release.Ballot, approve bool) *rollout.Refusal {
	refuse := func(code gates.Code, message string) *rollout.Refusal {
		return &rollout.Refusal{Code: code, Message: message}
	}
	voted := func(v release.Vote) bool { return v.Intent == ballot.Intent && v.Actor == m.Actor }
	votedAs := func(v release.Vote) bool { return v.Intent == ballot.Intent && person.Alike(v.Actor, m.Actor) }
	switch {
	case rollout.Phase(r.record.Phase) != rollout.PhaseAwaitingApproval || r.record.IntentDigest == nil:
		return refuse(gates.InvalidTransition, "release "+r.in.ReleaseID+" is "+r.record.Phase+": it does not ask for approvals")
	case ballot.Intent != *r.record.IntentDigest:
		return refuse(gates.IntentChanged, "the intent is "+r.record.IntentDigest.String()+", and not "+ballot.Intent.String())
	case slices.ContainsFunc(r.record.Votes, voted):
		return refuse(gates.InvalidTransition, m.Actor+" has voted on this intent")
	case approve && person.AnyAlike(m.Actor, r.record.CreatedBy, r.record.Initiator, r.record.PolicyAuthor):
		return refuse(gates.ApproverNotSeparate, m.Actor+" asked for the release, started its build or changed its policy")
	case approve && slices.ContainsFunc(r.record.Votes, votedAs):
		return refuse(gates.ApproverNotSeparate, m.Actor+" reads like the name of somebody who has voted on this intent")
	case approve && person.Mixed(m.Actor):
		return refuse(gates.ApproverNotSeparate, m.Actor+" has letters of several scripts, and can be taken for another name")
	case len(r.record.Holds) > 0:
		return refuse(gates.ReleaseHeld, r.record.Holds[0].Owner+" holds the release: no approval counts meanwhile")
	}
	channel, err := r.channel(ctx)
	switch {
	case err != nil:
		return refuse(gates.StoreUnavailable, "the channel could not be read: "+err.Error())
	case len(channel.Holds) > 0:
		return refuse(gates.ChannelHeld, channel.Holds[0].Owner+" holds the channel: no approval counts meanwhile")
	case channel.PinnedElsewhere(r.pack(), workflow.Now(ctx)):
		return refuse(gates.ChannelPinned, "the channel is pinned to another pack: no approval counts meanwhile")
	}
	return nil
}

// promote lets the release out of a stage that asks for it, once it is judged good.
func (r *releaseRun) promote(_ workflow.Context, m rollout.Message, command records.Command) ([]rollout.Step, *rollout.Refusal) {
	var asked release.Promote
	if refused := arguments(command, &asked); refused != nil {
		return nil, refused
	}
	if rollout.Phase(r.record.Phase) != rollout.PhaseObserving || asked.Stage != r.record.Stage {
		return nil, &rollout.Refusal{Code: gates.InvalidTransition, Message: "the release is not at that stage, or does not watch it"}
	}
	stage := &r.record.Stages[r.record.Stage]
	if !stage.Manual || stage.Promoted != "" {
		return nil, &rollout.Refusal{Code: gates.InvalidTransition, Message: "stage " + stage.Name + " does not wait to be promoted"}
	}
	stage.Promoted = m.Actor
	r.news++ // the judge looks again
	return nil, nil
}

// arguments reads the arguments of an action strictly: what is not known is refused.
func arguments(command records.Command, into any) *rollout.Refusal {
	decoder := json.NewDecoder(bytes.NewReader(command.Arguments))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return &rollout.Refusal{Code: gates.RequestInvalid, Message: "the arguments of the action: " + err.Error()}
	}
	return nil
}
