package artifacts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// memoryLimit is the size, in bytes, up to which content waits in memory while
// it is hashed; what is larger waits in a file.
const memoryLimit = 1 << 20

// Put stores everything in r under its SHA-256 digest and returns the reference,
// without a URI. Memory use does not grow with the content.
//
// Content that is there already is read back and hashed, not written again. If
// it is not what its name says, Put fails with gates.DigestMismatch and leaves
// it as it is: overwriting would hide that somebody changed it.
func (s *Store) Put(ctx context.Context, mediaType string, r io.Reader) (records.Ref, error) {
	content, err := s.spool(ctx, r)
	if err != nil {
		return records.Ref{}, err
	}
	defer content.close()
	ref := records.Ref{Digest: content.digest, MediaType: mediaType, Size: content.size}
	return ref, s.store(ctx, ref, content.reader)
}

// PutBytes stores data under its digest, as Put does.
func (s *Store) PutBytes(ctx context.Context, mediaType string, data []byte) (records.Ref, error) {
	ref := records.Ref{Digest: records.DigestOf(data), MediaType: mediaType, Size: int64(len(data))}
	return ref, s.store(ctx, ref, bytes.NewReader(data))
}

// store makes the object of ref exist with the given content, which the caller
// has hashed.
func (s *Store) store(ctx context.Context, ref records.Ref, content io.Reader) error {
	exists, err := s.bucket.Exists(ctx, key(ref.Digest))
	if err != nil {
		return storeFailure(ctx, ref, err)
	}
	if exists {
		return s.Verify(ctx, ref)
	}
	err = s.write(ctx, ref, content)
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		// Another writer of the same content came first.
		return s.Verify(ctx, ref)
	}
	if err != nil {
		return storeFailure(ctx, ref, err)
	}
	return nil
}

// write creates the object of ref. It appears whole or not at all.
func (s *Store) write(ctx context.Context, ref records.Ref, content io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var file *os.File
	w, err := s.bucket.NewWriter(ctx, key(ref.Digest), &blob.WriterOptions{
		ContentType: ref.MediaType,
		// The media type belongs to the reference; guessing one is wasted work.
		DisableContentTypeDetection: true,
		IfNotExist:                  true,
		BeforeWrite: func(as func(any) bool) error {
			if s.local {
				as(&file)
			}
			return nil
		},
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	if err == nil && file != nil {
		// Before the rename, so that after a power cut no name stands for content
		// that never reached the disk. The rename itself is carried by the next
		// commit of the record store, without which nobody refers to it.
		err = file.Sync()
	}
	if err != nil {
		cancel() // makes Close give up what was written
		return errors.Join(err, ignoreCanceled(w.Close()))
	}
	return w.Close()
}

func ignoreCanceled(err error) error {
	if errors.Is(err, context.Canceled) || gcerrors.Code(err) == gcerrors.Canceled {
		return nil
	}
	return err
}

// spooled is content that has been hashed and can be read once from its start.
type spooled struct {
	digest records.Digest
	size   int64
	reader io.Reader
	file   *os.File // nil for what fits in memory
}

func (c *spooled) close() {
	if c.file != nil {
		// Nothing can be lost: the file has no name any more.
		_ = c.file.Close()
	}
}

// spool hashes r while it sets its content aside, in memory or in a file without
// a name: a killed process leaves nothing behind.
func (s *Store) spool(ctx context.Context, r io.Reader) (*spooled, error) {
	r = &contextReader{ctx: ctx, r: r}
	var head bytes.Buffer
	n, err := head.ReadFrom(io.LimitReader(r, memoryLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read content for the artifact store: %w", err)
	}
	if n <= memoryLimit {
		return &spooled{digest: records.DigestOf(head.Bytes()), size: n, reader: &head}, nil
	}

	file, err := os.CreateTemp(s.spoolDir, "put-*.tmp")
	if err != nil {
		return nil, spoolFailure(err)
	}
	content := &spooled{file: file, reader: file}
	if err := os.Remove(file.Name()); err != nil {
		content.close()
		return nil, spoolFailure(err)
	}
	hash := sha256.New()
	source := &trackedReader{r: io.MultiReader(&head, r)}
	content.size, err = io.Copy(io.MultiWriter(hash, file), source)
	if err != nil {
		content.close()
		if source.err != nil {
			return nil, fmt.Errorf("read content for the artifact store: %w", err)
		}
		return nil, spoolFailure(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		content.close()
		return nil, spoolFailure(err)
	}
	content.digest = records.Digest{Alg: records.SHA256, Value: hex.EncodeToString(hash.Sum(nil))}
	return content, nil
}

func spoolFailure(err error) error {
	return runner.Fail(gates.StoreUnavailable, err, "artifact store: cannot set content aside; see that its disk has room and is writable")
}

// contextReader ends with the context's error once the context has ended.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// trackedReader remembers the error of its source, which tells a failed read
// from a failed write after a copy.
type trackedReader struct {
	r   io.Reader
	err error
}

func (r *trackedReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}
