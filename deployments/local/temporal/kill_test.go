package temporal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/deployments/local/ports"
	"github.com/initkoa/orgo/deployments/local/temporal"
)

// These tell the test binary that it is the process to be killed.
const (
	childDir  = "ORGO_TEST_CHILD_DIR"
	childAddr = "ORGO_TEST_CHILD_ADDR"
)

const (
	childIdentity  = "orgo-local@"
	elsewhere      = "elsewhere" // a queue and the identity of its worker, which outlives the child
	elsewhereQueue = "elsewhere"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := runChild(dir, os.Getenv(childAddr)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runChild serves Temporal and a worker on dir until its standard input ends.
func runChild(dir, addr string) error {
	ctx := context.Background()
	o := options(dir)
	o.FrontendAddr = addr
	o.Logger = quiet()
	server, err := temporal.Start(ctx, o)
	if err != nil {
		return err
	}
	released, err := server.ReleaseLostTasks(ctx, func(identity string) bool {
		return strings.HasPrefix(identity, childIdentity)
	})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(released); err != nil {
		return err
	}
	c, err := client.Dial(client.Options{
		HostPort: addr, Logger: quiet(), Identity: fmt.Sprintf("%s%d", childIdentity, os.Getpid()),
	})
	if err != nil {
		return err
	}
	w := worker.New(c, queue, worker.Options{})
	registerSteps(w)
	return w.Run(nil)
}

func registerSteps(w worker.Registry) {
	for _, w0 := range []any{inActivity, inWorkflowTask, inWait} {
		w.RegisterWorkflow(w0)
	}
	w.RegisterActivity(hold)
}

// hold is interrupted by the kill in its first attempt: it says that it runs, and goes on only once the
// file "continue" is there, which the test makes after the kill.
func hold(ctx context.Context, dir, name string) (int32, error) {
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
		return 0, err
	}
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := os.Stat(filepath.Join(dir, "continue")); err == nil {
			return activity.GetInfo(ctx).Attempt, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
	}
}

func inActivity(ctx workflow.Context, dir, name, taskQueue string) (attempt int32, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: taskQueue, StartToCloseTimeout: 10 * time.Minute, HeartbeatTimeout: 5 * time.Minute,
	})
	return attempt, workflow.ExecuteActivity(ctx, hold, dir, name).Get(ctx, &attempt)
}

func inWorkflowTask(ctx workflow.Context, dir, name string) (attempt int32, err error) {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Minute})
	return attempt, workflow.ExecuteLocalActivity(ctx, hold, dir, name).Get(ctx, &attempt)
}

func inWait(ctx workflow.Context) error {
	workflow.GetSignalChannel(ctx, "go on").Receive(ctx, nil)
	return nil
}

// childProcess is a running child and what it prints.
type childProcess struct {
	*exec.Cmd
	stdout io.Reader
}

func startChild(t *testing.T, dir, addr string) childProcess {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childAddr+"="+addr)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return childProcess{Cmd: cmd, stdout: stdout}
}

func TestAKilledServerContinuesItsWorkflowsAtOnce(t *testing.T) {
	dir := t.TempDir()
	addrs, err := ports.Free(1)
	require.NoError(t, err)
	child := startChild(t, dir, addrs[0])

	var c client.Client
	require.EventuallyWithT(t, func(collect *assertCollector) {
		c, err = client.Dial(client.Options{HostPort: addrs[0], Identity: elsewhere, Logger: quiet()})
		require.NoError(collect, err)
	}, 20*time.Second, 20*time.Millisecond)
	defer c.Close()
	other := worker.New(c, elsewhereQueue, worker.Options{})
	other.RegisterActivity(hold)
	require.NoError(t, other.Start())
	defer other.Stop()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begin := func(id string, w any, args ...any) client.WorkflowRun {
		run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, w, args...)
		require.NoError(t, err)
		return run
	}
	wait := begin("wait", inWait)
	remote := begin("remote", inActivity, dir, "remote", queue)
	local := begin("local", inWorkflowTask, dir, "local")
	foreign := begin("foreign", inActivity, dir, "foreign", elsewhereQueue)
	for _, name := range []string{"remote", "local", "foreign"} {
		require.Eventually(t, func() bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err == nil
		}, 20*time.Second, 5*time.Millisecond, name)
	}

	require.NoError(t, child.Process.Kill())
	var killed *exec.ExitError
	require.True(t, errors.As(child.Wait(), &killed))
	restarted := time.Now()
	second := startChild(t, dir, addrs[0])

	require.Eventually(t, func() bool {
		return c.SignalWorkflow(ctx, "wait", "", "go on", nil) == nil
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, wait.Get(ctx, nil))
	t.Logf("waiting workflow went on %v after the restart", time.Since(restarted))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "continue"), nil, 0o600))
	attempts := map[client.WorkflowRun]int32{
		remote:  2, // killed, then tried again
		local:   1, // a local activity's attempts are those of its workflow task
		foreign: 1, // its worker was not lost
	}
	for _, run := range []client.WorkflowRun{remote, foreign, local} {
		var attempt int32
		require.NoError(t, run.Get(ctx, &attempt), run.GetID())
		require.Equal(t, attempts[run], attempt, run.GetID())
		t.Logf("%s workflow ended %v after the restart", run.GetID(), time.Since(restarted))
	}
	// Both ends were brought about, not waited for.
	var released temporal.Released
	require.NoError(t, json.NewDecoder(second.stdout).Decode(&released))
	require.Equal(t, temporal.Released{Activities: 1, WorkflowTasks: 1}, released)
}
