package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clusterOnly is set for the process that TestClusterEndsWithItsProcess ends: it
// starts a cluster, says where, and waits.
const clusterOnly = "ORGO_STORETEST_CLUSTER_ONLY"

func TestMain(m *testing.M) {
	if os.Getenv(clusterOnly) != "" {
		server, err := sharedCluster()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(server.directory)
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestClusterEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	Postgres(t) // skips, or fails, where there is none
	for name, end := range map[string]func(*exec.Cmd, io.Closer) error{
		"that ends":      func(_ *exec.Cmd, stdin io.Closer) error { return stdin.Close() },
		"that is killed": func(process *exec.Cmd, _ io.Closer) error { return process.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := os.Executable()
			require.NoError(t, err)
			process := exec.CommandContext(t.Context(), program)
			process.Env = append(os.Environ(), clusterOnly+"=1")
			process.Stderr = os.Stderr
			stdin, err := process.StdinPipe()
			require.NoError(t, err)
			stdout, err := process.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, process.Start())
			directory, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			directory = strings.TrimSpace(directory)
			server := serverProcess(t, directory)
			require.NoError(t, syscall.Kill(server, 0), "the server must run")

			require.NoError(t, end(process, stdin))
			_ = process.Wait() // it fails for the one that was killed
			require.Eventually(t, func() bool {
				_, err := os.Stat(directory)
				return errors.Is(err, os.ErrNotExist) && errors.Is(syscall.Kill(server, 0), syscall.ESRCH)
			}, 30*time.Second, 20*time.Millisecond, "server %d or directory %s is left", server, directory)
		})
	}
}

// serverProcess returns the process id that the server has written down.
func serverProcess(t *testing.T, directory string) int {
	content, err := os.ReadFile(directory + "/data/postmaster.pid")
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(content), "\n")
	id, err := strconv.Atoi(first)
	require.NoError(t, err)
	return id
}
