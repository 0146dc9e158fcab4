package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"

	"github.com/initkoa/orgo/records"
)

// PutArtifact stores content and returns its reference. Content that can be
// rewound (an io.Seeker) is sent again when the connection breaks.
func (c *Client) PutArtifact(ctx context.Context, mediaType string, content io.Reader) (records.Ref, error) {
	seeker, rewinds := content.(io.Seeker)
	put := call{
		method:     http.MethodPut,
		path:       []string{"v1", "artifacts"},
		header:     http.Header{"Content-Type": {mediaType}},
		repeatable: rewinds,
		body: func() (io.Reader, error) {
			if rewinds {
				if _, err := seeker.Seek(0, io.SeekStart); err != nil {
					return nil, fmt.Errorf("rewind artifact: %w", err)
				}
			}
			// The HTTP client must not close what the caller opened.
			return io.NopCloser(content), nil
		},
	}
	var ref records.Ref
	answer, err := c.do(ctx, put)
	if err != nil {
		return ref, err
	}
	defer answer.Body.Close()
	data, err := readAnswer(answer)
	if err != nil {
		return ref, err
	}
	if err := json.Unmarshal(data, &ref); err != nil || !ref.Valid() {
		return records.Ref{}, fmt.Errorf("answer to the upload is no reference: %q", data)
	}
	return ref, nil
}

// OpenArtifact reads content by its digest. Nothing read counts before io.EOF:
// content that is not what the digest says ends with ErrDigestMismatch.
func (c *Client) OpenArtifact(ctx context.Context, digest records.Digest) (io.ReadCloser, error) {
	answer, err := c.do(ctx, get("v1", "artifacts", digest.String()))
	if err != nil {
		return nil, err
	}
	return &verifier{body: answer.Body, hash: sha256.New(), want: digest}, nil
}

// ErrDigestMismatch says that content is not what its digest says.
var ErrDigestMismatch = errors.New("content does not have its digest")

// verifier reads a body and compares its digest at the end.
type verifier struct {
	body io.ReadCloser
	hash hash.Hash
	want records.Digest
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.body.Read(p)
	v.hash.Write(p[:n])
	if errors.Is(err, io.EOF) {
		if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.want.Value {
			return n, fmt.Errorf("artifact %s: %w: it has %s", v.want, ErrDigestMismatch, got)
		}
	}
	return n, err
}

func (v *verifier) Close() error { return v.body.Close() }
