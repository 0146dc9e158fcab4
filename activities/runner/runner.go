// Package runner holds the ways in which a stage can be done.
//
// A Runner turns the artifacts of earlier stages into those of its own. What it
// yields does not count until the stage activity has verified it, whoever made it.
package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Request asks a runner to do one stage once. Its JSON form is what command
// and HTTP runners receive.
type Request struct {
	Organization   string             `json:"organization"`
	BuildID        string             `json:"build_id"`
	Stage          records.Stage      `json:"stage"`
	Generation     int                `json:"generation"`
	Attempt        int                `json:"attempt"`
	IdempotencyKey string             `json:"idempotency_key"`
	Inputs         []records.Artifact `json:"inputs"`
	Sources        []records.Input    `json:"sources,omitempty"` // for ingest only
	Config         json.RawMessage    `json:"config"`            // the stage's pinned config, an object
	// Recipe identifies pins and snapshot together; artifacts that need a build
	// correlation id carry it, so that they do not depend on the build's own id.
	// It is zero for ingest, which has no snapshot yet.
	Recipe records.Digest `json:"recipe"`
	// SourceDate is the only time that outputs may carry.
	SourceDate time.Time              `json:"source_date"`
	Runner     records.RunnerSettings `json:"runner"`
}

// Input returns the input of the given name, and whether there is one.
func (r Request) Input(name string) (records.Ref, bool) {
	for _, input := range r.Inputs {
		if input.Name == name {
			return input.Ref, true
		}
	}
	return records.Ref{}, false
}

// Result is what a runner yields. Outputs are identity: same request, same
// outputs. Attachments are kept beside them and may differ from run to run.
type Result struct {
	Outputs     []records.Artifact `json:"outputs"`
	Attachments []records.Artifact `json:"attachments,omitempty"`
	Metrics     map[string]int64   `json:"metrics,omitempty"`
	Notes       string             `json:"notes,omitempty"`
}

// Progress is told how far a runner is; it must be cheap and safe to call from
// any goroutine. done and total are in the runner's own unit; total is 0 where
// it is not known.
type Progress func(done, total int64)

// Runner does a stage. It must be safe for concurrent use, stop soon after ctx
// ends, and return a *Failure for every failure that it can name.
type Runner interface {
	Run(ctx context.Context, req Request, progress Progress) (Result, error)
}

// ArtifactStore is the content-addressed store that runners read and write.
type ArtifactStore interface {
	// Put stores everything in r and returns its reference.
	Put(ctx context.Context, mediaType string, r io.Reader) (records.Ref, error)
	// Open reads content. The reader returns an error that carries
	// gates.DigestMismatch at the end of content that is not what ref says, so
	// nothing read counts before io.EOF was seen.
	Open(ctx context.Context, ref records.Ref) (io.ReadCloser, error)
}

// Failure is a failure with a stable reason code. Final failures are not tried
// again.
type Failure struct {
	Code    gates.Code
	Message string          // lower case, names what failed and where
	Details json.RawMessage // optional, structured: {"path": …, "line": …}
	Final   bool
	Cause   error
}

// Error returns the code and what happened.
func (f *Failure) Error() string { return fmt.Sprintf("%s: %s", f.Code, f.Text()) }

// Text says what happened, for where the code stands beside it.
func (f *Failure) Text() string {
	if f.Cause != nil {
		return fmt.Sprintf("%s: %v", f.Message, f.Cause)
	}
	return f.Message
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Fail returns a failure with the finality that the reason table gives code.
func Fail(code gates.Code, cause error, format string, args ...any) *Failure {
	reason, known := gates.Lookup(code)
	return &Failure{
		Code:    code,
		Message: fmt.Sprintf(format, args...),
		Final:   known && reason.Final,
		Cause:   cause,
	}
}

// AsFailure returns err as a failure; an unnamed error becomes INTERNAL_ERROR,
// which is tried again.
func AsFailure(err error) *Failure {
	var failure *Failure
	if errors.As(err, &failure) {
		return failure
	}
	return &Failure{Code: gates.InternalError, Message: "unexpected error", Cause: err}
}
