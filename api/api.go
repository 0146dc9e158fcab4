package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/initkoa/orgo/api/builtin"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// Config is what the API works with. Limits, Checks and Metrics may be left out, and
// so may Releases and Channels, both or none, and Cases: there are no such paths then.
type Config struct {
	Builds        Builds
	Releases      Releases
	Channels      Channels
	Cases         Cases
	Keys          Keys
	Contracts     Contracts
	Webhooks      Webhooks
	Policies      Policies
	Telemetry     Telemetry
	Reader        Reader
	Artifacts     Artifacts
	Ledger        Ledger
	Events        Events
	Authenticator Authenticator
	Log           *slog.Logger
	// Checks say by name whether a part that the server needs is there.
	Checks map[string]Check
	// Metrics serves /metrics; without it there is no such path.
	Metrics http.Handler
	// Streams observes the event streams, if it is given.
	Streams StreamObserver
	// Refusals hears of what is refused to those who change Cases, if it is given.
	Refusals CaseObserver
	Limits   Limits
}

// Check returns nil if a part of the system answers.
type Check func(ctx context.Context) error

// Limits bound what a caller may ask for. Zero fields mean the defaults.
type Limits struct {
	RequestBytes  int64         // of a JSON body; 16 MiB
	ArtifactBytes int64         // of an uploaded artifact; 4 GiB
	BodyTimeout   time.Duration // to send a JSON body; 30 s
	Wait          time.Duration // of a long poll; 60 s
	Streams       int           // event streams at a time; 256
	Heartbeat     time.Duration // between signs of life of an event stream; 15 s, and less than a minute
	EventWrite    time.Duration // for a consumer to take one event; 10 s
	EventPoll     time.Duration // between looks for leaves that another process added; 1 s
}

func (l Limits) withDefaults() Limits {
	if l.RequestBytes <= 0 {
		l.RequestBytes = 16 << 20
	}
	if l.ArtifactBytes <= 0 {
		l.ArtifactBytes = 4 << 30
	}
	if l.BodyTimeout <= 0 {
		l.BodyTimeout = 30 * time.Second
	}
	if l.Wait <= 0 {
		l.Wait = time.Minute
	}
	return l.withStreamDefaults()
}

type server struct {
	builds        Builds
	releases      Releases
	channels      Channels
	cases         Cases
	refusals      CaseObserver
	keys          Keys
	contracts     Contracts
	webhooks      Webhooks
	policies      Policies
	telemetry     Telemetry
	reader        Reader
	artifacts     Artifacts
	ledger        Ledger
	authenticator Authenticator
	log           *slog.Logger
	checks        map[string]Check
	limits        Limits
	events        *eventStreams
	gossip        gossip
	format        huma.Format
	builtin       builtin.Documents
}

// New returns the handler of the whole API.
func New(config Config) (http.Handler, error) {
	if config.Builds == nil || config.Keys == nil || config.Contracts == nil || config.Webhooks == nil || config.Policies == nil || config.Telemetry == nil || config.Reader == nil || config.Artifacts == nil || config.Ledger == nil || config.Events == nil || config.Authenticator == nil || config.Log == nil {
		return nil, fmt.Errorf("api: builds, keys, contracts, webhooks, policies, telemetry, reader, artifacts, ledger, events, authenticator and log must all be given")
	}
	if (config.Releases == nil) != (config.Channels == nil) {
		return nil, fmt.Errorf("api: releases and channels must be given both or not at all")
	}
	documents, err := builtin.Load()
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	s := &server{
		builds: config.Builds, releases: config.Releases, channels: config.Channels, cases: config.Cases, refusals: config.Refusals, keys: config.Keys, contracts: config.Contracts, webhooks: config.Webhooks, policies: config.Policies, telemetry: config.Telemetry, reader: config.Reader, artifacts: config.Artifacts, ledger: config.Ledger,
		authenticator: config.Authenticator, log: config.Log, checks: config.Checks,
		limits: config.Limits.withDefaults(), format: jsonFormat(), builtin: documents,
	}
	s.gossip.ledger = config.Ledger
	s.events = newEventStreams(config.Events, config.Streams, s.limits)
	mux := http.NewServeMux()
	api := humago.New(mux, s.humaConfig())
	s.registerBuilds(api)
	if config.Releases != nil {
		s.registerReleases(api)
		s.registerReleaseActions(api)
		s.registerRollback(api)
		s.registerRevocations(api)
		s.registerChannels(api)
	}
	if config.Cases != nil {
		s.registerCases(api)
	}
	s.registerRecords(api)
	s.registerArtifacts(api)
	s.registerReasons(api)
	s.registerEvents(api)
	s.registerLedger(api)
	s.registerKeys(api)
	s.registerContracts(api)
	s.registerWebhooks(api)
	s.registerPolicies(api)
	s.registerTelemetry(api)
	s.registerCallbacks(api)
	s.registerHealth(api)
	if config.Metrics != nil {
		mux.Handle("GET /metrics", config.Metrics)
	}
	// Served by hand: huma would make the document at the first request, without
	// a lock.
	document, err := json.Marshal(api.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("api: openapi document: %w", err)
	}
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(document) // the caller is gone; there is nobody to tell
	})
	return s.wrap(s.gossiping(routed(mux))), nil
}

// humaConfig is built by hand: the defaults bring pages that load scripts from
// other hosts, links to schemas in every answer, and no strict JSON.
func (s *server) humaConfig() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "Orgo",
				Version:     records.OrgoVersion,
				Description: "The control plane of Orgo: builds and releases, their records and their artifacts.",
			},
			Components: &huma.Components{
				Schemas:         registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{bearer: {Type: "http", Scheme: "bearer"}},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": s.format, "json": s.format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{transformErrors},
	}
	problemSchema := registry.Schema(typeOf[client.Problem](), true, "Problem")
	config.OnAddOperation = []huma.AddOpFunc{func(_ *huma.OpenAPI, op *huma.Operation) {
		op.Responses["default"] = &huma.Response{
			Description: "A refusal or failure",
			Content:     map[string]*huma.MediaType{mediaProblem: {Schema: problemSchema}},
		}
	}}
	return config
}
