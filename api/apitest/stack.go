// Package apitest runs the real API over a real store and real artifacts, for
// tests. Only the choke points are doubles: that for builds writes the entries that a
// build of a chosen outcome would leave, those for releases and channels have them in
// memory.
package apitest

import (
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// The callers that the server knows, by token. Bob is of another organization, Carol of
// alice's, and so is Dora, who is an admin; and "Alice\u200b" is who alice is when she wants to be two.
const (
	TokenAlice = "token-of-alice"
	TokenBob   = "token-of-bob"
	TokenCarol = "token-of-carol"
	TokenTwin  = "token-of-twin"
	TokenDora  = "token-of-dora"
	OtherOrg   = "00000000-0000-4000-8000-000000000002"
)

// Stack is a running API and its parts.
type Stack struct {
	URL       string
	Store     *store.Store
	Artifacts *artifacts.Store
	// Directory is where the artifact store keeps its files.
	Directory string
	Builds    *Builds
	Releases  *Releases
	Channels  *Channels
	// Cut breaks all connections that callers have.
	Cut func()
}

// New starts a stack that ends with the test. Change may change its config.
func New(t testing.TB, change ...func(*api.Config)) *Stack {
	t.Helper()
	return On(t, "sqlite://"+filepath.Join(t.TempDir(), "orgo.db"), change...)
}

// On is New over the empty database of a DSN.
func On(t testing.TB, dsn string, change ...func(*api.Config)) *Stack {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	s := &Stack{Directory: filepath.Join(dir, "artifacts")}
	var err error
	s.Store, err = store.Open(ctx, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Store.Close()) })
	require.NoError(t, s.Store.Migrate(ctx))
	s.Artifacts, err = artifacts.Open(ctx, "file://"+s.Directory)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Artifacts.Close()) })
	s.Builds = &Builds{store: s.Store, artifacts: s.Artifacts}
	s.Releases, s.Channels = &Releases{store: s.Store}, &Channels{}

	s.serve(t, change...)
	return s
}

// Over starts another server over the stores of a stack.
func Over(t testing.TB, s *Stack, change ...func(*api.Config)) *Stack {
	t.Helper()
	another := *s
	another.serve(t, change...)
	return &another
}

func (s *Stack) serve(t testing.TB, change ...func(*api.Config)) {
	t.Helper()
	tokens, err := api.NewStaticTokens([]api.TokenEntry{
		{TokenSHA256: api.HashToken(TokenAlice), Actor: "alice", Organization: records.DefaultOrganization, Roles: []string{"operator"}},
		{TokenSHA256: api.HashToken(TokenCarol), Actor: "carol", Organization: records.DefaultOrganization, Roles: []string{"operators"}},
		{TokenSHA256: api.HashToken(TokenTwin), Actor: "Alice\u200b", Organization: records.DefaultOrganization},
		{TokenSHA256: api.HashToken(TokenDora), Actor: "dora", Organization: records.DefaultOrganization, Roles: []string{api.RoleAdmin}},
		{TokenSHA256: api.HashToken(TokenBob), Actor: "bob", Organization: OtherOrg},
	})
	require.NoError(t, err)
	config := api.Config{
		Builds: s.Builds, Releases: s.Releases, Channels: s.Channels, Cases: s.Cases(), Keys: control.Keys{Store: s.Store, Clock: activities.SystemClock{}},
		Contracts: control.Contracts{Store: s.Store, Clock: activities.SystemClock{}},
		// Without a key no webhook is served: that takes a Temporal server, and is tested with one.
		Webhooks:  control.Webhooks{Store: s.Store, Clock: activities.SystemClock{}},
		Policies:  control.Policies{Store: s.Store, Artifacts: s.Artifacts, Clock: activities.SystemClock{}},
		Telemetry: control.Telemetry{Store: s.Store, Releases: control.NoReleases{}, Clock: activities.SystemClock{}},
		Reader:    s.Store, Artifacts: s.Artifacts, Ledger: s.Store, Events: s.Store, Authenticator: tokens,
		Log:    slog.New(slog.DiscardHandler),
		Checks: map[string]api.Check{"store": s.Store.Ping},
	}
	for _, c := range change {
		c(&config)
	}
	handler, err := api.New(config)
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s.URL, s.Cut = server.URL, server.CloseClientConnections
}

// Client returns a client that calls as alice.
func (s *Stack) Client(t testing.TB) *client.Client {
	t.Helper()
	return s.As(t, TokenAlice)
}

// As returns a client that calls with a token.
func (s *Stack) As(t testing.TB, token string) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{URL: s.URL, Token: token})
	require.NoError(t, err)
	return c
}

// Cases is the real control over Cases: they need nothing but the store.
func (s *Stack) Cases() control.Cases {
	clock := activities.SystemClock{}
	return control.Cases{CaseStore: s.Store, Policies: control.Policies{Store: s.Store, Artifacts: s.Artifacts, Clock: clock}, Clock: clock}
}

// LogTo has the server write its log as JSON lines to w.
func LogTo(w io.Writer) func(*api.Config) {
	return func(c *api.Config) { c.Log = slog.New(slog.NewJSONHandler(w, nil)) }
}
