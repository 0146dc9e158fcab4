package temporal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/metrics"
	temporalserver "go.temporal.io/server/temporal"

	"github.com/initkoa/orgo/deployments/local/ports"
)

// The flags of the local stack that choose the addresses, as errors name them.
const (
	FrontendFlag = "-temporal"
	UIFlag       = "-ui"
)

// DefaultNamespace is the namespace that Options.Namespace stands for when empty.
const DefaultNamespace = "default"

// DefaultRetention is how long a closed workflow's history is kept when Options.Retention is zero. Orgo's
// own records do not depend on it.
const DefaultRetention = 30 * 24 * time.Hour

// abandonTimeout bounds the stop of a server whose start failed.
const abandonTimeout = 10 * time.Second

// Options say what to start.
type Options struct {
	DBPath       string // SQLite file; created, with its schema, when missing. Its directory must exist.
	FrontendAddr string // loopback HOST:PORT for SDK clients; port 0 picks a free one
	UIAddr       string // loopback HOST:PORT for the Web UI; empty for none
	Namespace    string // made when missing; DefaultNamespace when empty
	Retention    time.Duration

	// SearchAttributes are the custom search attributes of the namespace. They can be used as soon as
	// Start returns. One that an earlier start made stays.
	SearchAttributes map[string]enumspb.IndexedValueType

	// Logger receives what the server logs. The server logs much that is benign; pass one that keeps only
	// warnings and errors.
	Logger *slog.Logger

	// Untuned starts the server with its own default settings. It exists so that a benchmark can show
	// what the tuning is worth.
	Untuned bool
}

func (o Options) withDefaults() Options {
	if o.Namespace == "" {
		o.Namespace = DefaultNamespace
	}
	if o.Retention == 0 {
		o.Retention = DefaultRetention
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Server is a running server. Its methods may be called from several goroutines.
type Server struct {
	frontendAddr string
	namespace    string
	server       temporalserver.Server
	ui           *webUI // nil without one
	interrupted  []Execution
}

// Start starts the server, and returns when it answers for the namespace and its history shard.
//
// Addresses are checked first: errors are then *ports.AddressError or *ports.BusyError, which name the
// flag to change. *SchemaVersionError says that the file was made by another version, and
// *SearchAttributeError that an attribute cannot be had. ctx bounds the wait for readiness, not the life of
// the server.
func Start(ctx context.Context, options Options) (*Server, error) {
	options = options.withDefaults()
	frontendAddr, err := ports.Loopback(FrontendFlag, options.FrontendAddr)
	if err != nil {
		return nil, err
	}
	var uiAddr string
	if options.UIAddr != "" {
		if uiAddr, err = ports.Loopback(UIFlag, options.UIAddr); err != nil {
			return nil, err
		}
	}

	database := database{path: options.DBPath}
	if err := database.prepare(ctx); err != nil {
		return nil, err
	}
	logger := serverLogger{out: options.Logger}
	namespaceID, err := ensureNamespace(ctx, database.config(), options, logger)
	if err != nil {
		return nil, err
	}
	interrupted, err := database.openExecutions(ctx, namespaceID)
	if err != nil {
		return nil, err
	}

	hosts, err := allotHosts(frontendAddr)
	if err != nil {
		return nil, err
	}
	settings := tuning()
	if options.Untuned {
		settings = nil
	}
	server, err := temporalserver.NewServer(
		temporalserver.ForServices(temporalserver.DefaultServices),
		temporalserver.WithConfig(serverConfig(database.config(), hosts)),
		temporalserver.WithStaticHosts(hosts.static()),
		temporalserver.WithDynamicConfigClient(settings),
		temporalserver.WithLogger(logger),
		temporalserver.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporalserver.WithCustomMetricsHandler(metrics.NoopMetricsHandler),
	)
	if err != nil {
		return nil, fmt.Errorf("set up the temporal server on %s: %w", options.DBPath, err)
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start the temporal server on %s: %w", frontendAddr, errors.Join(err, server.Stop()))
	}

	s := &Server{frontendAddr: frontendAddr, namespace: options.Namespace, server: server, interrupted: interrupted}
	if uiAddr != "" {
		if s.ui, err = startWebUI(uiAddr, frontendAddr, options.Namespace); err != nil {
			return nil, errors.Join(err, s.abandon(ctx))
		}
	}
	if err := s.waitUntilReady(ctx); err != nil {
		return nil, errors.Join(err, s.abandon(ctx))
	}
	return s, nil
}

// abandon stops a server whose start failed, also when it failed because ctx ended.
func (s *Server) abandon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	return s.Stop(ctx)
}

// FrontendAddr returns the host:port for SDK clients.
func (s *Server) FrontendAddr() string { return s.frontendAddr }

// Namespace returns the namespace that Start made or found.
func (s *Server) Namespace() string { return s.namespace }

// UIURL returns the address of the Web UI for a browser, or "" without one.
func (s *Server) UIURL() string {
	if s.ui == nil {
		return ""
	}
	return "http://" + s.ui.addr
}

// Stop stops the Web UI and the server. Stop the workers and close the clients first. When ctx ends before
// the server has stopped, Stop returns ctx's error and leaves the rest to the end of the process: what was
// acknowledged is on disk at all times.
func (s *Server) Stop(ctx context.Context) error {
	if s.ui != nil {
		s.ui.stop()
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.server.Stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			return fmt.Errorf("stop the temporal server on %s: %w", s.frontendAddr, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the temporal server on %s: %w", s.frontendAddr, ctx.Err())
	}
}
