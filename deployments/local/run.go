package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/initkoa/orgo/api"
	orgo "github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/deployments/local/datadir"
	"github.com/initkoa/orgo/deployments/local/nodes"
	"github.com/initkoa/orgo/deployments/local/ports"
	"github.com/initkoa/orgo/deployments/local/temporal"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

const (
	startTimeout = 30 * time.Second
	// stopTimeout is how long a clean stop may take before the rest is cut off; a
	// cut loses nothing.
	stopTimeout = 5 * time.Second
	// pollers of each kind halve the tail latency under load.
	pollers = 32
)

// process is the running stack. Its parts are stopped in the reverse order of
// their start.
type process struct {
	settings settings
	dir      *datadir.Dir
	log      *slog.Logger
	url      string
	uiURL    string
	served   chan error // receives why the API ended
	stops    []func()
}

// run starts the stack and serves until ctx ends.
func run(ctx context.Context, s settings, out, errOut io.Writer) (err error) {
	began := time.Now()
	p := &process{settings: s, served: make(chan error, 1)}
	defer p.stop()
	if err := p.start(ctx, errOut); err != nil {
		return err
	}
	if err := p.playNodes(); err != nil {
		return err
	}
	p.banner(out, time.Since(began))
	if s.demo {
		p.demo(ctx, out, errOut)
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "stopping; running builds go on at the next start")
		return nil
	case err := <-p.served:
		return err
	}
}

func (p *process) stop() {
	for i := len(p.stops) - 1; i >= 0; i-- {
		p.stops[i]()
	}
}

func (p *process) onStop(stop func()) { p.stops = append(p.stops, stop) }

