package httprunner

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"github.com/initkoa/orgo/activities/runner"
)

// setTraceContext sets traceparent and tracestate (W3C Trace Context, level 1) from
// the span in ctx. Without one, the ids are derived from the stage key and the
// attempt, so that the attempts at a stage still share a trace.
func setTraceContext(ctx context.Context, h http.Header, req runner.Request) {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		traceID := sha256.Sum256([]byte("trace\n" + req.IdempotencyKey))
		spanID := sha256.Sum256(fmt.Appendf(nil, "span\n%s\n%d", req.IdempotencyKey, req.Attempt))
		h.Set("Traceparent", fmt.Sprintf("00-%x-%x-01", traceID[:16], spanID[:8]))
		return
	}
	h.Set("Traceparent", fmt.Sprintf("00-%s-%s-%s", span.TraceID(), span.SpanID(), span.TraceFlags()&trace.FlagsSampled))
	if state := span.TraceState().String(); state != "" {
		h.Set("Tracestate", state)
	}
}
