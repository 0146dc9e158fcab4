// Package activities has the side effects of Orgo's workflows: it pins, runs
// stages, verifies what they yield, and writes records. It decides nothing; it
// gathers the evidence on which gates decide, in workflow code.
package activities

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/store"
)

// Store is what activities need of the record store.
type Store interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	Build(ctx context.Context, organization, buildID string) (records.BuildView, error)
	Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error)
	Output(ctx context.Context, organization, key string) (records.Entry, bool, error)
}

// Runners knows every way in which a stage can be done.
type Runners interface {
	// Pin makes every choice that a runner's settings leave open and checks the
	// stage's config, so that a bad one is refused before the build runs.
	Pin(ctx context.Context, stage records.Stage, settings records.StageSettings) (records.RunnerSettings, error)
	// Runner returns the runner that does stage as pinned.
	Runner(stage records.Stage, settings records.RunnerSettings) (runner.Runner, error)
}

// Clock tells the time. Workflow code never uses it.
type Clock interface{ Now() time.Time }

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now returns the current time in UTC.
func (SystemClock) Now() time.Time { return time.Now().UTC() }

// Activities are the activities of Orgo's workflows. Its exported methods are
// registered with a worker under the names in workflows/names.go.
type Activities struct {
	store       Store
	artifacts   *artifacts.Store
	runners     Runners
	clock       Clock
	log         *slog.Logger
	environment records.Environment
	signer      *attest.Signer
	events      EventLog
	webhookKey  []byte
	webhooks    *http.Client
	reader      *Reader
	checked     *Cache[checkedKey, []byte]
	stages      StageLog
}

// checkedKey names a document that was checked, by its digest and what it is.
type checkedKey struct {
	digest records.Digest
	what   string
}

// checkedSize bounds how many checked documents are kept.
const checkedSize = 256

// Options are the parts that activities work with; all but those of attestations
// and webhooks are required.
type Options struct {
	Store       Store
	Artifacts   *artifacts.Store
	Runners     Runners
	Clock       Clock
	Log         *slog.Logger
	Environment records.Environment
	// Signer attests the records of builds; without one they are not attested.
	Signer *attest.Signer
	// Events and WebhookKey serve webhooks.
	Events     EventLog
	WebhookKey []byte
	// Trust says whose signatures count, on policy bundles and on outputs.
	Trust mandate.Trust
}

// New returns activities over the given parts.
func New(o Options) *Activities {
	return &Activities{
		store: o.Store, artifacts: o.Artifacts, runners: o.Runners, clock: o.Clock,
		log: o.Log, environment: o.Environment, signer: o.Signer,
		events: o.Events, webhookKey: o.WebhookKey, webhooks: newWebhookClient(), reader: NewReader(o.Artifacts, o.Trust),
		checked: NewCache[checkedKey, []byte](checkedSize), stages: NewStageLog(o.Store, o.Clock),
	}
}
