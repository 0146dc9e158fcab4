package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// SignatureHeader bears the signature of a runner's late answer.
const SignatureHeader = "Orgo-Signature"

func (s *server) registerCallbacks(api huma.API) {
	open(s, api, huma.Operation{
		OperationID: "complete-stage", Method: http.MethodPost, Path: "/v1/callbacks/{token}", Tags: []string{"runners"},
		Summary:      "Take the late answer of an http runner",
		Description:  "Needs no bearer token: the body is signed with the secret that the runner was sent.",
		MaxBodyBytes: s.limits.RequestBytes,
	}, s.completeStage)
}

type callbackInput struct {
	Token     string `path:"token" maxLength:"1000"`
	Signature string `header:"Orgo-Signature" required:"true" maxLength:"200"`
	RawBody   []byte
}

func (s *server) completeStage(ctx context.Context, in *callbackInput) (*struct{}, error) {
	err := s.builds.CompleteCallback(ctx, Callback{
		Token: in.Token, Signature: in.Signature,
		// huma takes the buffer back when the handler returns.
		Body: append([]byte(nil), in.RawBody...),
	})
	if err != nil {
		return nil, err
	}
	return &struct{}{}, nil
}
