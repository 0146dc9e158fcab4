package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.temporal.io/sdk/worker"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/casework"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/api/control"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

// Stack is the parts of one process. Close closes what Open opened.
type Stack struct {
	settings  Settings
	store     *store.Store
	artifacts *artifacts.Store
	runners   *runners
	observer  *Observer
	builds    *control.Builds
	signer    *attest.Signer // nil without a key
	trust     mandate.Trust
	targets   *directories
	directory *releases.Directory
	entities  control.Entities
	closers   []func() error
}

// Open opens the stores and migrates nothing: see Migrate.
func Open(ctx context.Context, s Settings) (*Stack, error) {
	k := &Stack{settings: s, observer: s.Observer}
	if err := k.open(ctx); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

func (k *Stack) open(ctx context.Context) (err error) {
	s := k.settings
	if k.store, err = store.Open(ctx, s.Store, store.WithObserver(k.observer.Observe)); err != nil {
		return err
	}
	k.closers = append(k.closers, k.store.Close)
	if err = k.store.CheckSchema(ctx); err != nil {
		return err
	}
	if k.artifacts, err = artifacts.Open(ctx, s.Artifacts); err != nil {
		return err
	}
	k.closers = append(k.closers, k.artifacts.Close)
	if k.runners, err = newRunners(k.artifacts, s); err != nil {
		return err
	}
	k.closers = append(k.closers, k.runners.Close)
	if s.SigningKey != "" {
		if k.signer, err = OpenSigningKey(ctx, s.SigningKey, SigningPatience); err != nil {
			return err
		}
	}
	if k.trust, err = ReadPolicyKeys(s.PolicyKeys); err != nil {
		return err
	}
	if err = k.announce(ctx); err != nil {
		return err
	}
	k.targets = &directories{root: s.Targets, artifacts: k.artifacts, open: map[index.Channel]*target.Directory{}}
	k.closers = append(k.closers, k.targets.Close)
	k.directory = releases.NewDirectory(k.store, k.artifacts, activities.NewReader(k.artifacts, k.trust))
	k.entities = control.Entities{Temporal: s.Temporal}
	k.builds = control.NewBuilds(control.Options{
		Temporal: s.Temporal, Namespace: s.Namespace, Store: k.store, Artifacts: k.artifacts,
		Clock: activities.SystemClock{}, CallbackKey: s.CallbackKey,
	})
	return nil
}

// Migrate brings the record store's schema up to this version.
func Migrate(ctx context.Context, dsn string) error {
	s, err := store.Open(ctx, dsn)
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(ctx), s.Close())
}

// Close closes the stores. The worker and the server must have stopped.
func (k *Stack) Close() error {
	var errs []error
	for i := len(k.closers) - 1; i >= 0; i-- {
		errs = append(errs, k.closers[i]())
	}
	k.closers = nil
	return errors.Join(errs...)
}

// defaultPollers is how many tasks of each kind a worker asks for at once. With
// the SDK's 2, tasks wait for a poller under load.
const defaultPollers = 8

// workerStopTimeout is how long a worker that stops waits for what it runs: time
// for programs to be ended. What is not done by then is done again elsewhere.
const workerStopTimeout = 2 * time.Second

// Worker returns a worker that runs Orgo's workflows and activities. The caller
// starts and stops it.
func (k *Stack) Worker() worker.Worker {
	pollers := k.settings.Pollers
	if pollers == 0 {
		pollers = defaultPollers
	}
	w := worker.New(k.settings.Temporal, workflows.TaskQueue, worker.Options{
		MaxConcurrentWorkflowTaskPollers: pollers,
		MaxConcurrentActivityTaskPollers: pollers,
		WorkerStopTimeout:                workerStopTimeout,
	})
	workflows.Register(w, activities.New(activities.Options{
		Store: k.store, Artifacts: k.artifacts, Runners: k.chosenRunners(),
		Clock: activities.SystemClock{}, Log: k.settings.Log,
		Environment: records.Environment{Name: k.settings.Environment}, Signer: k.signer,
		Events: k.store, WebhookKey: k.settings.CallbackKey, Trust: k.trust,
	}), releases.New(releases.Options{
		Store: k.store, Artifacts: k.artifacts, Clock: activities.SystemClock{}, Trust: k.trust, Targets: k.targets, Channels: k.entities, Callers: workflows.Callers{}, Signer: k.signer,
		Runners: k.chosenRunners(),
	}), casework.New(k.store, activities.SystemClock{}))
	return w
}

