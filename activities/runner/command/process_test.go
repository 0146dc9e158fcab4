//go:build linux

package command_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/activities/runner/command"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

const patience = 20 * time.Second

// awaitPID waits until a helper has written its process id.
func awaitPID(t *testing.T, dir, name string) int {
	t.Helper()
	var pid int
	require.Eventually(t, func() bool {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(string(content))
		return err == nil
	}, patience, 5*time.Millisecond)
	return pid
}

// running reports whether a process is there and no zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}

func requireGone(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		require.Eventually(t, func() bool { return !running(pid) }, patience, 5*time.Millisecond, "process %d is still there", pid)
	}
}

func (b bench) family(t *testing.T, dir, mode string) runner.Request {
	t.Helper()
	return b.request(t, records.CommandRunner{Program: executable(t), Args: []string{helperArgument, "family", dir, mode}})
}

// The program and its child both ignore SIGTERM.
func TestCancelKillsTheWholeFamily(t *testing.T) {
	t.Parallel()
	b, dir := setup(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	request := b.family(t, dir, "stay")
	go func() {
		_, err := b.runner.Run(ctx, request, ignoreProgress)
		ended <- err
	}()
	parent, child := awaitPID(t, dir, "parent"), awaitPID(t, dir, "child")
	require.True(t, running(parent))
	require.True(t, running(child))
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	requireGone(t, parent, child)
}

func TestTimeoutKillsAndIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	request := b.request(t, records.CommandRunner{Program: script(t, `echo waiting >&2; exec sleep 1000`)})
	_, err := b.runner.Run(ctx, request, ignoreProgress)
	failure := requireFailure(t, gates.RunnerTimeout, err)
	require.False(t, failure.Final)
	require.Equal(t, "waiting\n", detailsOf(t, failure).StderrTail)
}

func TestSigtermComesFirst(t *testing.T) {
	t.Parallel()
	b, dir := setup(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	request := b.request(t, records.CommandRunner{
		Program: script(t, `trap 'touch "$1/asked"; exit 0' TERM; echo $$ > "$1/new"; mv "$1/new" "$1/ready"; while :; do sleep 0.01; done`),
		Args:    []string{dir},
	})
	go func() {
		_, err := b.runner.Run(ctx, request, ignoreProgress)
		ended <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(dir, "ready")); return err == nil }, patience, 5*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.FileExists(t, filepath.Join(dir, "asked"))
}

// The program ends well and leaves a child behind that holds its stdout. The
// child is killed and does not delay the result.
func TestNothingOutlivesTheProgram(t *testing.T) {
	t.Parallel()
	b, dir := setup(t), t.TempDir()
	// The child may be killed before it has written its id, so the group is
	// observed through the pipe: Run returns only once nobody holds it.
	_, err := b.runner.Run(t.Context(), b.family(t, dir, "leave"), ignoreProgress)
	require.NoError(t, err)
	requireGone(t, awaitPID(t, dir, "parent"))
}

// What leaves the process group and keeps stdout open makes the output doubtful:
// that is a failure, not a hang.
func TestEscapedChildIsNoSuccess(t *testing.T) {
	t.Parallel()
	b, dir := setup(t), t.TempDir()
	_, err := b.runner.Run(t.Context(), b.family(t, dir, "escape"), ignoreProgress)
	requireFailure(t, gates.RunnerFailed, err)
	require.ErrorContains(t, err, "not complete")
	require.NoError(t, syscall.Kill(awaitPID(t, dir, "child"), syscall.SIGKILL))
}

func TestAlreadyCancelledStartsNothing(t *testing.T) {
	t.Parallel()
	b, dir := setup(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.runner.Run(ctx, b.request(t, records.CommandRunner{Program: script(t, "touch "+dir+"/ran")}), ignoreProgress)
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, filepath.Join(dir, "ran"))
}

// worker runs a stubborn program and is killed meanwhile by the test.
func worker(args []string) int {
	store, err := artifacts.Open(context.Background(), "mem://")
	if err != nil {
		return failed(err)
	}
	run, err := command.New(store, command.Options{Dir: args[0], Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return failed(err)
	}
	pinned, err := run.Pin(context.Background(), records.CommandRunner{
		Program: args[1], Args: []string{helperArgument, "stubborn", filepath.Join(args[2], "program")},
	})
	if err != nil {
		return failed(err)
	}
	_, err = run.Run(context.Background(), runner.Request{
		Stage: records.Extract, Config: json.RawMessage("{}"),
		Runner: records.RunnerSettings{Kind: records.RunnerCommand, Command: &pinned},
	}, ignoreProgress)
	return failed(err)
}

// kill -9 of a worker takes its program along, and the next worker clears up.
func TestKilledWorkerLeavesNoProgram(t *testing.T) {
	t.Parallel()
	dir, scratch := t.TempDir(), t.TempDir()
	killed := exec.Command(executable(t), helperArgument, "worker", scratch, executable(t), dir)
	require.NoError(t, killed.Start())
	program := awaitPID(t, dir, "program")
	abandoned, err := os.ReadDir(scratch)
	require.NoError(t, err)
	require.Len(t, abandoned, 1)

	// A worker that starts now must leave the living one's directory alone.
	store, err := artifacts.Open(t.Context(), "mem://")
	require.NoError(t, err)
	defer store.Close()
	options := command.Options{Dir: scratch, Log: slog.New(slog.DiscardHandler)}
	second, err := command.New(store, options)
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(scratch, abandoned[0].Name()))
	require.NoError(t, second.Close())

	require.NoError(t, killed.Process.Kill())
	require.Error(t, killed.Wait())
	requireGone(t, program)
	third, err := command.New(store, options)
	require.NoError(t, err)
	require.NoDirExists(t, filepath.Join(scratch, abandoned[0].Name()))
	require.NoError(t, third.Close())
}
