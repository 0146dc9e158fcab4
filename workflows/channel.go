package workflows

import (
	"encoding/json"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// ChannelInput names a channel. All else of it is in the store.
type ChannelInput struct {
	Organization string              `json:"organization"`
	Channel      records.ChannelName `json:"channel"`
}

// channel runs the machine of gates/rollout for one channel: messages become events,
// effects become activities. It is the only writer of what is active there.
type channel struct {
	*entity
	in     ChannelInput
	record rollout.Record

	pushing bool // an index is on its way to the target
	again   bool // and it, or a newer one, is to follow
	giveUp  workflow.CancelFunc
	pushed  int64              // the sequence that was pushed last
	looking bool               // the target is being read back
	read    []rollout.ReadBack // what was read back, to be taken in
	marked  string             // what the search attributes say
}

// pushPause is how long a publication waits before it is tried again that was not
// read back as it should be.
const pushPause = 2 * time.Second

// Channel runs a channel, for ever.
func Channel(ctx workflow.Context, in ChannelInput) error {
	c := &channel{in: in}
	c.entity = newEntity(ctx, in.Organization, records.ChannelSubject(in.Organization, in.Channel), records.Correlation{Channel: in.Channel.String()})
	if err := c.handleMessages(ctx); err != nil {
		return err
	}
	if err := workflow.SetQueryHandlerWithOptions(ctx, QueryChannel, func() (rollout.Record, error) { return c.record, nil },
		workflow.QueryHandlerOptions{Description: "The channel as this run knows it."}); err != nil {
		return err
	}
	for {
		if err := c.begin(ctx); err != nil {
			return err
		}
		if err := c.live(ctx); err != nil {
			return err
		}
		if c.lost {
			continue
		}
		if settled, err := c.settle(ctx); err != nil {
			return err
		} else if settled {
			return workflow.NewContinueAsNewError(ctx, ChannelWorkflow, c.in)
		}
	}
}

// begin reads the record and takes up what it left to do.
func (c *channel) begin(ctx workflow.Context) error {
	loaded, err := c.load(ctx, c.subject)
	if err != nil {
		return err
	}
	c.restart(loaded)
	c.record = rollout.NewRecord(c.in.Organization, c.in.Channel)
	if loaded.Found {
		if err := json.Unmarshal(loaded.Body, &c.record); err != nil {
			return fmt.Errorf("record of channel %s: %w", c.in.Channel, err)
		}
	}
	c.show(ctx)
	return c.do(ctx, c.record.Outstanding())
}

// live takes in what comes until the run has had its length, or is lost.
func (c *channel) live(ctx workflow.Context) error {
	looked := c.ticks
	for !c.lost {
		c.takePokes(ctx)
		if err := c.takeRead(ctx); err != nil {
			return err
		}
		if err := c.drain(ctx, func() int64 { return c.record.Seen }, c.takeIn); err != nil {
			return err
		}
		if c.full(ctx) {
			if c.pushing {
				c.giveUp() // the next run publishes what is outstanding
			}
			if !c.pushing && !c.looking && len(c.read) == 0 {
				return nil
			}
		}
		if c.ticks > looked {
			looked = c.ticks
			c.look(ctx)
			continue
		}
		if err := workflow.Await(ctx, func() bool { return c.due() || len(c.read) > 0 || c.full(ctx) && !c.pushing && !c.looking }); err != nil {
			return err
		}
	}
	return nil
}

// takeIn takes in what was asked. What comes together is one commit.
func (c *channel) takeIn(ctx workflow.Context, messages []rollout.Message) ([]records.CommandOutcome, bool, error) {
	next, effects := c.record, []rollout.Effect{}
	var outcomes []records.CommandOutcome
	for _, m := range messages {
		forged, is, err := c.unwarranted(ctx, m)
		if err != nil {
			return nil, false, err
		}
		taken := rollout.Taken{Outcome: forged}
		if is {
			taken.Outcome.Before, taken.Outcome.After = next.State(), next.State()
			next.Seen = max(next.Seen, m.Sequence)
		} else {
			next, taken = next.Take(m)
		}
		effects = append(effects, taken.Effects...)
		outcomes = append(outcomes, taken.Outcome)
		c.noteOutcome(ctx, m, taken.Outcome)
	}
	done, err := c.change(ctx, next, effects)
	return outcomes, done, err
}

// takeRead takes in what was read back of the target.
func (c *channel) takeRead(ctx workflow.Context) error {
	for len(c.read) > 0 {
		read := c.read[0]
		c.read = c.read[1:]
		next, effects, refused := c.record.Read(workflow.Now(ctx), read)
		if refused != nil {
			continue // it is of an older index: the newer one is on its way
		}
		if len(effects) == 0 && next.Confirmed == c.record.Confirmed && next.Sequence == c.record.Sequence {
			continue // nothing that was not known
		}
		if next.Confirmed != c.record.Confirmed {
			c.note(ctx, records.Entry{Type: release.TypeChannelConfirmed}, "", map[string]any{"sequence": next.Sequence})
		}
		if _, err := c.change(ctx, next, effects); err != nil {
			return err
		}
	}
	return nil
}

// change commits the channel's next state and then does what it asks for.
func (c *channel) change(ctx workflow.Context, next rollout.Record, effects []rollout.Effect) (bool, error) {
	if c.version == 0 {
		c.note(ctx, records.Entry{Type: release.TypeChannelOpened}, "opened", release.ChannelOpened{Channel: c.in.Channel})
	}
	if next.Index != nil && next.Sequence != c.record.Sequence {
		digest, err := next.Index.Digest()
		if err != nil {
			return false, err
		}
		c.note(ctx, records.Entry{Type: release.TypeChannelIndexed}, "", map[string]any{"sequence": next.Sequence, "digest": digest})
	}
	for _, effect := range effects {
		c.tell(ctx, next, effect)
	}
	done, err := c.commit(ctx, func(version int64) any {
		next.Version, next.At = version, workflow.Now(ctx)
		return next
	})
	if err != nil || !done {
		return done, err
	}
	c.record = next // not before it is durable: whoever publishes meanwhile reads it
	c.show(ctx)
	return true, c.do(ctx, effects)
}

// eventsOf are the entries in which a channel says what it does.
var eventsOf = map[rollout.EffectKind]string{
	rollout.Gather:      release.TypeRollbackTriggered,
	rollout.TargetFound: release.TypeRollbackTarget,
	rollout.TakenBack:   release.TypeRollbackCompleted,
	rollout.InSafeMode:  release.TypeRollbackFailed,
	rollout.Activated:   release.TypeCohortActivated,
	rollout.DriftSeen:   release.TypeChannelDriftFound,
	rollout.DriftGone:   release.TypeChannelDriftCleared,
	rollout.OpenCase:    release.TypeCaseNeeded,
}

// tell notes an effect for the record, and for the release that it is about.
func (c *channel) tell(ctx workflow.Context, record rollout.Record, effect rollout.Effect) {
	var codes []string
	if effect.Code != "" {
		codes = []string{string(effect.Code)}
	}
	about := records.Correlation{ReleaseID: effect.ReleaseID}
	if entryType, known := eventsOf[effect.Kind]; known {
		entry := records.Entry{Type: entryType, Codes: codes, Correlation: about}
		if record.Cause != nil && effect.Kind == rollout.Gather {
			entry.Actor, entry.Reason = record.Cause.Actor, record.Cause.Reason
		}
		c.note(ctx, entry, "", effect)
	}
	if effect.ReleaseID != "" {
		c.note(ctx, records.Entry{
			Type: release.TypeTold, Subject: records.ReleaseSubject(effect.ReleaseID), Codes: codes, Correlation: about,
		}, "", effect)
	}
}

// do carries out effects, after they were recorded. None is waited for: a channel
// takes in what contains at any time.
func (c *channel) do(ctx workflow.Context, effects []rollout.Effect) error {
	poked := map[string]bool{}
	for _, effect := range effects {
		switch effect.Kind {
		case rollout.Publish:
			c.push(ctx)
		case rollout.Gather:
			if err := c.rollBack(ctx, effect.ID); err != nil {
				return err
			}
		}
		if effect.ReleaseID != "" && !poked[effect.ReleaseID] {
			poked[effect.ReleaseID] = true
			// A release that cannot be poked has ended, or looks for itself.
			workflow.SignalExternalWorkflow(ctx, ReleaseWorkflowID(c.organization, effect.ReleaseID), "", SignalPoke, nil)
		}
	}
	return nil
}

// push brings the newest index to the target and reads it back. An older one that is
// on its way is given up.
func (c *channel) push(ctx workflow.Context) {
	if c.pushing {
		c.again = true
		c.giveUp()
		return
	}
	c.pushing = true
	workflow.GoNamed(ctx, "publish", func(ctx workflow.Context) {
		defer func() { c.pushing = false }()
		for more := true; more; more = c.again && !c.lost && ctx.Err() == nil {
			c.again = false
			attempt, cancel := workflow.WithCancel(ctx)
			c.giveUp = cancel
			if c.pushed == c.record.Sequence && workflow.Sleep(attempt, pushPause) != nil {
				continue
			}
			c.pushed = c.record.Sequence
			// What fails is tried again when the channel looks next.
			if read, err := c.publish(attempt, *c.record.Index); err == nil {
				c.read = append(c.read, read)
			}
			cancel()
		}
	})
}

func (c *channel) publish(ctx workflow.Context, next index.Index) (rollout.ReadBack, error) {
	var read releases.Observed
	err := workflow.ExecuteActivity(targetOptions(ctx, fmt.Sprintf("publish index %d", next.Sequence)), ActivityPublish,
		releases.PublishInput{Organization: c.organization, Index: next}).Get(ctx, &read)
	if err != nil && !temporal.IsCanceledError(err) {
		// The target refused it: what it has instead is what counts.
		observe := releases.ObserveInput{Organization: c.organization, Channel: c.in.Channel}
		err = workflow.ExecuteActivity(targetOptions(ctx, "read back what was refused"), ActivityObserve, observe).Get(ctx, &read)
	}
	return readBack(next.Sequence, read), err
}

func readBack(pushed int64, read releases.Observed) rollout.ReadBack {
	return rollout.ReadBack{Pushed: pushed, Sequence: read.Sequence, Newest: read.Newest, Observed: read.Cohorts}
}

// targetOptions are those of what is done at a target: tried until it succeeds, or
// finds that it never can.
func targetOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second},
		Summary:             summary,
	})
}

