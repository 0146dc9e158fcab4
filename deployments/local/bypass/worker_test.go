package bypass

import (
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

// foreign is a workflow of somebody else, who has a worker and calls Orgo's activities.
func foreign(ctx workflow.Context, in releases.AskInput) (outcome records.CommandOutcome, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: workflows.TaskQueue, StartToCloseTimeout: time.Minute})
	err = workflow.ExecuteActivity(ctx, workflows.ActivityAsk, in).Get(ctx, &outcome)
	return outcome, err
}

// askAsWorkflow has Orgo's own activity record that a workflow asks the channel.
func (s *scene) askAsWorkflow(action string, arguments any) error {
	s.t.Helper()
	queue := "foreign-" + s.channel.Name
	w := worker.New(s.temporal, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(foreign, workflow.RegisterOptions{Name: "foreign"})
	s.must(w.Start())
	defer w.Stop()
	entry, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: records.TypeActionAsked, Actor: records.SystemActor, At: time.Now().UTC(),
		Subject: records.ChannelSubject(organization, s.channel),
	}, "forged/"+action, commandOf(action, arguments))
	s.must(err)
	run, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, "foreign",
		releases.AskInput{Organization: organization, Channel: s.channel, Entry: entry})
	s.must(err)
	var outcome records.CommandOutcome
	if err := run.Get(s.t.Context(), &outcome); err != nil || outcome.Accepted() {
		return err
	}
	return &api.Refusal{Code: gates.Code(outcome.Code), Message: outcome.Message}
}

// join is a release that somebody else made the channel know.
func (s *scene) join() rollout.JoinArguments {
	r := s.record()
	return rollout.JoinArguments{
		Join: rollout.Join{Candidacy: rollout.Candidacy{
			Placement: rollout.Placement{ReleaseID: s.id, Pack: rollout.Pack{Digest: s.pack(), Version: r.Request.Version, BuildID: r.Request.BuildID}},
			Stages:    [][]string{{"all"}},
		}},
		Content: *r.Pack, Plan: r.Intent.Plan,
	}
}

// workers are the attempts of somebody who may run a worker.
func workers() []attempt {
	joined := func(t *testing.T, s *site) *scene {
		c := s.waiting(t)
		c.must(c.askAsWorkflow(rollout.AskJoin, c.join()))
		return c
	}
	return []attempt{
		{name: "an advance with a made-up warrant", by: "raw activity", prepare: joined, code: gates.EvidenceMissing, try: func(s *scene) error {
			return s.askAsWorkflow(rollout.AskAdvance, rollout.Advance{Warrant: s.forgedWarrant()})
		}},
		{name: "a close with a made-up warrant", by: "raw activity", prepare: watched, code: gates.EvidenceMissing, try: func(s *scene) error {
			w := s.forgedWarrant()
			w.Stage = 1
			for i := range w.Permits {
				w.Permits[i].Stage = 1
			}
			return s.askAsWorkflow(rollout.AskClose, rollout.CloseArguments{Close: rollout.Close{Warrant: w}})
		}},
		{name: "a rollback to a pack that is said to be fine", by: "raw activity", prepare: watched, code: gates.ContainmentChanged, try: func(s *scene) error {
			return s.askAsWorkflow(rollout.AskRestore, rollout.Restore{ID: "made-up", Facts: []rollout.Fact{{Pack: s.pack(), Verified: true, Compatible: true, Retained: true}}})
		}},
	}
}
