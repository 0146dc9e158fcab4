//go:build linux

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

// playScript does a stage by putting out what its directory holds: what the stage
// yielded in an earlier build. Its test says when, by making the file "go", and may
// have it fail, by making the file "fail". It says that it runs, and as which
// process, in the file "started". With the file "child" it first starts a process
// that does not end when asked to.
const playScript = `#!/bin/sh
set -eu
cat > /dev/null
if [ -e "$1/fail" ]; then echo "told to fail" >&2; exit 3; fi
if [ -e "$1/child" ]; then
  (trap '' TERM; exec sleep 600) > /dev/null 2>&1 &
  echo $! >> "$1/children"
fi
echo $$ >> "$1/started"
until [ -e "$1/go" ]; do sleep 0.02; done
cp -R "$1/outputs/." outputs/
cat "$1/answer.json"
`

// player is a program that stands in for a stage.
type player struct{ dir, program string }

// newPlayer returns a player of what a stage of a build has yielded.
func newPlayer(t *testing.T, s *stack, view records.BuildView, stage records.Stage) player {
	t.Helper()
	p := player{dir: t.TempDir()}
	p.program = filepath.Join(p.dir, "play.sh")
	require.NoError(t, os.WriteFile(p.program, []byte(playScript), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(p.dir, "outputs"), 0o700))

	type file struct {
		Name      string `json:"name,omitempty"`
		Path      string `json:"path,omitempty"`
		MediaType string `json:"media_type"`
		File      string `json:"file"`
	}
	files := 0
	put := func(f file, digest records.Digest) file {
		files++
		f.File = strconv.Itoa(files)
		require.NoError(t, os.WriteFile(filepath.Join(p.dir, "outputs", f.File), s.content(t, digest), 0o600))
		return f
	}
	answer := map[string][]file{"outputs": {}}
	for _, o := range view.Step(stage).Outputs {
		answer["outputs"] = append(answer["outputs"], put(file{Name: o.Name, Path: o.Path, MediaType: o.Ref.MediaType}, o.Ref.Digest))
	}
	if stage == records.Ingest {
		for _, f := range s.snapshot(t, view).Files {
			answer["contents"] = append(answer["contents"], put(file{MediaType: f.MediaType}, f.Digest))
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "answer.json"), marshal(t, answer), 0o600))
	return p
}

// runner is the player as a pipeline names it.
func (p player) runner() records.RunnerSettings {
	return records.RunnerSettings{Kind: records.RunnerCommand, Version: "1.0.0", Command: &records.CommandRunner{
		Program: p.program, Args: []string{p.dir},
	}}
}

// set makes a file that tells the player something; unset removes it.
func (p player) set(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, name), nil, 0o600))
}

func (p player) unset(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, os.Remove(filepath.Join(p.dir, name)))
}

// started returns the ids of the processes in which the player has begun to play.
func (p player) started(t *testing.T) []int { return p.pids(t, "started") }

// awaitStart waits until the player has begun to play n times, and returns the id
// of the process that was the last to begin.
func (p player) awaitStart(t *testing.T, n int) int {
	t.Helper()
	eventually(t, fmt.Sprintf("%s has begun %d times", p.program, n), func() bool { return len(p.started(t)) >= n })
	started := p.started(t)
	require.Len(t, started, n)
	return started[n-1]
}

func (p player) pids(t *testing.T, name string) []int {
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	var pids []int
	// What follows the last line break is not written whole yet.
	for line := range strings.Lines(string(text)) {
		if number, whole := strings.CutSuffix(line, "\n"); whole {
			pid, err := strconv.Atoi(number)
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

// gone waits until a process has ended.
func gone(t *testing.T, what string, pid int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%s, process %d, has ended", what, pid), func() bool { return !alive(pid) })
}

// endAtLast makes sure that a process does not outlive the test, whatever the test
// finds.
func endAtLast(t *testing.T, pid int) {
	t.Cleanup(func() {
		if alive(pid) {
			// Between the two calls it may end by itself.
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
}

// alive reports whether a process runs: it is there and no zombie, as proc(5)
// tells after the command's closing parenthesis.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, found := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
	return found && !strings.HasPrefix(state, "Z") && !strings.HasPrefix(state, "X")
}