// look reads the target back, if an index is confirmed there. It does not wait: what
// contains comes first.
func (c *channel) look(ctx workflow.Context) {
	if c.pushing {
		return
	}
	if outstanding := c.record.Outstanding(); len(outstanding) > 0 {
		// Whoever was to do it did not. It does no harm to ask again.
		_ = c.do(ctx, outstanding)
		return
	}
	if c.record.Index == nil || c.looking {
		return
	}
	c.looking = true
	newest := c.record.Sequence
	workflow.GoNamed(ctx, "look", func(ctx workflow.Context) {
		defer func() { c.looking = false }()
		options := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: 10 * time.Minute,
			RetryPolicy:         &temporal.RetryPolicy{MaximumAttempts: 1}, Summary: "look for drift",
		})
		var read releases.Observed
		// What cannot be read now is read the next time.
		if workflow.ExecuteActivity(options, ActivityObserve, releases.ObserveInput{Organization: c.organization, Channel: c.in.Channel}).Get(ctx, &read) == nil {
			back := readBack(0, read)
			back.Looked = newest // what was published meanwhile, it did not see
			c.read = append(c.read, back)
		}
	})
}

// rollBack has the target of a containment chosen, in a workflow of its own.
func (c *channel) rollBack(ctx workflow.Context, containment string) error {
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            RollbackWorkflowID(c.organization, c.in.Channel, containment),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			keyOrganization.ValueSet(c.organization), keyChannel.ValueSet(c.in.Channel.String())),
		StaticSummary: "rollback of " + c.in.Channel.String(),
	})
	started := workflow.ExecuteChildWorkflow(child, RollbackWorkflow, RollbackInput{
		Organization: c.organization, Channel: c.in.Channel, ID: containment,
	}).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(started) {
		return nil
	}
	return started
}

// codesOfChannel returns the codes by which a channel is found in the Temporal Web UI.
func codesOfChannel(r rollout.Record) []string {
	var codes []string
	if r.Containment != nil {
		codes = append(codes, string(r.Containment.Code))
	}
	if len(r.Drifted) > 0 {
		codes = append(codes, string(gates.DriftDetected))
	}
	return codes
}
