package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/workflows"
)

// Deployment is what the server, the worker and migrate are told.
type Deployment struct {
	Store       string        `mapstructure:"store"`
	Artifacts   string        `mapstructure:"artifacts"`
	Temporal    string        `mapstructure:"temporal"`
	Namespace   string        `mapstructure:"namespace"`
	Listen      string        `mapstructure:"listen"`
	Tokens      string        `mapstructure:"tokens"`
	PublicURL   string        `mapstructure:"public-url"`
	CallbackKey string        `mapstructure:"callback-key"`
	LedgerKey   string        `mapstructure:"ledger-key"`
	LedgerCheck time.Duration `mapstructure:"ledger-check-every"`
	SigningKey  string        `mapstructure:"signing-key"`
	PolicyKeys  string        `mapstructure:"policy-keys"`
	InputRoots  []string      `mapstructure:"input-root"`
	Targets     string        `mapstructure:"targets"`
	Environment string        `mapstructure:"environment"`
	Pollers     int           `mapstructure:"pollers"`
}

// inputRoots returns the roots, never nil: without one no file is an input. Whoever
// may start a build could otherwise have any file that the worker can read.
func (d Deployment) inputRoots() []string { return append([]string{}, d.InputRoots...) }

// EnvironmentNames turns the name of a setting into that of its variable.
func EnvironmentNames() *strings.Replacer { return strings.NewReplacer("-", "_") }

// Role is a part of Orgo that a process plays until ctx ends.
type Role func(ctx context.Context, d Deployment) error

// stopTimeout is how long requests may take to end once the process must.
const stopTimeout = 10 * time.Second

// RunServer serves the API.
func RunServer(ctx context.Context, d Deployment) error {
	d.SigningKey = "" // the worker's
	return withStack(ctx, d, func(k *Stack) error {
		handler, err := k.Handler()
		if err != nil {
			return err
		}
		sequencer, err := k.Sequencer()
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", d.Listen)
		if err != nil {
			return fmt.Errorf("api: %w; choose another address with --listen", err)
		}
		check, err := k.LedgerCheck()
		if err != nil {
			return err
		}
		defer Beside(sequencer.Run)()
		relay, err := k.Relay()
		if err != nil {
			return err
		}
		followers, err := k.Followers()
		if err != nil {
			return err
		}
		defer Beside(k.store.Listen)()
		defer Beside(k.Resume)()
		defer Beside(relay.Run)()
		defer Beside(followers)()
		defer Beside(check)()
		return Serve(ctx, listener, handler)
	})
}

// Beside runs work beside the caller until stop is called; stop returns once it
// has ended.
func Beside(work func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		work(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// Serve serves handler on listener until ctx ends, then lets requests end.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return api.BaseContext(ctx) },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("api: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return server.Close()
	}
	return nil
}

// RunWorker runs workflows and activities.
func RunWorker(ctx context.Context, d Deployment) error {
	if d.SigningKey == "" {
		return errors.New("no signing key is named: make one with \"orgo audit keygen FILE --purpose attestation\" and give it with --signing-key FILE; or give a key in a KMS with --signing-key SCHEME://KEY")
	}
	d.LedgerKey = "" // the server's
	return withStack(ctx, d, func(k *Stack) error {
		defer Beside(k.store.Listen)()
		worker := k.Worker()
		if err := worker.Start(); err != nil {
			return fmt.Errorf("worker: %w", err)
		}
		<-ctx.Done()
		worker.Stop()
		return nil
	})
}

func withStack(ctx context.Context, d Deployment, run func(*Stack) error) error {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	observer := NewObserver(logger)
	metrics, err := observer.TemporalMetrics()
	if err != nil {
		return err
	}
	connection, err := client.DialContext(ctx, client.Options{
		HostPort: d.Temporal, Namespace: d.Namespace, Logger: log.NewStructuredLogger(logger), MetricsHandler: metrics,
	})
	if err != nil {
		return fmt.Errorf("temporal at %s: %w", d.Temporal, err)
	}
	defer connection.Close()
	settings := Settings{
		Store: d.Store, Artifacts: d.Artifacts, Tokens: d.Tokens, Organization: records.DefaultOrganization,
		PublicURL: d.PublicURL, InputRoots: d.inputRoots(), LedgerKey: d.LedgerKey, LedgerCheckEvery: d.LedgerCheck, SigningKey: d.SigningKey, PolicyKeys: d.PolicyKeys, Targets: d.Targets, Environment: d.Environment, Pollers: d.Pollers,
		Temporal: connection, Namespace: d.Namespace, Observer: observer, Log: logger,
	}
	if d.CallbackKey != "" {
		if settings.CallbackKey, err = os.ReadFile(d.CallbackKey); err != nil {
			return fmt.Errorf("callback key: %w", err)
		}
	}
	k, err := Open(ctx, settings)
	if err != nil {
		return err
	}
	return errors.Join(run(k), k.Close())
}

// SearchAttributes are the search attributes that Orgo's workflows set.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		workflows.AttributeBuildID:      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.AttributeStage:        enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.AttributeState:        enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.AttributeReasonCode:   enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
		workflows.AttributeChannel:      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.AttributeRelease:      enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		workflows.AttributeOrganization: enumspb.INDEXED_VALUE_TYPE_KEYWORD,
	}
}

// RunMigrate brings the record store's schema up to this version and registers
// the search attributes in the Temporal namespace. It returns when they can be
// used.
func RunMigrate(ctx context.Context, d Deployment) error {
	if err := Migrate(ctx, d.Store); err != nil {
		return err
	}
	connection, err := client.DialContext(ctx, client.Options{HostPort: d.Temporal, Namespace: d.Namespace})
	if err != nil {
		return fmt.Errorf("temporal at %s: %w", d.Temporal, err)
	}
	defer connection.Close()
	_, err = connection.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: d.Namespace, SearchAttributes: SearchAttributes(),
	})
	var exists *serviceerror.AlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("search attributes of namespace %s: %w", d.Namespace, err)
	}
	return awaitSearchAttributes(ctx, connection, d.Namespace)
}

const (
	// attributesPatience is how long a Temporal server may take to know attributes
	// that were registered: its caches are refreshed every minute at the latest.
	attributesPatience = 2 * time.Minute
	attributesPoll     = 250 * time.Millisecond
)

// awaitSearchAttributes waits until the server takes a query with every attribute.
// Before that it refuses workflows that have them.
func awaitSearchAttributes(ctx context.Context, connection client.Client, namespace string) error {
	var terms []string
	for _, name := range slices.Sorted(maps.Keys(SearchAttributes())) {
		terms = append(terms, name+" IS NULL")
	}
	query := &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: strings.Join(terms, " AND ")}
	ctx, cancel := context.WithTimeout(ctx, attributesPatience)
	defer cancel()
	for {
		_, err := connection.CountWorkflow(ctx, query)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(attributesPoll):
		case <-ctx.Done():
			return fmt.Errorf("search attributes of namespace %s are registered, and the server does not know them yet: %w; run migrate again", namespace, err)
		}
	}
}
