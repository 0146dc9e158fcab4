package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// problem is a client.Problem that huma can send.
type problem struct{ client.Problem }

// Error is the problem's own.
func (p *problem) Error() string { return p.Problem.Error() }

// GetStatus makes it a huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// ContentType makes it a huma.ContentTypeFilter (RFC 9457 §3).
func (p *problem) ContentType(string) string { return mediaProblem }

const mediaProblem = "application/problem+json"

// statuses gives the HTTP status of reason codes. Others are 422: the request
// was understood and is refused.
var statuses = map[gates.Code]int{
	gates.Unauthorized:         http.StatusUnauthorized,
	gates.CallbackUnsigned:     http.StatusUnauthorized,
	gates.NotFound:             http.StatusNotFound,
	gates.ArtifactMissing:      http.StatusNotFound,
	gates.IdempotencyKeyReused: http.StatusConflict,
	gates.InvalidTransition:    http.StatusConflict,
	gates.RecordUnavailable:    http.StatusConflict,
	gates.TooManyStreams:       http.StatusTooManyRequests,
	gates.LedgerPending:        http.StatusConflict,
	gates.CaseTerminal:         http.StatusConflict,
	gates.CaseFull:             http.StatusConflict,
	gates.CaseCauseActive:      http.StatusConflict,
	gates.CaseCauseOpen:        http.StatusConflict,
	gates.TaskUnknown:          http.StatusNotFound,
	gates.TaskExists:           http.StatusConflict,
	gates.TaskTerminal:         http.StatusConflict,
	gates.TasksOpen:            http.StatusConflict,
	gates.VersionStale:         http.StatusConflict,
	gates.ReviewMissing:        http.StatusConflict,
	gates.ReopenNotPermitted:   http.StatusConflict,
	gates.DeadlineNotDue:       http.StatusConflict,
	gates.StoreUnavailable:     http.StatusServiceUnavailable,
	gates.TemporalUnavailable:  http.StatusServiceUnavailable,
	gates.RunnerUnavailable:    http.StatusServiceUnavailable,
	gates.DigestMismatch:       http.StatusInternalServerError,
	gates.InternalError:        http.StatusInternalServerError,
}

// newProblem fills in what the reason table knows about code.
func newProblem(code gates.Code, detail string) *problem {
	status, listed := statuses[code]
	if !listed {
		status = http.StatusUnprocessableEntity
	}
	reason, _ := gates.Lookup(code)
	return &problem{client.Problem{
		Type:       "/v1/reasons/" + string(code),
		Title:      reason.Meaning,
		Status:     status,
		Detail:     detail,
		ReasonCode: string(code),
		Class:      string(reason.Class),
		Remedy:     reason.Remedy,
	}}
}

// invalid is a request that is wrong at one place.
func invalid(location, format string, args ...any) *problem {
	p := newProblem(gates.RequestInvalid, "the request is not valid")
	p.Errors = []client.ProblemError{{Location: location, Message: fmt.Sprintf(format, args...)}}
	return p
}

// problemOf turns any error into a problem. An error that it does not know is a
// defect: its text goes to the log and not to the caller.
func (s *server) problemOf(ctx context.Context, err error) *problem {
	p := known(err)
	if p == nil {
		p = newProblem(gates.InternalError, "an unexpected error occurred; the server's log has it under this request's id")
	}
	info := infoOf(ctx)
	p.Instance = info.instance()
	if p.Status >= http.StatusInternalServerError {
		s.log.ErrorContext(ctx, "a call failed", "request_id", info.id, "reason_code", p.ReasonCode, "error", err, "cause", errors.Unwrap(err))
	}
	return p
}

// known is the table of the errors that the API understands, or nil.
func known(err error) *problem {
	var (
		own         *problem
		refusal     *Refusal
		failure     *runner.Failure
		badCursor   *store.InvalidCursor
		unavailable *store.Unavailable
		mismatch    *store.SchemaMismatch
		tooLarge    *http.MaxBytesError
		badPolicy   *mandate.Error
		byCase      *cases.Refusal
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &refusal):
		return withDetails(newProblem(refusal.Code, refusal.Message), refusal.Details)
	case errors.As(err, &byCase):
		return refusedByCase(byCase)
	case errors.As(err, &tooLarge):
		p := invalid("body", "has more than the %d bytes admitted", tooLarge.Limit)
		p.Status = http.StatusRequestEntityTooLarge
		return p
	case errors.As(err, &badPolicy):
		return policyProblem(badPolicy)
	case errors.As(err, &failure):
		return withDetails(newProblem(failure.Code, failure.Message), failure.Details)
	case errors.As(err, &badCursor):
		return invalid("query.cursor", "%v", badCursor)
	case errors.Is(err, store.ErrNotFound):
		return newProblem(gates.NotFound, err.Error())
	case errors.As(err, &unavailable), errors.As(err, &mismatch), errors.Is(err, store.ErrClosed):
		return newProblem(gates.StoreUnavailable, "the record store did not answer")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return newProblem(gates.StoreUnavailable, "the call was given up before it was done")
	default:
		return nil
	}
}

func withDetails(p *problem, details json.RawMessage) *problem {
	if len(details) > 0 {
		p.Errors = []client.ProblemError{{Message: p.Detail, Code: p.ReasonCode, Value: details}}
	}
	return p
}

// maxEcho is the length, in bytes, up to which a refused value is sent back.
const maxEcho = 200

// transformErrors turns the errors that huma itself raises into problems.
func transformErrors(ctx huma.Context, _ string, v any) (any, error) {
	model, isModel := v.(*huma.ErrorModel)
	if !isModel {
		return v, nil
	}
	p := newProblem(gates.RequestInvalid, model.Detail)
	if model.Status >= http.StatusInternalServerError {
		p = newProblem(gates.InternalError, "an unexpected error occurred")
	}
	p.Status = model.Status
	p.Instance = infoOf(ctx.Context()).instance()
	for _, detail := range model.Errors {
		if detail == nil {
			continue
		}
		e := client.ProblemError{Location: detail.Location, Message: detail.Message}
		if text, isText := detail.Value.(string); isText && len(text) <= maxEcho && detail.Location != "body" {
			e.Value = text
		}
		p.Errors = append(p.Errors, e)
	}
	return p, nil
}

// writeProblem sends a problem outside of huma.
func writeProblem(w http.ResponseWriter, p *problem) {
	data, err := json.Marshal(p)
	if err != nil {
		// Only a value in Errors can fail, and none gets here.
		http.Error(w, p.ReasonCode, p.Status)
		return
	}
	w.Header().Set("Content-Type", mediaProblem)
	w.WriteHeader(p.Status)
	_, _ = w.Write(data) // the caller is gone; there is nobody to tell
}
