package store_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// TestBrokenCommit breaks the connection to Postgres at COMMIT, once before the
// server has it and once after it has done it. The client cannot tell these
// apart; the append must end alike, with every entry stored once.
func TestBrokenCommit(t *testing.T) {
	t.Parallel()
	for name, point := range map[string]int32{"the question is lost": loseQuestion, "the answer is lost": loseAnswer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := storetest.Postgres(t)
			require.NoError(t, storetest.Open(t, direct).Migrate(t.Context()))
			proxy := newProxy(t, direct)
			var seen []store.Stored
			s := storetest.Open(t, proxy.dsn, store.WithObserver(func(entry store.Stored) { seen = append(seen, entry) }))

			b := storetest.NewBuilder(t, crashOrganization, name)
			_, err := s.Append(t.Context(), b.Requested())
			require.NoError(t, err)
			proxy.breakAt.Store(point)
			stored, err := s.Append(t.Context(), b.Requested(), b.Pinned("p"))
			require.NoError(t, err)
			require.Zero(t, proxy.breakAt.Load(), "the planted fault must have struck")

			require.Equal(t, []store.Stored{{Entry: b.Requested(), Sequence: 1}, {Entry: b.Pinned("p"), Sequence: 2, New: true}}, stored)
			require.Equal(t, []store.Stored{{Entry: b.Requested(), Sequence: 1, New: true}, stored[1]}, seen)
			entries, err := s.Entries(t.Context(), crashOrganization, b.Subject(), store.EntryQuery{})
			require.NoError(t, err)
			require.Len(t, entries, 2)
			differences, err := s.VerifyReadModel(t.Context())
			require.NoError(t, err)
			require.Empty(t, differences)
		})
	}
}

// TestLostPostgres takes the server away for good.
func TestLostPostgres(t *testing.T) {
	t.Parallel()
	direct := storetest.Postgres(t)
	proxy := newProxy(t, direct)
	s := storetest.Open(t, proxy.dsn)
	require.NoError(t, s.Migrate(t.Context()))
	b := storetest.NewBuilder(t, crashOrganization, "lost")
	_, err := s.Append(t.Context(), b.Requested())
	require.NoError(t, err)

	require.NoError(t, proxy.listener.Close())
	proxy.breakAt.Store(loseQuestion)
	_, appendErr := s.Append(t.Context(), b.Pinned("p"))
	_, readErr := s.Build(t.Context(), crashOrganization, b.BuildID)
	for _, err := range []error{appendErr, readErr, s.Ping(t.Context())} {
		var unavailable *store.Unavailable
		require.ErrorAs(t, err, &unavailable)
	}
}

// Where a proxy breaks the connection, once.
const (
	loseQuestion int32 = iota + 1 // the COMMIT does not reach the server
	loseAnswer                    // the server's answer to it does not come back
)

// proxy stands between a store and a Postgres server.
type proxy struct {
	dsn      string
	server   string // its unix socket
	listener net.Listener
	breakAt  atomic.Int32
}

func newProxy(t *testing.T, dsn string) *proxy {
	t.Helper()
	location, err := url.Parse(dsn)
	require.NoError(t, err)
	parameters := location.Query()
	const socket = ".s.PGSQL.5432"
	p := &proxy{server: filepath.Join(parameters.Get("host"), socket)}
	directory := t.TempDir()
	parameters.Set("host", directory)
	location.RawQuery = parameters.Encode()
	p.dsn = location.String()
	p.listener, err = net.Listen("unix", filepath.Join(directory, socket))
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := p.listener.Close(); err != nil {
			require.ErrorIs(t, err, net.ErrClosed)
		}
	})
	go func() {
		for {
			client, err := p.listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("unix", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	var silent atomic.Bool // the next answer is withheld
	go func() {
		_, _ = io.Copy(withholding{client, &silent}, server)
		_, _ = client.Close(), server.Close()
	}()
	_, _ = io.Copy(watching{server, p, &silent}, client)
	_, _ = client.Close(), server.Close()
}

// errBroken ends a copy where the connection is to break.
var errBroken = errors.New("broken on purpose")

// watching passes on what the client sends, and looks for COMMIT.
type watching struct {
	server net.Conn
	proxy  *proxy
	silent *atomic.Bool
}

func (w watching) Write(message []byte) (int, error) {
	if bytes.Contains(message, []byte("COMMIT")) {
		switch {
		case w.proxy.breakAt.CompareAndSwap(loseQuestion, 0):
			return 0, errBroken
		case w.proxy.breakAt.CompareAndSwap(loseAnswer, 0):
			w.silent.Store(true)
		}
	}
	return w.server.Write(message)
}

// withholding passes on what the server answers, unless it is to be lost.
type withholding struct {
	client net.Conn
	silent *atomic.Bool
}

func (w withholding) Write(message []byte) (int, error) {
	if w.silent.Load() {
		return 0, errBroken
	}
	return w.client.Write(message)
}
