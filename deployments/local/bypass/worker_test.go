package bypass

import (
	"cmp"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

// foreign is a workflow of somebody else, who has a worker and calls Orgo's activities.
func foreign(ctx workflow.Context, activity string, in any) (map[string]any, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: workflows.TaskQueue, StartToCloseTimeout: time.Minute})
	var out map[string]any
	err := workflow.ExecuteActivity(ctx, activity, in).Get(ctx, &out)
	return out, err
}

// callAsWorkflow has an activity of Orgo's done for a workflow of somebody else.
func (s *scene) callAsWorkflow(activity string, in any) error {
	s.t.Helper()
	queue := "foreign-" + s.channel.Name
	w := worker.New(s.temporal, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(foreign, workflow.RegisterOptions{Name: "foreign"})
	s.must(w.Start())
	defer w.Stop()
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, "foreign", activity, in)
	s.must(err)
	return run.Get(s.t.Context(), nil)
}

// askAsWorkflow has Orgo's own activity record that a workflow asks the channel.
func (s *scene) askAsWorkflow(action string, arguments any) error {
	s.t.Helper()
	return s.callAsWorkflow(workflows.ActivityAsk, releases.AskInput{Organization: organization, Channel: s.channel, Entry: s.made(records.Entry{
		Type: records.TypeActionAsked, Subject: records.ChannelSubject(organization, s.channel),
	}, "forged/"+action, commandOf(action, arguments))})
}

// made is an entry as Orgo would make it.
func (s *scene) made(entry records.Entry, key string, body any) records.Entry {
	s.t.Helper()
	entry.Organization, entry.Actor, entry.At = organization, records.SystemActor, time.Now().UTC()
	entry.Kind = cmp.Or(entry.Kind, records.KindEvent)
	made, err := records.NewEntry(entry, key, body)
	s.must(err)
	return made
}

// workers are the attempts of somebody who may run a worker.
func workers() []attempt {
	// Nothing of it comes to the store: the worker's log and Temporal have it.
	const unwritten = "who does not carry on a release or a channel writes nothing about it"
	return []attempt{
		{name: "an advance with a made-up warrant", by: "raw activity", prepare: waits, code: gates.Unauthorized, silent: unwritten, try: func(s *scene) error {
			return s.askAsWorkflow(rollout.AskAdvance, rollout.Advance{Warrant: s.forgedWarrant()})
		}},
		{name: "a close with a made-up warrant", by: "raw activity", prepare: watched, code: gates.Unauthorized, silent: unwritten, try: func(s *scene) error {
			w := s.forgedWarrant()
			w.Stage = 1
			for i := range w.Permits {
				w.Permits[i].Stage = 1
			}
			return s.askAsWorkflow(rollout.AskClose, rollout.CloseArguments{Close: rollout.Close{Warrant: w}})
		}},
		{name: "a rollback to a pack that is said to be fine", by: "raw activity", prepare: watched, code: gates.Unauthorized, silent: unwritten, try: func(s *scene) error {
			return s.askAsWorkflow(rollout.AskRestore, rollout.Restore{ID: "made-up", Facts: []rollout.Fact{{Pack: s.pack(), Verified: true, Compatible: true, Retained: true}}})
		}},
		{name: "a record that says that it is approved", by: "raw activity", prepare: waits, code: gates.Unauthorized, silent: unwritten, try: func(s *scene) error {
			forged := s.record()
			forged.Version++
			forged.Phase = string(rollout.PhaseActivating)
			sealed, _, err := forged.Sealed()
			s.must(err)
			return s.callAsWorkflow(workflows.ActivityCommit, releases.CommitInput{Organization: organization, Entries: []records.Entry{s.made(records.Entry{
				Kind: records.KindRecord, Type: records.TypeRecordWritten, Subject: records.ReleaseSubject(s.id),
			}, fmt.Sprintf("v%d", forged.Version), sealed)}})
		}},
	}
}
