package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
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
	// CompleteCallback takes a runner's late answer. It checks the signature and
	// refuses with CALLBACK_SIGNATURE_INVALID.
	CompleteCallback(ctx context.Context, callback Callback) error
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
