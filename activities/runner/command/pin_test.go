//go:build linux

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func TestPinMakesEveryChoice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	program := script(t, "exit 0")
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	digest := records.DigestOf(content)

	pinned := b.pin(t, records.CommandRunner{
		Program: filepath.Dir(program) + "/./program.sh", Args: []string{"a"}, Environment: []string{"B", "A", "B"},
	})
	require.Equal(t, records.CommandRunner{
		Program: program, Args: []string{"a"}, Environment: []string{"A", "B"}, Digest: &digest, MaxOutput: 64 << 20,
	}, pinned)
	require.Equal(t, pinned, b.pin(t, pinned), "pinning again changes nothing")
}

func TestPinRefuses(t *testing.T) {
	t.Parallel()
	dir, program := t.TempDir(), script(t, "exit 0")
	plain := filepath.Join(dir, "plain")
	require.NoError(t, os.WriteFile(plain, nil, 0o600))
	other := records.DigestOf([]byte("other"))
	tests := map[string]struct {
		settings records.CommandRunner
		code     gates.Code
	}{
		"name on the search path": {records.CommandRunner{Program: "sh"}, gates.PinFloating},
		"relative path":           {records.CommandRunner{Program: "./sh"}, gates.PinFloating},
		"nothing":                 {records.CommandRunner{}, gates.PinFloating},
		"absent":                  {records.CommandRunner{Program: dir + "/absent"}, gates.RunnerUnavailable},
		"directory":               {records.CommandRunner{Program: dir}, gates.RunnerUnavailable},
		"not executable":          {records.CommandRunner{Program: plain}, gates.RunnerUnavailable},
		"other digest":            {records.CommandRunner{Program: program, Digest: &other}, gates.RunnerChanged},
		"negative limit":          {records.CommandRunner{Program: program, MaxOutput: -1}, gates.PinInvalid},
		"value in environment":    {records.CommandRunner{Program: program, Environment: []string{"A=b"}}, gates.PinInvalid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t).runner.Pin(t.Context(), test.settings)
			requireFailure(t, test.code, err)
		})
	}
}

func TestOnlyThePinnedProgramRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	program := script(t, `echo '{"outputs":[]}'`)
	request := b.request(t, records.CommandRunner{Program: program})
	_, err := b.runner.Run(t.Context(), request, ignoreProgress)
	require.NoError(t, err)

	// The planted fault: one byte more, same behaviour.
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho '{\"outputs\":[]}' \n"), 0o700))
	_, err = b.runner.Run(t.Context(), request, ignoreProgress)
	require.True(t, requireFailure(t, gates.RunnerChanged, err).Final)

	require.NoError(t, os.Remove(program))
	_, err = b.runner.Run(t.Context(), request, ignoreProgress)
	require.False(t, requireFailure(t, gates.RunnerUnavailable, err).Final, "it may be installed again")

	request.Runner.Command.Digest = nil
	_, err = b.runner.Run(t.Context(), request, ignoreProgress)
	requireFailure(t, gates.PinFloating, err)
}

// What runs is a copy that nobody can change, so there is no time between check
// and use: the program itself tries to write to it, as its owner.
func TestRunningProgramCannotBeChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, change := range []string{`truncate -s +1 /proc/self/fd/3`, `printf X 1<> /proc/self/fd/3`, `truncate -s 1 /proc/self/fd/3`} {
		_, err := b.sh(t, `if (`+change+`) 2>/dev/null; then exit 0; fi; exit 42`)
		require.Equal(t, 42, detailsOf(t, requireFailure(t, gates.RunnerFailed, err)).ExitCode, change)
	}
}

func TestProgramThatCannotStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, content := range []string{"#!/no/such/interpreter\n", "neither a script nor a binary", strings.Repeat("\x7fELF", 4)} {
		program := filepath.Join(t.TempDir(), "program")
		require.NoError(t, os.WriteFile(program, []byte(content), 0o700))
		_, err := b.runner.Run(t.Context(), b.request(t, records.CommandRunner{Program: program}), ignoreProgress)
		requireFailure(t, gates.RunnerUnavailable, err)
	}
}
