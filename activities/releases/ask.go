package releases

import (
	"context"
	"encoding/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// AskInput asks a channel for something. The entry is of records.TypeActionAsked.
type AskInput struct {
	Organization string              `json:"organization"`
	Channel      records.ChannelName `json:"channel"`
	Entry        records.Entry       `json:"entry"`
}

// Ask records what a channel is asked for and returns what became of it. A refusal is
// an outcome. To ask the same again returns the same.
func (a *Activities) Ask(ctx context.Context, in AskInput) (records.CommandOutcome, error) {
	outcome, err := a.ask(ctx, in)
	return reported(ctx, outcome, err)
}

func (a *Activities) ask(ctx context.Context, in AskInput) (records.CommandOutcome, error) {
	if err := addressed(in.Entry, in.Organization, records.TypeActionAsked, records.ChannelSubject(in.Organization, in.Channel)); err != nil {
		return records.CommandOutcome{}, err
	}
	by, err := a.caller(ctx, in.Organization)
	if err != nil {
		return records.CommandOutcome{}, err
	}
	if err := by.mayAsk(in.Entry); err != nil {
		return records.CommandOutcome{}, err
	}
	if refused, err := a.refusedMove(ctx, in); err != nil || !refused.Accepted() {
		return refused, err
	}
	if _, err := a.store.Append(ctx, in.Entry); err != nil {
		return records.CommandOutcome{}, err
	}
	return a.channels.Act(ctx, in.Organization, in.Channel, in.Entry.ID)
}

// refusedMove refuses to make a pack active that another channel knows as revoked or in
// quarantine. It is looked up at the last moment: a channel that nothing was asked of
// before is not told of a revocation. What was answered already stays so.
func (a *Activities) refusedMove(ctx context.Context, in AskInput) (records.CommandOutcome, error) {
	var command records.Command
	var move rollout.Advance
	if err := json.Unmarshal(in.Entry.Body, &command); err != nil || command.Action != rollout.AskAdvance {
		return records.CommandOutcome{}, err
	}
	if err := json.Unmarshal(command.Arguments, &move); err != nil {
		return records.CommandOutcome{}, runner.Fail(gates.RequestInvalid, err, "entry %s does not decode", in.Entry.ID)
	}
	if _, known, err := a.store.Answer(ctx, in.Organization, in.Entry.Subject, in.Entry.ID); err != nil || known {
		return records.CommandOutcome{}, err
	}
	to, err := a.channelRecord(ctx, in.Organization, in.Channel)
	if err != nil {
		return records.CommandOutcome{}, err
	}
	problem, err := a.banned(ctx, in.Organization, move.Warrant.Pack, to)
	if err != nil || problem == nil {
		return records.CommandOutcome{}, err
	}
	return records.CommandOutcome{Command: in.Entry.ID, Action: command.Action, Code: string(problem.Code), Message: problem.Message}, nil
}

// addressed refuses an entry that would lie in another inbox than the one whose owner
// is woken for it.
func addressed(entry records.Entry, organization, typ string, to records.Subject) error {
	switch {
	case entry.Organization != organization:
		return foreign(entry, organization)
	case entry.Type != typ || entry.Subject != to:
		return runner.Fail(gates.RequestInvalid, nil, "entry %s is %s of %s %s, not %s of %s %s",
			entry.ID, entry.Type, entry.Subject.Kind, entry.Subject.ID, typ, to.Kind, to.ID)
	}
	return nil
}

func foreign(entry records.Entry, organization string) error {
	return runner.Fail(gates.RequestInvalid, nil, "entry %s is not of organization %s", entry.ID, organization)
}
