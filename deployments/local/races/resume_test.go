package races_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/deployments/local/races"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/workflows"
)

// watchedClient counts what is asked of Temporal, and can be away.
type watchedClient struct {
	client.Client

	mu      sync.Mutex
	away    bool
	started []string
	lists   int
}

var errAway = errors.New("temporal is away")

func (c *watchedClient) ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error) {
	c.mu.Lock()
	c.started = append(c.started, o.ID)
	away := c.away
	c.mu.Unlock()
	if away {
		return nil, errAway
	}
	return c.Client.ExecuteWorkflow(ctx, o, workflow, args...)
}

func (c *watchedClient) ListWorkflow(ctx context.Context, in *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	c.mu.Lock()
	c.lists++
	c.mu.Unlock()
	return c.Client.ListWorkflow(ctx, in)
}

// asked returns which workflows were started and how often running ones were listed since
// it was called last.
func (c *watchedClient) asked() (started []string, lists int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	started, lists = c.started, c.lists
	c.started, c.lists = nil, 0
	return started, lists
}

func (c *watchedClient) setAway(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
}

// setClock is a clock that a test sets.
type setClock struct{ now time.Time }

func (c *setClock) Now() time.Time { return c.now }

// TestReleasesAreHandedOverThatTemporalDoesNotHave: nothing is started that runs, what was
// ended comes back, and between looks at all hardly anything is asked.
func TestReleasesAreHandedOverThatTemporalDoesNotHave(t *testing.T) {
	t.Parallel()
	onRig(t, time.Hour, func(ctx context.Context, t *testing.T, r *races.Rig) {
		build, err := r.Build(ctx, "Europa")
		require.NoError(t, err)
		const releases = 5
		var ids []string
		for i := range releases {
			record, err := r.Release(ctx, races.Order{
				Key: fmt.Sprint(i), BuildID: build, Version: "1.0.0", Observe: time.Hour, Soak: time.Hour,
				Channel: records.ChannelName{Environment: "production", Name: fmt.Sprint("c", i)},
			})
			require.NoError(t, err)
			_, err = r.Await(ctx, record.ReleaseID, rollout.PhaseObserving)
			require.NoError(t, err)
			ids = append(ids, record.ReleaseID)
		}
		temporal, clock := &watchedClient{Client: r.Temporal}, &setClock{now: time.Now()}
		of := r.Stack.Releases()
		of.Entities.Temporal, of.Clock = temporal, clock
		look := func() []string { // as a server does that starts
			require.NoError(t, control.NewResuming(of, "default").Pass(ctx, races.Organization))
			started, lists := temporal.asked()
			require.Equal(t, 1, lists)
			return started
		}
		eventually(t, "nothing is started that runs", func() bool { return len(look()) == 0 })

		resuming := control.NewResuming(of, "default")
		pass := func() ([]string, int) {
			require.NoError(t, resuming.Pass(ctx, races.Organization))
			return temporal.asked()
		}
		pass()
		clock.now = clock.now.Add(10 * time.Second)
		started, lists := pass()
		require.Empty(t, started)
		require.Zero(t, lists, "between looks at all nothing is listed")

		// What was recorded while Temporal was away is started by the next pass, once.
		temporal.setAway(true)
		_, err = of.Create(ctx, races.Organization, release.Request{
			IdempotencyKey: "late", BuildID: build, Channel: records.ChannelName{Environment: "production", Name: "late"}, Version: "1.0.0",
			Strategy: release.Strategy{Mode: release.AllAtOnce, Observe: records.Duration(time.Hour), Deadline: records.Duration(2 * time.Hour)},
		}, api.Identity{Actor: "rita", Organization: races.Organization}, "to see")
		require.ErrorIs(t, err, errAway)
		require.ErrorIs(t, resuming.Pass(ctx, races.Organization), errAway)
		temporal.setAway(false)
		temporal.asked()
		lateID := records.ReleaseID(races.Organization, "late")
		started, _ = pass()
		require.Equal(t, []string{workflows.ReleaseWorkflowID(races.Organization, lateID)}, started)
		_, err = r.Await(ctx, lateID, rollout.PhaseObserving)
		require.NoError(t, err)
		started, _ = pass()
		require.Empty(t, started)

		// What was ended in Temporal is found by a look at all.
		ended := workflows.ReleaseWorkflowID(races.Organization, ids[2])
		require.NoError(t, r.Temporal.TerminateWorkflow(ctx, ended, "", "a test"))
		eventually(t, "it is started, and nothing else", func() bool {
			started := look()
			require.Subset(t, []string{ended}, started)
			return len(started) == 1
		})
		described, err := r.Temporal.DescribeWorkflowExecution(ctx, ended, "")
		require.NoError(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, described.GetWorkflowExecutionInfo().GetStatus())

		// Looks at all become rare.
		var looks []time.Duration
		for began := clock.now; clock.now.Sub(began) < time.Hour; clock.now = clock.now.Add(15 * time.Second) {
			if _, lists := pass(); lists > 0 {
				looks = append(looks, clock.now.Sub(began))
			}
		}
		require.Less(t, len(looks), 13, "%v", looks)
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "never: %s", what)
	}
}
