package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/ledger"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// Builds is the choke point for every mutation of a build. What it does not
// allow it refuses with a *Refusal.
type Builds interface {
	// Start starts the build that a request asks for. The same key with the same
	// request is the same build; with another request it is refused with
	// IDEMPOTENCY_KEY_REUSED.
	Start(ctx context.Context, request records.BuildRequest) (records.BuildView, error)
	// Stop ends a build, at the next safe boundary or now.
	Stop(ctx context.Context, organization, buildID string, now bool, by Identity, reason string) (records.BuildView, error)
	// Retry runs a waiting build again from a stage.
	Retry(ctx context.Context, organization, buildID string, stage records.Stage, by Identity, reason string) (records.BuildView, error)
	// Override overrides a gate at whose refusal a build waits, if its policy lets it.
	Override(ctx context.Context, organization, buildID string, override client.OverrideGate, by Identity) (records.BuildView, error)
	// CompleteCallback takes a runner's late answer. It checks the signature and
	// refuses with CALLBACK_SIGNATURE_INVALID.
	CompleteCallback(ctx context.Context, callback Callback) error
}

// Releases is the choke point for every mutation of a release. What it does not
// allow it refuses with a *Refusal; what is not there is store.ErrNotFound.
type Releases interface {
	// Create records what a release is asked to do, and starts it. The same key with
	// the same request is the same release; with another request it is refused with
	// IDEMPOTENCY_KEY_REUSED.
	Create(ctx context.Context, organization string, request release.Request, by Identity, reason string) (release.Record, error)
	// Act records that somebody asks for an action on a release and has it carried
	// out. The same key is the same action.
	Act(ctx context.Context, organization, releaseID string, command records.Command, key string, by Identity, reason string) (release.Record, error)
	Release(ctx context.Context, organization, releaseID string) (release.Record, error)
	// List returns a page of releases, newest first, and the next cursor.
	List(ctx context.Context, organization string, query ReleaseQuery) (releases []release.Record, next string, err error)
	// Revoke revokes what a cause names on every channel; quarantine is the form of it
	// that can be taken back.
	Revoke(ctx context.Context, organization string, cause RevokeCause, quarantine bool, key string, by Identity, reason string) (RevokeResult, error)
}

// Channels is the choke point for every mutation of a channel, as Releases is for
// releases.
type Channels interface {
	Act(ctx context.Context, organization string, channel records.ChannelName, command records.Command, key string, by Identity, reason string) (rollout.Record, error)
	Channel(ctx context.Context, organization string, channel records.ChannelName) (rollout.Record, error)
	// List returns every channel, by name.
	List(ctx context.Context, organization string) ([]rollout.Record, error)
}

// ReleaseQuery selects releases. Zero fields select all.
type ReleaseQuery struct {
	Channel records.ChannelName
	Phase   string // of gates/rollout
	Cursor  string // the page after the one that returned it
	Limit   int
}

// RevokeCause names packs: one, or all that came from something. Exactly one field is
// set.
type RevokeCause struct {
	Pack          records.Digest // the digest of its content
	Release       string         // the pack of this release
	Snapshot      records.Digest // built from this snapshot
	RunnerVersion string         // made by a runner of this version
	Key           string         // signed with this key, or attested with it
}

// RevokeResult is what a cause came to.
type RevokeResult struct {
	Packs    []records.Digest
	Channels []records.ChannelName // that were told
	Known    []records.ChannelName // that knew it already
}

// Keys is the control over the keys that sign.
type Keys interface {
	// Retire says that what a key signs counts no more from now on.
	Retire(ctx context.Context, organization, keyID string, by Identity, reason string) (records.KeyRetirement, error)
}

// Contracts is the control over contract sets.
type Contracts interface {
	// Pin records that a contract set was pinned, once for each manifest, and
	// returns what was recorded first.
	Pin(ctx context.Context, organization string, set records.ContractsPinned, by Identity) (store.Stored, error)
}

// Webhooks is the control over webhooks.
type Webhooks interface {
	// Create records a webhook and starts it, and returns what its deliveries are
	// signed with.
	Create(ctx context.Context, organization string, webhook event.Webhook, by Identity, reason string) (secret string, err error)
	Status(ctx context.Context, organization, id string) (event.WebhookStatus, error)
	List(ctx context.Context, organization string) ([]event.WebhookStatus, error)
	Redrive(ctx context.Context, organization, id string, by Identity, reason string) error
	Delete(ctx context.Context, organization, id string, by Identity, reason string) error
}

