package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
)

func (s *server) registerTelemetry(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "send-telemetry", Method: http.MethodPost, Path: "/v1/telemetry", Tags: []string{"telemetry"},
		Summary:      "Send samples of telemetry about releases",
		Description:  "Samples are stored append-only, each once, and reduced to windows. What does not count is counted apart, or refused.",
		MaxBodyBytes: s.limits.RequestBytes,
	}, s.sendTelemetry)
}

type sendTelemetryInput struct{ Body client.SendTelemetry }

func (s *server) sendTelemetry(ctx context.Context, caller Identity, in *sendTelemetryInput) (*struct{ Body client.TelemetryResult }, error) {
	if len(in.Body.Samples) == 0 { // null, which the schema of a list admits
		return nil, invalid("body.samples", "must have at least one sample")
	}
	began := time.Now()
	result, err := s.telemetry.Accept(ctx, caller.Organization, in.Body.Samples)
	if err != nil {
		return nil, err
	}
	if result.Refused > 0 {
		s.log.WarnContext(ctx, "samples of telemetry were refused", "request_id", infoOf(ctx).id, "organization", caller.Organization, "actor", caller.Actor,
			"accepted", result.Accepted, "duplicate", result.Duplicate, "refused", result.Refused, "codes", result.Codes, "took", time.Since(began).String())
	}
	return &struct{ Body client.TelemetryResult }{result}, nil
}