func (k *Stack) chosenRunners() activities.Runners {
	if k.settings.Runners == nil {
		return k.runners.registry
	}
	return k.settings.Runners(k.runners.registry, k.artifacts)
}

// Sequencer returns the sequencer of the record store's log, with its key.
func (k *Stack) Sequencer() (*store.Sequencer, error) {
	origin, signers, err := ReadLedgerKeys(k.settings.LedgerKey)
	if err != nil {
		return nil, err
	}
	return k.store.NewSequencer(store.SequencerOptions{
		Origin: origin, Signers: signers, Now: activities.SystemClock{}.Now, Observe: k.observer.Sequenced,
	})
}

// Builds returns the control over builds.
func (k *Stack) Builds() *control.Builds { return k.builds }

// Channels returns the control over channels.
func (k *Stack) Channels() control.Channels {
	return control.Channels{Store: k.store, Entities: k.entities, Clock: activities.SystemClock{}}
}

// Releases returns the control over releases.
func (k *Stack) Releases() control.Releases {
	return control.Releases{Store: k.store, Entities: k.entities, Channels: k.Channels(), Clock: activities.SystemClock{}}
}

// Cases returns the control over Cases and Tasks.
func (k *Stack) Cases() control.Cases {
	return control.Cases{CaseStore: k.store, Policies: k.policies(), Clock: activities.SystemClock{}}
}

func (k *Stack) policies() control.Policies {
	return control.Policies{Store: k.store, Artifacts: k.artifacts, Clock: activities.SystemClock{}, Trust: k.trust}
}

// Telemetry returns the intake of telemetry.
func (k *Stack) Telemetry() control.Telemetry {
	return control.Telemetry{Store: k.store, Releases: k.directory, Clock: activities.SystemClock{}}
}

// Artifacts returns the artifact store.
func (k *Stack) Artifacts() *artifacts.Store { return k.artifacts }

// Store returns the record store.
func (k *Stack) Store() *store.Store { return k.store }

// resumeEvery is how long a build or a release that was recorded while Temporal was away
// may wait once it is back.
const resumeEvery = 15 * time.Second

// Resume hands builds and releases that were recorded and not started to Temporal, now and
// again and again until ctx ends.
func (k *Stack) Resume(ctx context.Context) {
	resuming := control.NewResuming(k.Releases(), k.settings.Namespace)
	for {
		err := errors.Join(k.builds.Resume(ctx, k.settings.Organization), resuming.Pass(ctx, k.settings.Organization))
		if err != nil && ctx.Err() == nil {
			k.settings.Log.Error("what waits could not be resumed, which is tried again", "error", err, "cause", errors.Unwrap(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(resumeEvery):
		}
	}
}

// Handler returns the HTTP API.
func (k *Stack) Handler() (http.Handler, error) {
	tokens, err := api.ReadTokensFile(k.settings.Tokens)
	if err != nil {
		return nil, err
	}
	k.observer.Registry().MustRegister(newCaseGauges(k.store, activities.SystemClock{}, k.settings.Log))
	return api.New(api.Config{
		Builds: k.builds, Keys: control.Keys{Store: k.store, Clock: activities.SystemClock{}},
		Contracts: control.Contracts{Store: k.store, Clock: activities.SystemClock{}},
		Webhooks: control.Webhooks{
			Temporal: k.settings.Temporal, Namespace: k.settings.Namespace, Store: k.store,
			Clock: activities.SystemClock{}, Key: k.settings.CallbackKey,
		},
		Policies: k.policies(),
		Releases: k.Releases(), Channels: k.Channels(), Cases: k.Cases(), Refusals: k.observer.cases,
		Telemetry: k.Telemetry(),
		Reader:    k.store, Ledger: k.store, Events: k.store, Artifacts: k.artifacts,
		Streams:       newStreams(k.observer.Registry()),
		Authenticator: tokens, Log: k.settings.Log, Metrics: k.observer.Handler(),
		Checks: map[string]api.Check{
			"store": k.store.Ping,
			"temporal": func(ctx context.Context) error {
				if _, err := k.settings.Temporal.CheckHealth(ctx, nil); err != nil {
					return fmt.Errorf("temporal: %w", err)
				}
				return nil
			},
		},
	})
}
