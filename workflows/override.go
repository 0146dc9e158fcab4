package workflows

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// OverrideRequest is the argument of the override update.
type OverrideRequest struct {
	Actor     string     `json:"actor"`
	Reason    string     `json:"reason"`
	Gate      gates.Gate `json:"gate"`
	CaseID    string     `json:"case_id"`
	ExpiresAt time.Time  `json:"expires_at"`
}

// refusedStage is a stage that was done and that gates refused. Overrides are
// added to its decisions, and take none away.
type refusedStage struct {
	gates.Passed
}

// refusal returns the decision by which a gate refused, unless it was overridden
// since.
func (r *refusedStage) refusal(gate gates.Gate) (gates.Decision, bool) {
	if r == nil || slices.ContainsFunc(r.Decisions, func(d gates.Decision) bool { return d.Gate == gate && d.Permits() }) {
		return gates.Decision{}, false
	}
	at := slices.IndexFunc(r.Decisions, func(d gates.Decision) bool { return d.Gate == gate })
	if at < 0 {
		return gates.Decision{}, false
	}
	return r.Decisions[at], true
}

// overridden reports whether every gate that refused was overridden.
func (r *refusedStage) overridden() bool {
	return r != nil && !slices.ContainsFunc(r.Decisions, func(d gates.Decision) bool {
		_, refuses := r.refusal(d.Gate)
		return refuses
	})
}

func (b *build) mayOverride(request OverrideRequest) error {
	if b.waiting == nil || b.retry != nil || b.stop != nil || b.overriding {
		return refusal(gates.InvalidTransition, "build %s does not wait for an operator: only a refusal at which a build is %s can be overridden",
			b.in.BuildID, records.BuildWaiting)
	}
	if _, refuses := b.refused.refusal(request.Gate); !refuses {
		return refusal(gates.InvalidTransition, "build %s does not wait because of gate %q", b.in.BuildID, request.Gate)
	}
	return accountable(request.Actor, request.Reason)
}

// onOverride decides whether a refusal may be overridden, and records that
// decision whatever it is. The refusal stays.
func (b *build) onOverride(ctx workflow.Context, request OverrideRequest) (Accepted, error) {
	if err := b.mayOverride(request); err != nil {
		return Accepted{}, err
	}
	b.overriding = true
	defer func() { b.overriding = false }()
	waits := b.refused
	stage := waits.Stage
	refused, _ := waits.refusal(request.Gate)
	c := b.gate(ctx, stage)
	c.Actor = request.Actor
	d := gates.Overrule(c, refused, b.pinned.Trigger.Actor, gates.Override{
		Actor: request.Actor, Reason: request.Reason, CaseID: request.CaseID,
		ExpiresAt: request.ExpiresAt.UTC(), Of: refused.InputsDigest,
	})
	if !d.Permits() {
		b.note(ctx, records.KindDecision, records.TypeOverrideRefused, stage, request.Actor, request.Reason, codesOf(d), d)
		err := refusal(d.Codes[0], "gate %s is not overridden: %s", request.Gate, strings.Join(messagesOf(d), "; "))
		if recorded := b.record(ctx); recorded != nil {
			return Accepted{}, recorded
		}
		return Accepted{}, err
	}
	b.note(ctx, records.KindDecision, records.TypeGateOverridden, stage, request.Actor, request.Reason, codesOf(refused), d)
	then := refusedStage{waits.Passed}
	then.Decisions = append(slices.Clone(waits.Decisions), d)
	after := records.BuildWaiting
	if then.overridden() {
		after = records.BuildRunning
	}
	b.note(ctx, records.KindEvent, records.TypeOperatorAction, stage, request.Actor, request.Reason, nil, records.OperatorAction{
		Action: records.ActionOverride, Stage: stage, Gate: string(request.Gate), Before: records.BuildWaiting, After: after,
	})
	// It is durable before it has an effect; until then the build still waits.
	if err := b.record(ctx); err != nil {
		return Accepted{}, err
	}
	*waits = then
	return Accepted{State: after, Generation: b.generation}, nil
}

func messagesOf(d gates.Decision) []string {
	var messages []string
	for _, unmet := range gates.WhyNot(d) {
		messages = append(messages, unmet.Messages...)
	}
	return messages
}
