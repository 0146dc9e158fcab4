// Package stream reads and writes artifacts piece by piece, so that what a
// reference stage holds in memory does not grow with what it reads or writes.
package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Input returns the input of req that has the given name. That there is none is
// a failure with gates.DependencyMissing.
func Input(req runner.Request, name string) (records.Ref, error) {
	ref, present := req.Input(name)
	if !present {
		return records.Ref{}, runner.Fail(gates.DependencyMissing, nil, "stage %s of build %s has no input %s", req.Stage, req.BuildID, name)
	}
	return ref, nil
}

// Lines reads an artifact of JSON Lines. It ends after the first error: that of
// ctx, of the store, or of a line that is too long (a failure with code). Only
// when it ends without one is the content what ref says.
func Lines(ctx context.Context, store runner.ArtifactStore, ref records.Ref, code gates.Code) iter.Seq2[claim.Line, error] {
	return func(yield func(claim.Line, error) bool) {
		reader, err := store.Open(ctx, ref)
		if err != nil {
			yield(claim.Line{}, err)
			return
		}
		defer reader.Close() //nolint:errcheck // reading only: an error would have come from Read
		for line, err := range claim.Lines(reader, claim.MaxLineBytes) {
			if err == nil && line.Number%256 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				yield(claim.Line{}, lineFailure(err, ref, code))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

// lineFailure keeps the failures of the store and names those of the text.
func lineFailure(err error, ref records.Ref, code gates.Code) error {
	var failure *runner.Failure
	if errors.As(err, &failure) {
		return failure
	}
	var at *claim.LineError
	if errors.As(err, &at) && errors.Is(err, claim.ErrLineTooLong) {
		return AtLine(code, at.Cause, ref, at.Line)
	}
	return err
}

// AtLine returns a failure at a line of an artifact, with the place as details.
func AtLine(code gates.Code, cause error, ref records.Ref, line int64) *runner.Failure {
	failure := runner.Fail(code, cause, "line %d of %s", line, ref.Digest)
	failure.Details = fmt.Appendf(nil, `{"artifact":%q,"line":%d}`, ref.Digest.String(), line)
	return failure
}

// Writer is an artifact that is being written. Exactly one of Commit and Abort
// ends it; Abort after Commit does nothing.
type Writer struct {
	pipe *io.PipeWriter
	done chan result
}

type result struct {
	ref records.Ref
	err error
}

// Create begins an artifact.
func Create(ctx context.Context, store runner.ArtifactStore, mediaType string) *Writer {
	reader, writer := io.Pipe()
	w := &Writer{pipe: writer, done: make(chan result, 1)}
	go func() {
		ref, err := store.Put(ctx, mediaType, reader)
		reader.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // a writer must not wait for a reader that is gone
		w.done <- result{ref, err}
	}()
	return w
}

// Write writes p; an error of the store comes back from here or from Commit.
func (w *Writer) Write(p []byte) (int, error) { return w.pipe.Write(p) }

// Commit ends the artifact and returns its reference.
func (w *Writer) Commit() (records.Ref, error) {
	w.pipe.Close() //nolint:errcheck // never fails
	done := <-w.done
	w.done <- done
	return done.ref, done.err
}

// errAborted is what the store reads when an artifact is given up.
var errAborted = errors.New("artifact was given up")

// Abort gives the artifact up and waits until the store has let go of it.
func (w *Writer) Abort() {
	w.pipe.CloseWithError(errAborted) //nolint:errcheck // never fails
	w.done <- <-w.done
}