func (p *process) start(ctx context.Context, errOut io.Writer) error {
	api, err := ports.Loopback(apiFlag, p.settings.api)
	if err != nil {
		return err
	}
	if p.dir, err = datadir.Open(p.settings.data); err != nil {
		return err
	}
	p.onStop(func() { p.dir.Close() })
	if err := p.openLog(errOut); err != nil {
		return err
	}
	server, err := p.startTemporal(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", api)
	if err != nil {
		return fmt.Errorf("api: %w; choose another address with %s", err, apiFlag)
	}
	p.onStop(func() { listener.Close() })
	p.url = "http://" + listener.Addr().String()
	return p.startOrgo(ctx, server, listener)
}

// openLog opens the log of the stack; warnings also go to the terminal.
func (p *process) openLog(errOut io.Writer) error {
	file, err := os.OpenFile(filepath.Join(p.dir.Path(), "orgo.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	p.onStop(func() { file.Close() })
	p.log = slog.New(slog.NewMultiHandler(
		slog.NewJSONHandler(file, nil),
		slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelError}),
	))
	return nil
}

func (p *process) startTemporal(ctx context.Context) (*temporal.Server, error) {
	file, err := os.OpenFile(p.dir.TemporalLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("temporal log: %w", err)
	}
	p.onStop(func() { file.Close() })
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	server, err := temporal.Start(ctx, temporal.Options{
		DBPath: p.dir.TemporalDB(), FrontendAddr: p.settings.temporal, UIAddr: p.settings.ui,
		SearchAttributes: stack.SearchAttributes(),
		Logger:           slog.New(slog.NewJSONHandler(file, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return nil, err
	}
	p.uiURL = server.UIURL()
	p.onStop(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			p.log.Warn("temporal did not stop cleanly", "error", err)
		}
	})
	return server, nil
}

// identityPrefix begins the identity of every worker that ran in this process
// or in an earlier one on the same data directory.
const identityPrefix = "orgo-local/"

func (p *process) startOrgo(ctx context.Context, server *temporal.Server, listener net.Listener) error {
	identity := identityPrefix + rand.Text()
	observer := stack.NewObserver(p.log)
	metrics, err := observer.TemporalMetrics()
	if err != nil {
		return err
	}
	connection, err := client.DialContext(ctx, client.Options{
		HostPort: server.FrontendAddr(), Namespace: server.Namespace(), Identity: identity,
		Logger: log.NewStructuredLogger(p.log), MetricsHandler: metrics,
	})
	if err != nil {
		return fmt.Errorf("temporal: %w", err)
	}
	p.onStop(connection.Close)

	settings, err := p.stackSettings(connection, server, observer)
	if err != nil {
		return err
	}
	if err := stack.Migrate(ctx, settings.Store); err != nil {
		return err
	}
	orgo, err := stack.Open(ctx, settings)
	if err != nil {
		return err
	}
	p.onStop(func() {
		if err := orgo.Close(); err != nil {
			p.log.Warn("the stores did not close cleanly", "error", err)
		}
	})
	// What an earlier process was doing when it was killed is tried again now,
	// not when its heartbeat is missed.
	if _, err := server.ReleaseLostTasks(ctx, func(worker string) bool {
		return strings.HasPrefix(worker, identityPrefix) && worker != identity
	}); err != nil {
		return err
	}
	sequencer, err := orgo.Sequencer()
	if err != nil {
		return err
	}
	p.onStop(stack.Beside(sequencer.Run))
	worker := orgo.Worker()
	if err := worker.Start(); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	p.onStop(worker.Stop)
	p.onStop(stack.Beside(orgo.Resume))
	relay, err := orgo.Relay()
	if err != nil {
		return err
	}
	p.onStop(stack.Beside(relay.Run))
	followers, err := orgo.Followers()
	if err != nil {
		return err
	}
	p.onStop(stack.Beside(followers))
	check, err := orgo.LedgerCheck()
	if err != nil {
		return err
	}
	p.onStop(stack.Beside(check))
	return p.serve(orgo, listener)
}

func (p *process) stackSettings(connection client.Client, server *temporal.Server, observer *stack.Observer) (stack.Settings, error) {
	// Who works alone has every team's work, and sees everything.
	token, err := p.dir.Token(stack.Username(), records.DefaultOrganization, append(routing.Teams(), api.RoleAdmin))
	if err != nil {
		return stack.Settings{}, err
	}
	key, err := p.callbackKey()
	if err != nil {
		return stack.Settings{}, err
	}
	path := p.dir.Path()
	ledgerKey := filepath.Join(path, "ledger.key")
	if err := stack.EnsureKey(ledgerKey, func(path string) error {
		return stack.CreateLedgerKey(path, "orgo.local/"+strings.ToLower(rand.Text()))
	}); err != nil {
		return stack.Settings{}, err
	}
	signingKey := filepath.Join(path, "signing.key")
	if err := stack.EnsureKey(signingKey, stack.CreateSigningKey); err != nil {
		return stack.Settings{}, err
	}
	policyKeys := filepath.Join(path, "policy-keys.yaml")
	if _, err := os.Stat(policyKeys); errors.Is(err, fs.ErrNotExist) {
		policyKeys = ""
	}
	scratch := filepath.Join(path, "scratch")
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return stack.Settings{}, fmt.Errorf("scratch directory: %w", err)
	}
	return stack.Settings{
		Store:     store.SQLiteDSN(filepath.Join(path, "orgo.db")),
		Artifacts: "file://" + filepath.Join(path, "artifacts"),
		Tokens:    p.dir.TokensFile(), Organization: records.DefaultOrganization,
		PublicURL: p.url, CallbackKey: key, LedgerKey: ledgerKey, LedgerCheckEvery: ledgerCheckEvery, SigningKey: signingKey, PolicyKeys: policyKeys, Environment: "local", Pollers: pollers, Scratch: scratch,
		Targets: filepath.Join(path, targetsDir), RelayInterval: time.Second,
		Temporal: connection, Namespace: server.Namespace(), Observer: observer, Log: p.log,
	}, p.dir.Publish(p.url, token)
}

// callbackKey returns the key of the data directory, made at its first start.
func (p *process) callbackKey() ([]byte, error) {
	path := filepath.Join(p.dir.Path(), "callback.key")
	key, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	rand.Read(key) // never fails
	return key, os.WriteFile(path, key, 0o600)
}

func (p *process) serve(orgo *stack.Stack, listener net.Listener) error {
	handler, err := orgo.Handler()
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(context.Background())
	go func() {
		p.served <- stack.Serve(serving, listener, handler)
		close(p.served) // whoever stops the stack later need not wait for it
	}()
	p.onStop(func() {
		stop()
		<-p.served
	})
	return nil
}

// ledgerCheckEvery is how often the whole log is checked: at each start, and then.
const ledgerCheckEvery = 10 * time.Minute

// targetsDir, in the data directory, has a directory target for each channel.
const targetsDir = "targets"

// faultsFile, in the data directory, has the executions of played nodes fail.
const faultsFile = "faults.json"

// playNodes plays the nodes of channels in this process, through the API, if that is
// asked for.
func (p *process) playNodes() error {
	if p.settings.nodes == 0 && !p.settings.demo {
		return nil
	}
	options, err := orgo.FromDirectory(p.dir.Path())
	if err != nil {
		return err
	}
	connection, err := orgo.New(options)
	if err != nil {
		return err
	}
	fleet, err := nodes.New(nodes.Options{
		API: connection, Nodes: p.settings.nodes, FaultsFile: filepath.Join(p.dir.Path(), faultsFile), Seed: 1, Log: p.log,
	})
	if err != nil {
		return err
	}
	p.onStop(stack.Beside(fleet.Run))
	return nil
}

func (p *process) banner(out io.Writer, took time.Duration) {
	fmt.Fprintf(out, `Orgo is ready (%.1f s).

  API              %s
  Temporal Web UI  %s
  data             %s

In another terminal:

  go run ./cmd/orgo build start --input PATH --wait
  go run ./cmd/orgo build list

Ctrl-C stops it; everything is kept in the data directory.

`, took.Seconds(), p.url, p.uiURL, p.dir.Path())
}
