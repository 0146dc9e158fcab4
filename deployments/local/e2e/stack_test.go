//go:build linux

package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	temporal "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// stack is the local stack on a data directory. It is killed and started again as
// its test likes, always on the same addresses.
type stack struct {
	dir       string
	addresses map[string]string // by flag
	process   *process
	orgo      *client.Client
}

// newStack starts a stack on a new data directory.
func newStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{dir: filepath.Join(t.TempDir(), "data"), addresses: freeAddresses(t)}
	s.start(t)
	return s
}

// start starts the process and waits until it says that it is ready.
func (s *stack) start(t *testing.T) {
	t.Helper()
	p := spawn(t, programs.stack, s.args()...)
	s.process = p
	eventually(t, "the stack is ready, or has ended", func() bool {
		return strings.Contains(p.out.String(), "Orgo is ready") || !p.running()
	})
	require.True(t, p.running(), "the stack ended:\n%s", &p.err)
	options, err := client.FromDirectory(s.dir)
	require.NoError(t, err)
	s.orgo, err = client.New(options)
	require.NoError(t, err)
}

func (s *stack) args() []string {
	args := []string{"-data", s.dir}
	for flag, address := range s.addresses {
		args = append(args, flag, address)
	}
	return args
}

// restart kills the process and starts it again on what it left behind.
func (s *stack) restart(t *testing.T) {
	t.Helper()
	s.process.kill()
	s.start(t)
}

// result is what a command of the command line did.
type result struct {
	code     int
	out, err string
}

// cli runs a command against the stack, to its end.
func (s *stack) cli(t *testing.T, args ...string) result {
	t.Helper()
	p := spawn(t, programs.orgo, append(args, "--data", s.dir)...)
	code := p.wait(t)
	return result{code: code, out: p.out.String(), err: p.err.String()}
}

// temporal connects to the embedded server as any Temporal client would.
func (s *stack) temporal(t *testing.T) temporal.Client {
	t.Helper()
	c, err := temporal.Dial(temporal.Options{
		HostPort: s.addresses["-temporal"], Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// begin starts a build under an idempotency key and returns its id.
func (s *stack) begin(t *testing.T, request client.StartBuild, key string) string {
	t.Helper()
	view, err := s.orgo.Start(t.Context(), request, key)
	require.NoError(t, err)
	return view.BuildID
}

// view returns a build as it is now.
func (s *stack) view(t *testing.T, id string) records.BuildView {
	t.Helper()
	view, err := s.orgo.Build(t.Context(), id)
	require.NoError(t, err)
	return view
}

// until waits until a build is as a test wants it.
func (s *stack) until(t *testing.T, id, what string, holds func(records.BuildView) bool) records.BuildView {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last records.BuildView
	for view, err := range s.orgo.Watch(ctx, id) {
		require.NoError(t, err, "build %s: waiting until %s", id, what)
		if last = view; holds(view) {
			return view
		}
	}
	require.FailNow(t, "the build has ended", "build %s is %s %v, and never %s", id, last.State, last.Codes, what)
	return last
}

// end waits until a build has ended, in the given state.
func (s *stack) end(t *testing.T, id string, state records.BuildState) records.BuildView {
	t.Helper()
	view := s.until(t, id, "it has ended", func(view records.BuildView) bool { return view.State.Terminal() })
	require.Equal(t, state, view.State, "build %s: %v", id, view.Codes)
	return view
}

// waits waits until a build waits for an operator, in the given generation.
func (s *stack) waits(t *testing.T, id string, generation int) records.BuildView {
	t.Helper()
	return s.until(t, id, fmt.Sprintf("it waits in generation %d", generation), func(view records.BuildView) bool {
		return view.State == records.BuildWaiting && view.Generation == generation
	})
}

// entries returns everything that is recorded of a build.
func (s *stack) entries(t *testing.T, id string) []client.StoredEntry {
	t.Helper()
	var all []client.StoredEntry
	for after := int64(0); ; {
		page, err := s.orgo.Entries(t.Context(), id, after, 1000)
		require.NoError(t, err)
		if len(page.Entries) == 0 {
			return all
		}
		all, after = append(all, page.Entries...), page.Next
	}
}

// freeAddresses chooses an address for each flag that takes one. The ports lie
// below those that the kernel gives to connections (ip(7), ip_local_port_range):
// otherwise a client that tries to reach a killed stack could take its port.
func freeAddresses(t *testing.T) map[string]string {
	t.Helper()
	const lowest, highest = 20000, 32000
	addresses := map[string]string{}
	for _, flag := range []string{"-api", "-temporal", "-ui"} {
		for addresses[flag] == "" {
			address := fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(highest-lowest))
			listener, err := net.Listen("tcp", address)
			if err != nil {
				continue
			}
			// Held until all are chosen, so that no two flags get the same.
			defer listener.Close()
			addresses[flag] = address
		}
	}
	return addresses
}
