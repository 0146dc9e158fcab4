package bypass

import (
	"fmt"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

func TestOwnWorker(t *testing.T) {
	s := newSite(t)
	c := s.waiting(t)
	w := worker.New(s.temporal, "evil", worker.Options{})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context, in releases.AskInput) (records.CommandOutcome, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: workflows.TaskQueue, StartToCloseTimeout: time.Minute})
		var out records.CommandOutcome
		return out, workflow.ExecuteActivity(ctx, workflows.ActivityAsk, in).Get(ctx, &out)
	}, workflow.RegisterOptions{Name: "evil"})
	c.must(w.Start())
	defer w.Stop()
	r := c.record()
	ask := func(action string, args any) {
		e, err := records.NewEntry(records.Entry{Organization: organization, Kind: records.KindEvent, Type: records.TypeActionAsked, Actor: records.SystemActor, At: time.Now().UTC(),
			Subject: records.ChannelSubject(organization, c.channel)}, "forged/"+action, commandOf(action, args))
		c.must(err)
		run, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "evil"}, "evil", releases.AskInput{Organization: organization, Channel: c.channel, Entry: e})
		c.must(err)
		var out records.CommandOutcome
		err = run.Get(t.Context(), &out)
		fmt.Println(action, out, err)
	}
	ask(rollout.AskJoin, rollout.JoinArguments{Join: rollout.Join{Candidacy: rollout.Candidacy{Placement: rollout.Placement{ReleaseID: c.id, Pack: rollout.Pack{Digest: c.pack(), Version: "1.0.0", BuildID: r.Request.BuildID}}, Stages: [][]string{{"all"}}}}, Content: *r.Pack, Plan: r.Intent.Plan})
	ask(rollout.AskAdvance, rollout.Advance{Warrant: c.forgedWarrant()})
	fmt.Printf("%+v\n", c.standing())
}
