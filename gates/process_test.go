package gates_test

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
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/gatestest"
	"github.com/initkoa/orgo/records"
)

// inAnotherProcess is set in the process that decides what it reads and no more.
const inAnotherProcess = "ORGO_DECIDE"

func TestMain(m *testing.M) {
	if os.Getenv(inAnotherProcess) == "" {
		os.Exit(m.Run())
	}
	as := asDecided
	if os.Getenv(inAnotherProcess) == plantedProcess {
		as = markedByProcess
	}
	if err := decideAll(os.Stdin, os.Stdout, as); err != nil {
		panic(err)
	}
}

// plantedProcess is the other process with a fault: its decisions hold something of it.
const plantedProcess = "planted"

func asDecided(d gates.Decision) gates.Decision { return d }

func markedByProcess(d gates.Decision) gates.Decision {
	d.Actor += fmt.Sprint(os.Getpid())
	return d
}

// decideAll reads trials as JSON lines and writes their decisions, canonical.
func decideAll(in io.Reader, out io.Writer, as func(gates.Decision) gates.Decision) error {
	bySubject := map[gates.Gate]anySubject{}
	for _, s := range subjects() {
		bySubject[s.gate] = s
	}
	compiled := map[records.Digest]gates.Ruleset{}
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
		rules, there := compiled[x.Policy.Digest]
		if !there {
			if rules, err = x.Policy.Compile(); err != nil {
				return err
			}
			compiled[x.Policy.Digest] = rules
		}
		d, err := bySubject[x.Gate].decide(x.context(rules), x.Evidence)
		if err != nil {
			return err
		}
		canonical, err := records.Canonical(as(d))
		if err != nil {
			return err
		}
		if _, err := buffered.Write(append(canonical, '\n')); err != nil {
			return err
		}
	}
}

// drawn returns so many trials of every gate.
func drawn(t *testing.T, each int) []trial {
	t.Helper()
	var trials []trial
	for _, s := range subjects() {
		pool := s.pool(t)
		generator := rapid.Custom(func(t *rapid.T) trial {
			x, _ := s.draw(t, pool, 5, true)
			return x
		})
		for seed := range each {
			trials = append(trials, generator.Example(seed))
		}
	}
	return trials
}

// decisionsOf decides trials here, one line each.
func decisionsOf(t *testing.T, trials []trial) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, decideAll(bytes.NewReader(lines(trials)), &out, asDecided))
	return out.Bytes()
}

func lines(trials []trial) []byte {
	var text bytes.Buffer
	for _, x := range trials {
		text.Write(append(marshalled(x), '\n'))
	}
	return text.Bytes()
}

// decidedElsewhere decides trials in a process that shares nothing with this one,
// where maps come in other orders.
func decidedElsewhere(t *testing.T, trials []trial, how string) []byte {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(self)
	command.Env = append(os.Environ(), inAnotherProcess+"="+how)
	command.Stdin = bytes.NewReader(lines(trials))
	out, err := command.Output()
	require.NoError(t, err)
	return out
}

// The same inputs give the same bytes in another process.
func TestAnotherProcessDecidesTheSame(t *testing.T) {
	t.Parallel()
	trials := drawn(t, gatestest.Cases(t, 200))
	here := decisionsOf(t, trials)
	require.Equal(t, len(trials), bytes.Count(here, []byte("\n")))
	require.True(t, bytes.Equal(here, decidedElsewhere(t, trials, "1")))
	require.False(t, bytes.Equal(here, decidedElsewhere(t, trials, plantedProcess)), "a planted fault is seen")
	t.Logf("%d decisions, %d bytes", len(trials), len(here))
}

// shuffled returns a document with every list in another order whose order
// carries no meaning. Maps have none when they are decoded.
func shuffled(random *rand.Rand, document json.RawMessage) json.RawMessage {
	var root any
	if err := json.Unmarshal(document, &root); err != nil {
		panic(err)
	}
	shuffle(random, root, "")
	return marshalled(root)
}

func shuffle(random *rand.Rand, value any, path string) {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			shuffle(random, member, path+"/"+key)
		}
	case []any:
		for _, element := range v {
			shuffle(random, element, path)
		}
		if !ordered(path) && path != "/before/outputs" && path != "/before/decisions" && path != "/outputs/first_violations" {
			random.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		}
	}
}

// The order of lists does not show, where it carries no meaning: it does in
// stages behind, what they yielded and decided, and in the first violations.
func TestOrderDoesNotShow(t *testing.T) {
	t.Parallel()
	trials := drawn(t, gatestest.Cases(t, 200))
	want := decisionsOf(t, trials)
	random := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		for i := range trials {
			trials[i].Evidence = shuffled(random, trials[i].Evidence)
		}
		require.Equal(t, string(want), string(decisionsOf(t, trials)))
	}
}

// A planted fault: a gate that took the first of what has no order is seen.
func TestOrderThatShowsIsSeen(t *testing.T) {
	t.Parallel()
	document := marshalled(gates.Reproduction{Expected: []records.Artifact{artifact("a", "1", "x"), artifact("b", "2", "x")}})
	random := rand.New(rand.NewPCG(1, 2))
	first := map[string]bool{}
	for range 20 {
		var r gates.Reproduction
		require.NoError(t, json.Unmarshal(shuffled(random, document), &r))
		first[r.Expected[0].Name] = true
	}
	require.Len(t, first, 2)
}

// firstOf returns one trial of a gate, which passes.
func firstOf(t *testing.T, s anySubject) (trial, gates.Ruleset) {
	t.Helper()
	pool := s.pool(t)[:1]
	x := rapid.Custom(func(t *rapid.T) trial {
		x, _ := s.draw(t, pool, 0, false)
		return x
	}).Example(1)
	d, err := s.decide(x.context(pool[0]), x.Evidence)
	require.NoError(t, err)
	require.True(t, d.Permits())
	return x, pool[0]
}
