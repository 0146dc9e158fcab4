package ports_test

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/deployments/local/ports"
)

func TestLoopbackRefusesWhatIsNotALoopbackAddress(t *testing.T) {
	t.Parallel()
	for name, addr := range map[string]string{
		"all interfaces":   "0.0.0.0:7700",
		"no host":          ":7700",
		"other host":       "192.0.2.1:7700",
		"name":             "example.org:7700",
		"no port":          "127.0.0.1",
		"port not numeric": "127.0.0.1:http",
		"port too large":   "127.0.0.1:65536",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ports.Loopback("-api", addr)
			var refused *ports.AddressError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, "-api", refused.Flag)
		})
	}
}

func TestLoopbackNamesTheFlagOfABusyPort(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()

	_, err = ports.Loopback("-temporal", listener.Addr().String())
	var busy *ports.BusyError
	require.ErrorAs(t, err, &busy)
	require.Equal(t, listener.Addr().String(), busy.Addr)
	require.ErrorContains(t, err, "-temporal")
}

func TestLoopbackResolvesNamesAndPortZero(t *testing.T) {
	t.Parallel()
	addr, err := ports.Loopback("-api", "localhost:0")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(addr, "127.0.0.1:"))
	n, err := ports.Number(addr)
	require.NoError(t, err)
	require.NotZero(t, n)
}

func TestFreeGivesDistinctPorts(t *testing.T) {
	t.Parallel()
	addrs, err := ports.Free(8)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, addr := range addrs {
		require.False(t, seen[addr], addr)
		seen[addr] = true
	}
	require.Len(t, seen, 8)
}
