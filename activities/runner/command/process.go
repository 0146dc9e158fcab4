//go:build linux

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
)

const (
	// stdoutMax bounds stdout, in bytes, whatever the pipeline says: it is kept in
	// memory, and content belongs in files.
	stdoutMax = 4 << 20
	// stderrTail is how much of the end of stderr is kept, in bytes.
	stderrTail = 16 << 10
)

// process is one run of a program.
type process struct {
	program     *os.File // what is executed
	arguments   []string // with the program's name first
	environment []string
	dir         string
	stdin       io.Reader
	stdoutLimit int64 // bytes
	outputs     *os.Root
	outputLimit int64 // bytes, of everything in outputs
	grace       time.Duration
}

// outcome is how a run ended by itself.
type outcome struct {
	exitCode  int
	signal    syscall.Signal // 0 if it exited
	stdout    []byte
	stderr    []byte // the tail
	overLimit bool   // it was killed because it wrote more than it may
}

// run starts the program and returns once it and all of its process group are
// gone. If ctx ends first, the error is that of ctx, wrapped with what stderr held.
func (p process) run(ctx context.Context) (outcome, error) {
	type ending struct {
		outcome outcome
		err     error
	}
	endings := make(chan ending)
	go func() {
		// The kernel sends the parent-death signal when the thread that started the
		// program ends, not the process: the thread must be ours until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done, err := p.runOnThread(ctx)
		endings <- ending{done, err}
	}()
	end := <-endings
	return end.outcome, end.err
}

func (p process) runOnThread(ctx context.Context) (outcome, error) {
	limited, overLimit := context.WithCancelCause(ctx)
	defer overLimit(nil)
	stdout := &capped{limit: p.stdoutLimit, over: func() { overLimit(errOutputLimit) }}
	stderr := &tail{size: stderrTail}
	name, cmd := p.arguments[0], p.command(stdout, stderr)
	if err := ctx.Err(); err != nil {
		return outcome{}, err
	}
	if err := cmd.Start(); err != nil {
		return outcome{}, runner.Fail(gates.RunnerUnavailable, err, "command %s cannot be started", name)
	}
	pid := cmd.Process.Pid
	watching, stopWatching := context.WithCancel(limited)
	var watch sync.WaitGroup
	watch.Go(func() { watchDiskUse(watching, p.outputs, p.outputLimit, func() { overLimit(errOutputLimit) }) })
	killErr := p.endGroup(limited, pid)
	waitErr := cmd.Wait()
	stopWatching()
	watch.Wait()

	done := outcome{stdout: stdout.kept, stderr: stderr.bytes(), overLimit: errors.Is(context.Cause(limited), errOutputLimit)}
	if err := ctx.Err(); err != nil {
		return done, withDetails(runner.Fail(gates.RunnerFailed, err, "command %s was killed", name), done)
	}
	if killErr != nil {
		return done, runner.Fail(gates.RunnerFailed, killErr, "command %s cannot be ended whole", name)
	}
	if exit := (*exec.ExitError)(nil); waitErr != nil && !errors.As(waitErr, &exit) && !done.overLimit {
		// Something left the group and holds a pipe, or a pipe broke: what was read
		// may not be all.
		return done, withDetails(runner.Fail(gates.RunnerFailed, waitErr, "command %s: its output is not complete", name), done)
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok {
		return done, fmt.Errorf("command %s: no wait status", name)
	}
	done.exitCode = status.ExitStatus()
	if status.Signaled() {
		done.signal = status.Signal()
	}
	return done, nil
}

// command returns the program, ready to start.
func (p process) command(stdout, stderr io.Writer) *exec.Cmd {
	return &exec.Cmd{
		// In the child, the first extra file is descriptor 3. It stays open, which a
		// script needs: its interpreter opens it by this name.
		Path:       "/proc/self/fd/3",
		ExtraFiles: []*os.File{p.program},
		Args:       p.arguments,
		Env:        p.environment,
		Dir:        p.dir,
		Stdin:      p.stdin,
		Stdout:     stdout,
		Stderr:     stderr,
		// Bounds the wait for pipes that a process outside the group still holds.
		WaitDelay:   p.grace,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
}

// endGroup returns once the leader pid of a process group has ended and the whole
// group was sent SIGKILL. When ctx ends before, the group first gets SIGTERM and
// the time of grace.
func (p process) endGroup(ctx context.Context, pid int) error {
	exited := make(chan error, 1)
	go func() { exited <- waitWithoutReaping(pid) }()
	var err error
	select {
	case err = <-exited:
	case <-ctx.Done():
		err = signalGroup(pid, syscall.SIGTERM)
		timer := time.NewTimer(p.grace)
		defer timer.Stop()
		select {
		case waitErr := <-exited:
			err = errors.Join(err, waitErr)
		case <-timer.C:
			err = errors.Join(err, signalGroup(pid, syscall.SIGKILL), <-exited)
		}
	}
	// The leader is not reaped yet, so its id still means this group and no other.
	return errors.Join(err, signalGroup(pid, syscall.SIGKILL))
}

// waitWithoutReaping returns when a child has ended and leaves it a zombie.
func waitWithoutReaping(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("waitid", err)
		}
	}
}

// signalGroup signals every process of a group. One that is gone needs none.
func signalGroup(pgid int, signal syscall.Signal) error {
	if err := syscall.Kill(-pgid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return os.NewSyscallError("kill", err)
	}
	return nil
}
