package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/initkoa/orgo/gates"
)

// requestInfo is what is known about a call while it runs. Only the goroutine
// that serves the call writes to it.
type requestInfo struct {
	id       string
	identity Identity // once authenticated
}

func (i *requestInfo) instance() string {
	if i.id == "" {
		return ""
	}
	return "urn:orgo:request:" + i.id
}

type infoKey struct{}

// infoOf returns the info of the call that ctx belongs to.
func infoOf(ctx context.Context) *requestInfo {
	if info, ok := ctx.Value(infoKey{}).(*requestInfo); ok {
		return info
	}
	return &requestInfo{}
}

// RequestIDHeader bears the id under which a call is logged. A caller may choose
// it; otherwise the server does.
const RequestIDHeader = "X-Request-Id"

// wrap puts around a handler what every call gets: an id, an access log line,
// and a problem instead of a broken connection when something panics.
func (s *server) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := &requestInfo{id: requestID(r.Header.Get(RequestIDHeader))}
		r = r.WithContext(context.WithValue(r.Context(), infoKey{}, info))
		w.Header().Set(RequestIDHeader, info.id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		tracked := &trackedWriter{ResponseWriter: w}
		start := time.Now()
		defer func() {
			recovered := recover()
			if recovered != nil {
				s.recovered(tracked, r, info, recovered)
			}
			s.access(r, info, tracked, time.Since(start))
			if recovered != nil && tracked.aborted {
				// What was sent is not whole; only a broken connection says so.
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(tracked, r)
	})
}

// recovered answers a call that panicked, if nothing was sent yet.
func (s *server) recovered(w *trackedWriter, r *http.Request, info *requestInfo, value any) {
	if value != http.ErrAbortHandler {
		s.log.ErrorContext(r.Context(), "a call panicked", "request_id", info.id, "method", r.Method,
			"path", r.URL.Path, "panic", value, "stack", string(debug.Stack()))
	}
	if w.status != 0 || value == http.ErrAbortHandler {
		w.aborted = true
		return
	}
	p := newProblem(gates.InternalError, "an unexpected error occurred; the server's log has it under this request's id")
	p.Instance = info.instance()
	writeProblem(w, p)
}

func (s *server) access(r *http.Request, info *requestInfo, w *trackedWriter, took time.Duration) {
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "call",
		slog.String("request_id", info.id),
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.String("route", r.Pattern),
		slog.Int("status", w.status),
		slog.Int64("bytes", w.bytes),
		slog.Duration("took", took),
		slog.String("organization", info.identity.Organization),
		slog.String("actor", info.identity.Actor),
	)
}

// requestID returns the id that the caller chose if it is short and plain, so
// that nothing foreign gets into the log, and a new one otherwise.
func requestID(chosen string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	if chosen == "" || len(chosen) > 64 || strings.Trim(chosen, plain) != "" {
		return rand.Text()
	}
	return chosen
}

// trackedWriter remembers what was sent.
type trackedWriter struct {
	http.ResponseWriter
	status  int
	bytes   int64
	aborted bool
}

func (w *trackedWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *trackedWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController through.
func (w *trackedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// routed answers calls that no route matches as problems: 404, or 405 with the
// Allow header that the mux computes.
func routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &headerProbe{header: http.Header{}}
		handler.ServeHTTP(probe, r)
		p := newProblem(gates.NotFound, "there is no "+r.URL.Path+"; /openapi.json lists what there is")
		if probe.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", probe.header.Get("Allow"))
			p = newProblem(gates.RequestInvalid, r.URL.Path+" does not know the method "+r.Method)
			p.Status = http.StatusMethodNotAllowed
		}
		p.Instance = infoOf(r.Context()).instance()
		writeProblem(w, p)
	})
}

// headerProbe takes an answer's status and header and drops its body.
type headerProbe struct {
	header http.Header
	status int
}

func (p *headerProbe) Header() http.Header         { return p.header }
func (p *headerProbe) WriteHeader(status int)      { p.status = status }
func (p *headerProbe) Write(b []byte) (int, error) { return len(b), nil }
