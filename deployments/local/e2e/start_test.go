//go:build linux

package e2e_test

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

// stopLimit is how long a stack may take to stop when it is asked to.
const stopLimit = 6 * time.Second

// interrupt asks the process to end as Ctrl-C does, and returns its exit code and
// how long it took.
func (p *process) interrupt(t *testing.T) (code int, took time.Duration) {
	t.Helper()
	asked := time.Now()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGINT))
	code = p.wait(t)
	return code, time.Since(asked)
}

func TestTheDemoPassesAndTheStackStopsOnInterrupt(t *testing.T) {
	t.Parallel()
	s := &stack{dir: filepath.Join(t.TempDir(), "data"), addresses: freeAddresses(t)}
	s.process = spawn(t, programs.stack, append(s.args(), "-demo")...)
	eventually(t, "the demo has ended", func() bool {
		return strings.Contains(s.process.out.String(), "The demo is at") || !s.process.running()
	})
	out := s.process.out.String()
	ready := regexp.MustCompile(`Orgo is ready \((\d+\.\d) s\)`).FindStringSubmatch(out)
	require.NotNil(t, ready, out)
	t.Logf("ready after %s s", ready[1])
	for _, text := range []string{
		"http://" + s.addresses["-api"], "http://" + s.addresses["-ui"], s.dir,
		"state     PASSED", "exchange_ref", "blocked-pipeline.yaml",
		"phase    ROLLED_BACK: METRIC_OUT_OF_BOUNDS", "orgo.rollback.completed", "by orgo/rollback",
	} {
		require.Contains(t, out, text)
	}
	require.Len(t, regexp.MustCompile(`(?m)^phase +CLOSED_GOOD$`).FindAllString(out, -1), 3)
	require.True(t, s.process.running(), "it stays up for a look around")
	code, took := s.process.interrupt(t)
	require.Equal(t, 0, code, &s.process.err)
	require.Less(t, took, stopLimit)
	t.Logf("stopped after %v", took)
}

func TestAnInterruptedStackGoesOnWithTheStageThatRan(t *testing.T) {
	t.Parallel()
	for _, execution := range []records.Execution{records.ExecuteRemote, records.ExecuteInline} {
		t.Run(string(execution), func(t *testing.T) {
			p := newPlayed(t, func(player) {}, executed(execution), patient(records.Extract))
			pid := p.extractor.awaitStart(t, 1)
			code, took := p.process.interrupt(t)
			require.Equal(t, 0, code, &p.process.err)
			require.Less(t, took, stopLimit)
			require.Contains(t, p.process.out.String(), "stopping; running builds go on at the next start")
			t.Logf("stopped after %v", took)
			gone(t, "the stage's program", pid)

			p.extractor.set(t, "go")
			p.start(t)
			p.end(t, p.id, records.BuildPassed)
			requireRecordedOnce(t, p.stack, p.id)
		})
	}
}

func TestATakenAddressIsAnErrorThatNamesItsFlag(t *testing.T) {
	for flag := range freeAddresses(t) {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer listener.Close()
			s := &stack{dir: t.TempDir(), addresses: freeAddresses(t)}
			s.addresses[flag] = listener.Addr().String() // taken from the beginning on
			p := spawn(t, programs.stack, s.args()...)
			require.Equal(t, 1, p.wait(t))
			require.Contains(t, p.err.String(), s.addresses[flag])
			require.Contains(t, p.err.String(), "choose another address with "+flag)
			require.Equal(t, 1, strings.Count(p.err.String(), "\n"), "one line and no panic: %s", &p.err)
		})
	}
}

func TestADataDirectoryIsUsedByOneProcess(t *testing.T) {
	s := newStack(t)
	second := &stack{dir: s.dir, addresses: freeAddresses(t)}
	p := spawn(t, programs.stack, second.args()...)
	require.Equal(t, 1, p.wait(t))
	require.Contains(t, p.err.String(), fmt.Sprintf("%s is in use by process %d", s.dir, s.process.cmd.Process.Pid))
	require.Contains(t, p.err.String(), "-data")
	s.end(t, s.begin(t, demoRequest(t, s, demoCorpus), "undisturbed"), records.BuildPassed)
}
