package target_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
)

// publisherEnv tells the test program to be a publisher in that directory.
const publisherEnv = "ORGO_TEST_PUBLISHER"

// telling writes a line before each step, which its parent counts.
type telling struct{}

func (telling) Before(step string) error {
	_, err := fmt.Println(step)
	return err
}

// TestPublisherProcess is not a test but the process that the tests below kill. It
// publishes one index after another until then.
func TestPublisherProcess(t *testing.T) {
	root := os.Getenv(publisherEnv)
	if root == "" {
		t.Skip("only for the tests that start it")
	}
	store, err := artifacts.Open(t.Context(), "file://"+filepath.Join(root, "store"))
	require.NoError(t, err)
	b := bench{filepath.Join(root, "targets"), store}
	dir := b.open(t, telling{})
	expected := []gates.Code{gates.TargetBusy, gates.PublishFenced, gates.PackNotDistributed}
	for {
		found := observe(t, dir)
		sequence := int64(1)
		if found.Index != nil {
			sequence = found.Index.Sequence + 1
		}
		next := b.index(t, sequence, sequence)
		err := dir.Distribute(t.Context(), packs(next)...)
		if err == nil {
			err = dir.Publish(t.Context(), next)
		}
		if err != nil {
			requireOneOf(t, expected, err)
		}
	}
}

// Two publishers at a time are killed, again and again, wherever they are.
func TestKilledPublishersLeaveAWholeIndex(t *testing.T) {
	t.Parallel()
	b := setup(t)
	publish(t, b.open(t, target.Unwatched{}), b.index(t, 1, 1))
	last := int64(1)
	for range 15 {
		first, second := startPublisher(t, b), startPublisher(t, b)
		first.killAfter(t, 1+rand.IntN(40))
		second.killAfter(t, 1+rand.IntN(40))
		found := observe(t, b.open(t, target.Unwatched{}))
		require.True(t, found.Fine(), "%+v", found)
		require.GreaterOrEqual(t, found.Index.Sequence, last)
		last = found.Index.Sequence
	}
	require.Greater(t, last, int64(1), "publishers published")
}

type publisher struct {
	command *exec.Cmd
	lines   *bufio.Scanner
}

func startPublisher(t *testing.T, b bench) publisher {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPublisherProcess$")
	command.Env = append(os.Environ(), publisherEnv+"="+filepath.Dir(b.root))
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	return publisher{command, bufio.NewScanner(out)}
}

func (p publisher) killAfter(t *testing.T, steps int) {
	t.Helper()
	for range steps {
		require.True(t, p.lines.Scan(), "the publisher ended by itself: %v", p.lines.Err())
		require.NotContains(t, p.lines.Text(), "FAIL")
	}
	require.NoError(t, p.command.Process.Kill())
	require.Error(t, p.command.Wait())
}
