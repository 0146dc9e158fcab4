package routing_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// inAnotherProcess is set in the process that routes what it reads and no more.
const inAnotherProcess = "ORGO_ROUTE"

// planted is the other process with a fault: its routes hold something of it.
const planted = "planted"

func TestMain(m *testing.M) {
	as := os.Getenv(inAnotherProcess)
	if as == "" {
		os.Exit(m.Run())
	}
	if err := routeAll(os.Stdin, os.Stdout, as); err != nil {
		panic(err)
	}
}

// trial is one Case to route.
type trial struct {
	Facts routing.Facts
	Rules routing.Rules
}

// routeAll reads trials as JSON lines and writes their routes and why, canonical.
func routeAll(in io.Reader, out io.Writer, as string) error {
	decoder, buffered := json.NewDecoder(in), bufio.NewWriter(out)
	for {
		var x trial
		err := decoder.Decode(&x)
		if err == io.EOF {
			return buffered.Flush()
		}
		if err != nil {
			return err
		}
		route, why := routing.Route(x.Facts, x.Rules)
		if as == planted {
			route.Label += fmt.Sprint(os.Getpid())
		}
		canonical, err := records.Canonical(map[string]any{"route": route, "why": why, "text": why.String(), "problem": route.Problem()})
		if err != nil {
			return err
		}
		if _, err := buffered.Write(append(canonical, '\n')); err != nil {
			return err
		}
	}
}

// some returns up to n of values, in any order.
func some[V any](random *rand.Rand, n int, values ...V) []V {
	var chosen []V
	for range random.IntN(n + 1) {
		chosen = append(chosen, values[random.IntN(len(values))])
	}
	return chosen
}

// drawn returns trials of random facts under random rules, a third of them built in.
func drawn(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	reasons := known().Reasons
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	channels := []string{"", "production/stable", "staging/canary", "live/stable"}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for range n {
		x := trial{Facts: routing.Facts{
			Organization: organization, Cause: cases.CauseKinds()[random.IntN(len(cases.CauseKinds()))],
			Reasons: some(random, 4, reasons...), Channel: channels[random.IntN(len(channels))],
			Active: random.IntN(2) == 0, Incident: random.IntN(4) > 0, Occurrences: random.IntN(4), Affected: random.IntN(3),
		}}
		if stages := some(random, 1, records.Spine()...); stages != nil {
			x.Facts.Stage = stages[0]
		}
		if random.IntN(3) > 0 {
			rest := to("rest")
			x.Rules = routing.Rules{Source: "p/r", Config: routing.Config{Production: some(random, 1, "live"), Default: &rest}}
			for i := range random.IntN(6) {
				x.Rules.Rules = append(x.Rules.Rules, rule(fmt.Sprint("r", i), routing.When{
					Codes: some(random, 3, codes...), Classes: some(random, 2, "F1", "F3", "F7"), Severities: some(random, 1, routing.Severities()...),
					Causes: some(random, 2, cases.CauseKinds()...), Channels: some(random, 1, "*/*", "production/*", "*/stable"),
				}))
			}
		}
		if err := encoder.Encode(x); err != nil {
			panic(err)
		}
	}
	return text.Bytes()
}

// The same facts under the same rules are the same route in another process, where
// maps come in other orders.
func TestAnotherProcessRoutesTheSame(t *testing.T) {
	t.Parallel()
	n := gatestest.Cases(t, 10_000)
	trials := drawn(n)
	var here bytes.Buffer
	require.NoError(t, routeAll(bytes.NewReader(trials), &here, "here"))
	require.Equal(t, n, bytes.Count(here.Bytes(), []byte("\n")))
	elsewhere := func(as string) []byte {
		self, err := os.Executable()
		require.NoError(t, err)
		command := exec.Command(self)
		command.Env = append(os.Environ(), inAnotherProcess+"="+as)
		command.Stdin = bytes.NewReader(trials)
		out, err := command.Output()
		require.NoError(t, err)
		return out
	}
	require.True(t, bytes.Equal(here.Bytes(), elsewhere("1")))
	require.False(t, bytes.Equal(here.Bytes(), elsewhere(planted)), "a planted fault is seen")
	rules := map[string]bool{}
	for line := range bytes.Lines(here.Bytes()) {
		var x struct {
			Route   cases.Route `json:"route"`
			Problem string      `json:"problem"`
		}
		require.NoError(t, json.Unmarshal(line, &x))
		require.Empty(t, x.Problem)
		rules[x.Route.Rule] = true
	}
	require.Greater(t, len(rules), 20, "many rules decide")
	t.Logf("%d routes by %d rules, %d bytes", n, len(rules), here.Len())
}

// The order of reasons does not show: they are a set.
func TestTheOrderOfReasonsDoesNotShow(t *testing.T) {
	t.Parallel()
	want, why := routing.Route(incident(f1, f2, f3, f7), routing.Rules{})
	for _, codes := range [][]string{{f7, f3, f2, f1}, {f2, f1, f7, f3, f3}} {
		route, because := routing.Route(incident(codes...), routing.Rules{})
		require.Equal(t, want, route)
		require.Equal(t, why.String(), because.String())
	}
}
