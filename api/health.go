package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

func (s *server) registerHealth(api huma.API) {
	open(s, api, huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz", Tags: []string{"health"},
		Summary: "Say that the process serves",
	}, s.healthz)
	open(s, api, huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz", Tags: []string{"health"},
		Summary:     "Say whether everything that the server needs is there",
		Description: "503 while a part is missing; checks says which.",
	}, s.readyz)
}

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status string            `json:"status" enum:"ok,unavailable"`
	Checks map[string]string `json:"checks,omitempty" doc:"ok, or what is wrong, by part"`
}

type healthAnswer struct {
	Status int
	Body   Health
}

func (s *server) healthz(context.Context, *struct{}) (*healthAnswer, error) {
	return &healthAnswer{Status: http.StatusOK, Body: Health{Status: "ok"}}, nil
}

// checkTimeout bounds each check: a part that does not answer is not there.
const checkTimeout = 2 * time.Second

func (s *server) readyz(ctx context.Context, _ *struct{}) (*healthAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	answer := &healthAnswer{Status: http.StatusOK, Body: Health{Status: "ok", Checks: map[string]string{}}}
	for name, check := range s.checks {
		answer.Body.Checks[name] = "ok"
		if err := check(ctx); err != nil {
			// The caller is not known: it learns which part, the log learns why.
			s.log.WarnContext(ctx, "a part is not ready", "part", name, "error", err)
			answer.Body.Checks[name] = "unavailable"
			answer.Status = http.StatusServiceUnavailable
			answer.Body.Status = "unavailable"
		}
	}
	return answer, nil
}
