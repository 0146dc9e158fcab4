package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"syscall"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// read returns the snapshot's entry for one file, after its content is in the
// store. It closes the file.
func (c *collection) read(ctx context.Context, next pending, file *os.File) (records.SnapshotFile, error) {
	if next.stored != nil {
		return *next.stored, c.verify(ctx, *next.stored)
	}
	ref, err := c.copyIn(ctx, next, file)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = inputFailure(gates.InputUnreadable, next.path, closeErr, "%s cannot be read", next.path)
	}
	if err != nil {
		return records.SnapshotFile{}, err
	}
	return records.SnapshotFile{Path: next.path, Digest: ref.Digest, Size: ref.Size, MediaType: ref.MediaType}, nil
}

// verify reads a stored file to its end, where the store says whether it is
// what its digest names.
func (c *collection) verify(ctx context.Context, file records.SnapshotFile) error {
	r, err := c.store.Open(ctx, file.Ref())
	if err != nil {
		return fmt.Errorf("snapshot file %s: %w", file.Path, err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, c.counted(ctx, r)); err != nil {
		return fmt.Errorf("snapshot file %s: %w", file.Path, err)
	}
	return nil
}

// copyIn streams one file into the store. What it was before and after must be
// the same, else what was read may be a mixture of two versions.
func (c *collection) copyIn(ctx context.Context, next pending, file *os.File) (records.Ref, error) {
	before, err := file.Stat()
	if err != nil {
		return records.Ref{}, inputFailure(gates.InputUnreadable, next.path, err, "%s cannot be read", next.path)
	}
	content := c.counted(ctx, file)
	ref, err := c.store.Put(ctx, MediaType(next.path), content)
	switch {
	case ctx.Err() != nil:
		return records.Ref{}, fmt.Errorf("read %s: %w", next.path, ctx.Err())
	case content.err != nil:
		return records.Ref{}, inputFailure(gates.InputUnreadable, next.path, content.err, "%s (%s) cannot be read", next.path, next.source)
	case err != nil:
		return records.Ref{}, fmt.Errorf("store %s: %w", next.path, err)
	}
	after, err := file.Stat()
	if err != nil {
		return records.Ref{}, inputFailure(gates.InputUnreadable, next.path, err, "%s cannot be read", next.path)
	}
	if before.Size() != ref.Size || after.Size() != ref.Size || !before.ModTime().Equal(after.ModTime()) {
		return records.Ref{}, inputFailure(gates.InputChanged, next.path, nil, "%s changed while it was read", next.path)
	}
	return ref, nil
}

// openRegular opens a file that was regular when it was found. Not blocking
// keeps a named pipe, put in its place since, from holding the worker for ever.
func openRegular(next pending) (*os.File, error) {
	file, err := next.root.OpenFile(next.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, entryFailure(next.path, next.source, false, err)
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		return file, nil
	}
	return nil, errors.Join(
		inputFailure(gates.InputChanged, next.path, err, "%s is no regular file any more", next.path),
		file.Close())
}

// counted returns a reader of r that reports progress, ends with ctx, and
// remembers why it failed.
func (c *collection) counted(ctx context.Context, r io.Reader) *countedReader {
	return &countedReader{ctx: ctx, c: c, r: r}
}

type countedReader struct {
	ctx context.Context
	c   *collection
	r   io.Reader
	err error
}

func (r *countedReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(p)
	r.c.advance(int64(n))
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// advance reports n more bytes as read, in order.
func (c *collection) advance(n int64) {
	c.reading.Lock()
	defer c.reading.Unlock()
	c.done += n
	c.progress(c.done, c.total)
}

// fileURI returns the URI of a path below another (RFC 8089).
func fileURI(base, name string) string {
	return base + (&url.URL{Path: path.Join("/", name)}).EscapedPath()
}

// inputFailure returns a failure about one path, which its details name too.
func inputFailure(code gates.Code, at string, cause error, format string, args ...any) error {
	failure := runner.Fail(code, cause, format, args...)
	if details, err := records.Canonical(map[string]string{"path": at}); err == nil {
		failure.Details = details
	}
	return failure
}
