package artifacts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Open opens the content of ref. What is read counts only once io.EOF was seen:
// at the end of content that is not what ref says, the reader returns a
// *runner.Failure with gates.DigestMismatch instead, also where only the size
// differs. Content that is not there is gates.ArtifactMissing. The caller closes
// the reader.
func (s *Store) Open(ctx context.Context, ref records.Ref) (io.ReadCloser, error) {
	return s.open(ctx, ref)
}

func (s *Store) open(ctx context.Context, ref records.Ref) (*verifyingReader, error) {
	if !ref.Valid() {
		return nil, runner.Fail(gates.PinFloating, nil, "artifact reference %q has no sha256 digest", ref.Value)
	}
	body, err := s.bucket.NewReader(ctx, key(ref.Digest), nil)
	if err != nil {
		return nil, storeFailure(ctx, ref, err)
	}
	return &verifyingReader{ctx: ctx, body: body, hash: sha256.New(), ref: ref}, nil
}

// ReadAll returns the verified content of ref, which may have at most limit bytes;
// more is gates.InputTooLarge.
func (s *Store) ReadAll(ctx context.Context, ref records.Ref, limit int64) ([]byte, error) {
	if ref.Size > limit {
		return nil, runner.Fail(gates.InputTooLarge, nil, "artifact %s has %d bytes, more than the %d allowed here", ref.Digest, ref.Size, limit)
	}
	r, err := s.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.body.Size() != ref.Size {
		// It cannot be what ref says; find out why without keeping any of it.
		_, err := io.Copy(io.Discard, r)
		return nil, err
	}
	var content bytes.Buffer
	content.Grow(int(ref.Size) + bytes.MinRead) // one allocation, and room to see the end
	if _, err := content.ReadFrom(r); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

// Verify reads the content of ref and returns nil only if it is exactly what ref
// says. Errors are those of Open and its reader.
func (s *Store) Verify(ctx context.Context, ref records.Ref) error {
	r, err := s.open(ctx, ref)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// verifyingReader hashes what it hands out and replaces io.EOF by a failure when
// the whole is not what ref says.
type verifyingReader struct {
	ctx  context.Context
	body *blob.Reader
	hash hash.Hash
	ref  records.Ref
	size int64
	end  error // once set, every Read returns it
}

func (r *verifyingReader) Read(p []byte) (int, error) {
	if r.end != nil {
		return 0, r.end
	}
	n, err := r.body.Read(p)
	r.hash.Write(p[:n])
	r.size += int64(n)
	switch {
	case err == io.EOF:
		r.end = r.verdict()
	case err != nil:
		r.end = storeFailure(r.ctx, r.ref, err)
	}
	return n, r.end
}

// Close releases the reader. It says nothing about the content.
func (r *verifyingReader) Close() error { return r.body.Close() }

// verdict compares what was read with what ref says; io.EOF means equal.
func (r *verifyingReader) verdict() error {
	found := records.Digest{Alg: records.SHA256, Value: hex.EncodeToString(r.hash.Sum(nil))}
	if found == r.ref.Digest && r.size == r.ref.Size {
		return io.EOF
	}
	failure := runner.Fail(gates.DigestMismatch, nil, "artifact %s of %d bytes is stored as %s of %d bytes", r.ref.Digest, r.ref.Size, found, r.size)
	details, err := json.Marshal(mismatch{Expected: r.ref.Digest, ExpectedSize: r.ref.Size, Found: found, FoundSize: r.size})
	if err != nil {
		return fmt.Errorf("describe mismatch of artifact %s: %w", r.ref.Digest, err)
	}
	failure.Details = details
	return failure
}

// mismatch is the structured part of a failed verification. Sizes are in bytes.
type mismatch struct {
	Expected     records.Digest `json:"expected"`
	ExpectedSize int64          `json:"expected_size"`
	Found        records.Digest `json:"found"`
	FoundSize    int64          `json:"found_size"`
}

// storeFailure names what went wrong with the object of ref. The end of the
// context stays what it is, so that a cancelled caller is not told of an outage.
func storeFailure(ctx context.Context, ref records.Ref, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("artifact %s: %w", ref.Digest, ended)
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		return runner.Fail(gates.ArtifactMissing, err, "artifact %s is not in the store", ref.Digest)
	}
	return runner.Fail(gates.StoreUnavailable, err, "artifact %s cannot be read or written in the artifact store", ref.Digest)
}
