package workflows

import (
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
)

// RollbackInput names a containment of a channel.
type RollbackInput struct {
	Organization string              `json:"organization"`
	Channel      records.ChannelName `json:"channel"`
	ID           string              `json:"id"`
}

// RollbackOutcome is what became of a rollback. That it is active again is the
// channel's to say.
type RollbackOutcome struct {
	Candidates int                    `json:"candidates"`
	Examined   []rollout.Fact         `json:"examined,omitempty"`
	Asked      records.CommandOutcome `json:"asked"`
}

// examinePatience is how long a rollback tries to find out what it can go to. After
// that it goes nowhere, which is safe.
const examinePatience = 30 * time.Second

// Rollback finds out what a containment of a channel can go to, and asks the channel
// to go there. It does not depend on any release's workflow.
func Rollback(ctx workflow.Context, in RollbackInput) (RollbackOutcome, error) {
	subject := records.ChannelSubject(in.Organization, in.Channel)
	e := newEntity(ctx, in.Organization, subject, records.Correlation{Channel: in.Channel.String()})
	loaded, err := e.load(ctx, subject)
	if err != nil {
		return RollbackOutcome{}, err
	}
	var record rollout.Record
	if err := json.Unmarshal(loaded.Body, &record); err != nil {
		return RollbackOutcome{}, fmt.Errorf("record of channel %s: %w", in.Channel, err)
	}
	if record.Containment == nil || record.Containment.ID != in.ID {
		return RollbackOutcome{Asked: records.CommandOutcome{Action: rollout.AskRestore, Code: string(gates.ContainmentChanged)}}, nil
	}
	outcome := RollbackOutcome{}
	candidates := record.Candidates(workflow.Now(ctx))
	outcome.Candidates = len(candidates)
	if len(candidates) > 0 {
		options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: examinePatience, ScheduleToCloseTimeout: examinePatience,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2},
			Summary:     fmt.Sprintf("examine %d candidates", len(candidates)),
		})
		// Without facts no candidate is one: what is not known to be good is not gone to.
		if err := workflow.ExecuteActivity(options, ActivityExamine, releases.ExamineInput{
			Organization: in.Organization, Channel: record, Candidates: candidates,
		}).Get(ctx, &outcome.Examined); err != nil {
			workflow.GetLogger(ctx).Error("candidates of a rollback could not be examined", "channel", in.Channel.String(), "error", err)
		}
	}
	outcome.Asked, err = ask(ctx, e, in.Channel, rollout.AskRestore, in.ID, rollout.Restore{ID: in.ID, Facts: outcome.Examined})
	return outcome, err
}

// ask records that something is asked of a channel, has the channel take it in, and
// returns what became of it. The key tells apart what is asked: the same is the same.
func ask(ctx workflow.Context, e *entity, channel records.ChannelName, action, key string, arguments any) (records.CommandOutcome, error) {
	encoded, err := json.Marshal(arguments)
	if err != nil {
		return records.CommandOutcome{}, err
	}
	correlation := e.correlation
	correlation.Channel = channel.String()
	entry, err := records.NewEntry(records.Entry{
		Organization: e.organization, Kind: records.KindEvent, Type: records.TypeActionAsked,
		Subject: records.ChannelSubject(e.organization, channel), At: workflow.Now(ctx),
		Actor: records.SystemActor, Correlation: correlation,
	}, fmt.Sprintf("%s/%s/%s", correlation.WorkflowID, action, key), records.Command{Action: action, Arguments: encoded})
	if err != nil {
		return records.CommandOutcome{}, err
	}
	options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 5 * time.Second},
		Summary:             fmt.Sprintf("ask %s to %s", channel, action),
	})
	var outcome records.CommandOutcome
	err = workflow.ExecuteActivity(options, ActivityAsk, releases.AskInput{
		Organization: e.organization, Channel: channel, Entry: entry,
	}).Get(ctx, &outcome)
	return outcome, err
}