// Policies is the control over policy bundles.
type Policies interface {
	// Read reads a bundle, refuses it with a *mandate.Error or a *Refusal, and stores
	// it in canonical form, which the reference is to.
	Read(ctx context.Context, organization string, named PolicyName) (mandate.Bundle, records.Ref, error)
	// Register makes a bundle known by its digest. The same is registered once.
	Register(ctx context.Context, organization string, sent []byte, by Identity, reason string) (PolicyRegistration, error)
	// List returns a page of what is registered, newest first, and the next cursor.
	List(ctx context.Context, organization, cursor string, limit int) ([]PolicyRegistration, string, error)
	// Backtest decides anew what was decided, under another policy.
	Backtest(ctx context.Context, organization string, rules gates.Ruleset, query BacktestQuery) (*gates.Backtest, error)
}

// Telemetry takes samples of telemetry.
type Telemetry interface {
	// Accept stores what of the samples counts, or is counted apart, and says what
	// became of each.
	Accept(ctx context.Context, organization string, samples []json.RawMessage) (client.TelemetryResult, error)
}

// PolicyName names a policy bundle: by the digest under which it was registered, or
// by its text, in YAML or JSON.
type PolicyName struct {
	Digest records.Digest
	Sent   []byte
}

// PolicyRegistration is a registered bundle, and who registered it when and why.
type PolicyRegistration struct {
	records.PolicyRegistered
	At            time.Time
	Actor, Reason string
	New           bool // in the answer to Register: it was not registered before
}

// BacktestQuery selects the decisions of a backtest, newest first.
type BacktestQuery struct {
	Since time.Time  // only at or after it; zero: all
	Limit int        // at most so many
	Gate  gates.Gate // only of this gate; empty: all
}

// Callback is the late answer of an http runner. Nothing in it is to be trusted
// before Signature was checked.
type Callback struct {
	Token     string
	Signature string // as the header SignatureHeader bears it
	Body      []byte
}

// Reader reads builds and their entries. Organizations see nothing of each
// other; what is not there is store.ErrNotFound.
type Reader interface {
	Build(ctx context.Context, organization, buildID string) (records.BuildView, error)
	Builds(ctx context.Context, organization string, query store.BuildQuery) (views []records.BuildView, next string, err error)
	Entries(ctx context.Context, organization string, subject records.Subject, query store.EntryQuery) ([]store.Stored, error)
}

// Ledger is the log of everything that is recorded.
type Ledger interface {
	// Checkpoint returns the newest signed checkpoint, or store.ErrNotFound while
	// the log is empty.
	Checkpoint(ctx context.Context) ([]byte, error)
	LogSize(ctx context.Context) (int64, error)
	// LeafContent returns what the leaf of an entry is the hash of.
	LeafContent(ctx context.Context, organization, entryID string) ([]byte, error)
	LeafOf(ctx context.Context, organization, entryID string) (int64, error)
	Hashes(ctx context.Context) *ledger.HashReader
}

// Events is the log that the event stream is read from.
type Events interface {
	// Leaves returns up to limit entries of an organization from a leaf on, in
	// order, and the leaf from which to go on: from itself at the end of the log.
	Leaves(ctx context.Context, organization string, from int64, limit int) (leaves []store.Leaf, next int64, err error)
	// LogSize returns the number of leaves.
	LogSize(ctx context.Context) (int64, error)
	// Sequenced returns a channel that is closed when this process learns of new
	// leaves. Take it before reading the leaves that are there.
	Sequenced() <-chan struct{}
}

// Artifacts is the artifact store.
type Artifacts interface {
	Put(ctx context.Context, mediaType string, r io.Reader) (records.Ref, error)
	PutBytes(ctx context.Context, mediaType string, data []byte) (records.Ref, error)
	Open(ctx context.Context, ref records.Ref) (io.ReadCloser, error)
	ReadAll(ctx context.Context, ref records.Ref, limit int64) ([]byte, error)
}

// Identity is who calls, and for which organization.
type Identity struct {
	Actor        string
	Organization string
	Roles        []string
}

// Refusal says that something is not allowed, or not possible now, with the
// reason code that operators and programs act on.
type Refusal struct {
	Code    gates.Code
	Message string          // lower case, names the thing and its id
	Details json.RawMessage // optional
	Cause   error
}

// Error returns the code and the message.
func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Code, r.Message) }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// refusef returns a refusal.
func refusef(code gates.Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}
