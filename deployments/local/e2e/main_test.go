//go:build linux

// Package e2e_test runs the local stack and the command line as their users do: as
// programs, on data directories of their own, killed without notice where that is
// what a test is about.
package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// programs are the two programs under test. TestMain builds them once, before any
// test runs.
var programs struct{ stack, orgo string }

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "orgo-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	programs.stack, programs.orgo = filepath.Join(dir, "local"), filepath.Join(dir, "orgo")
	// Without symbols the linker needs a fifth of the time.
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir+string(filepath.Separator),
		"github.com/initkoa/orgo/deployments/local", "github.com/initkoa/orgo/cmd/orgo")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return m.Run(), nil
}
