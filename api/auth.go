package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/gates"
)

// Authenticator knows who a bearer token belongs to. A token that it does not
// know is a *Refusal with UNAUTHORIZED.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Identity, error)
}

// authenticate lets a call through that bears a valid token.
func (s *server) authenticate(ctx huma.Context, next func(huma.Context)) {
	identity, err := s.identify(ctx)
	if err != nil {
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="orgo"`)
		p := s.problemOf(ctx.Context(), err)
		ctx.SetHeader("Content-Type", mediaProblem)
		ctx.SetStatus(p.Status)
		if err := s.format.Marshal(ctx.BodyWriter(), p); err != nil {
			s.log.WarnContext(ctx.Context(), "a refusal was not sent", "error", err)
		}
		return
	}
	infoOf(ctx.Context()).identity = identity
	next(ctx)
}

func (s *server) identify(ctx huma.Context) (Identity, error) {
	scheme, token, found := strings.Cut(ctx.Header("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Identity{}, refusef(gates.Unauthorized, "the call bears no token; send \"Authorization: Bearer TOKEN\"")
	}
	return s.authenticator.Authenticate(ctx.Context(), token)
}

// bearer is the name of the security scheme in the OpenAPI document.
const bearer = "bearer"

// guarded registers an operation that needs a token, with the handler's errors
// as problems.
func guarded[I, O any](s *server, api huma.API, op huma.Operation, handler func(context.Context, Identity, *I) (*O, error)) {
	op.Security = []map[string][]string{{bearer: {}}}
	op.Middlewares = append(op.Middlewares, s.authenticate)
	open(s, api, op, func(ctx context.Context, in *I) (*O, error) {
		return handler(ctx, infoOf(ctx).identity, in)
	})
}

// open registers an operation that needs no token.
func open[I, O any](s *server, api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	if op.Method == http.MethodPost {
		op.BodyReadTimeout = s.limits.BodyTimeout
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
}
