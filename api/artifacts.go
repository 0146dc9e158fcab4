package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

func (s *server) registerArtifacts(api huma.API) {
	binary := map[string]*huma.MediaType{
		"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}},
	}
	guarded(s, api, huma.Operation{
		OperationID: "put-artifact", Method: http.MethodPut, Path: "/v1/artifacts", Tags: []string{"artifacts"},
		Summary:     "Store content and get its reference",
		RequestBody: &huma.RequestBody{Required: true, Content: binary},
	}, s.putArtifact)
	guarded(s, api, huma.Operation{
		OperationID: "get-artifact", Method: http.MethodGet, Path: "/v1/artifacts/{digest}", Tags: []string{"artifacts"},
		Summary:     "Read content by its digest",
		Description: "The connection breaks before the end of content that is not what its digest says.",
		Responses:   map[string]*huma.Response{"200": {Description: "The content", Content: binary}},
	}, s.getArtifact)
}

// putInput is content on its way in. It is read as it comes.
type putInput struct {
	MediaType string `header:"Content-Type" required:"true" maxLength:"200" pattern:"^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+(;.*)?$"`
	content   io.Reader
}

// Resolve takes hold of the body, which huma would otherwise not read.
func (in *putInput) Resolve(ctx huma.Context) []error {
	in.content = ctx.BodyReader()
	return nil
}

func (s *server) putArtifact(ctx context.Context, _ Identity, in *putInput) (*struct{ Body records.Ref }, error) {
	ref, err := s.artifacts.Put(ctx, in.MediaType, http.MaxBytesReader(nil, io.NopCloser(in.content), s.limits.ArtifactBytes))
	if err != nil {
		return nil, err
	}
	return &struct{ Body records.Ref }{ref}, nil
}

// headBytes is the size up to which content is read before the answer begins, so
// that a failure is told as such.
const headBytes = 1 << 20

type artifactPath struct {
	Digest string `path:"digest" maxLength:"100" example:"sha256:…"`
}

func (s *server) getArtifact(ctx context.Context, _ Identity, in *artifactPath) (*huma.StreamResponse, error) {
	digest, err := records.ParseDigest(in.Digest)
	if err != nil {
		return nil, invalid("path.digest", "%v", err)
	}
	content, err := s.artifacts.Open(ctx, records.Ref{Digest: digest})
	if err != nil {
		return nil, err
	}
	body := &ofAnySize{content: content, hash: sha256.New(), want: digest}
	var head bytes.Buffer
	_, err = io.CopyN(&head, body, headBytes)
	switch {
	case errors.Is(err, io.EOF):
		defer content.Close()
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			ctx.SetHeader("Content-Length", strconv.Itoa(head.Len()))
			s.send(ctx, &head)
		}}, nil
	case err != nil:
		_ = content.Close() // the failure that counts is the first
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer content.Close()
		s.send(ctx, io.MultiReader(&head, body))
	}}, nil
}

// send writes content as the answer. It is not known to be whole before its end:
// if it is not, the connection is broken, for a chunked answer (RFC 9112 §7.1)
// that lacks its end is the one thing that every client notices.
func (s *server) send(ctx huma.Context, content io.Reader) {
	ctx.SetHeader("Content-Type", "application/octet-stream")
	ctx.SetStatus(http.StatusOK)
	if _, err := io.Copy(ctx.BodyWriter(), content); err != nil {
		s.log.ErrorContext(ctx.Context(), "an artifact was not sent to its end",
			"request_id", infoOf(ctx.Context()).id, "artifact", ctx.Param("digest"), "error", err)
		panic(http.ErrAbortHandler)
	}
}

// ofAnySize reads content of which only the digest was asked for. The store
// refuses, at its end, content whose size is not the one in the reference, which
// here has none; so what ends with the right digest is whole all the same.
type ofAnySize struct {
	content io.Reader
	hash    hash.Hash
	want    records.Digest
}

func (r *ofAnySize) Read(p []byte) (int, error) {
	n, err := r.content.Read(p)
	r.hash.Write(p[:n])
	var failure *runner.Failure
	if errors.As(err, &failure) && hex.EncodeToString(r.hash.Sum(nil)) == r.want.Value {
		return n, io.EOF
	}
	return n, err
}
