// Package httprunner does a stage with a service: a POST that is answered at once,
// or later, at a URL that is polled or by a signed callback. docs/runners.md has
// the protocol.
//
// The URL comes from the pinned pipeline and nowhere else. Redirects are not
// followed and a status URL must be of the same origin, so a service cannot make
// the worker call somebody else.
package httprunner

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Options are the settings of a worker for the services it calls.
type Options struct {
	// CallbackURL is where services answer later, ".../v1/callbacks": "/" and the
	// token of the call are appended. Empty means that this worker takes no callbacks.
	CallbackURL string
	// CallbackKey is what the secrets of callbacks are derived from. Everything that
	// takes callbacks needs the same; at least 32 bytes, with CallbackURL.
	CallbackKey []byte
	// MaxResponse bounds an answer in bytes; 0 means 8 MiB.
	MaxResponse int64
}

// CallbackKeyMin is the least length of a callback key, in bytes. With a shorter
// one anybody could work out the secrets that are derived from it.
const CallbackKeyMin = 32

const (
	defaultMaxResponse  = 8 << 20
	defaultPollInterval = records.Duration(2 * time.Second)
)

// Runner calls services. It is safe for concurrent use.
type Runner struct {
	store   runner.ArtifactStore
	client  *http.Client
	options Options
}

var _ runner.Runner = (*Runner)(nil)

// New returns a runner over an artifact store. The caller closes it.
func New(store runner.ArtifactStore, o Options) (*Runner, error) {
	if o.MaxResponse == 0 {
		o.MaxResponse = defaultMaxResponse
	}
	if o.CallbackURL != "" {
		if _, err := serviceURL(o.CallbackURL); err != nil {
			return nil, fmt.Errorf("callback url: %w", err)
		}
		o.CallbackURL = strings.TrimRight(o.CallbackURL, "/")
		if len(o.CallbackKey) < CallbackKeyMin {
			return nil, fmt.Errorf("callback key has %d bytes; want %d or more of a random source", len(o.CallbackKey), CallbackKeyMin)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Runner{
		store:   store,
		options: o,
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close gives up connections that are not in use.
func (r *Runner) Close() error {
	r.client.CloseIdleConnections()
	return nil
}

// Pin makes every choice that settings leave open.
func (r *Runner) Pin(_ context.Context, settings records.HTTPRunner) (records.HTTPRunner, error) {
	if _, err := serviceURL(settings.URL); err != nil {
		return settings, err
	}
	if settings.PollInterval <= 0 {
		settings.PollInterval = defaultPollInterval
	}
	return settings, nil
}

// serviceURL parses the URL of a service. Credentials in it would end up in every
// record, so there must be none.
func serviceURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, runner.Fail(gates.PinInvalid, nil, "runner url does not parse")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, runner.Fail(gates.PinInvalid, nil, "runner url %q: want http or https with a host, without credentials or fragment", u.Redacted())
	}
	return u, nil
}

// Run asks the service once. It returns runner.ErrPending if the service will
// answer by callback. Calls for the same stage key bear the same Idempotency-Key,
// so a service can join a repeated call to work that it has begun.
func (r *Runner) Run(ctx context.Context, req runner.Request, progress runner.Progress) (runner.Result, error) {
	settings := req.Runner.HTTP
	if req.Runner.Kind != records.RunnerHTTP || settings == nil {
		return runner.Result{}, runner.Fail(gates.PinInvalid, nil, "stage %s is not pinned to an http runner", req.Stage)
	}
	service, err := serviceURL(settings.URL)
	if err != nil {
		return runner.Result{}, err
	}
	body, err := json.Marshal(req)
	if err != nil {
		return runner.Result{}, fmt.Errorf("encode the request for %s: %w", service.Redacted(), err)
	}
	c := call{runner: r, service: service, request: req, interval: settings.PollInterval.Std(), progress: progress}
	if c.interval <= 0 {
		c.interval = defaultPollInterval.Std()
	}
	reply, err := c.send(ctx, http.MethodPost, service, body)
	if err != nil {
		return runner.Result{}, err
	}
	switch reply.standing() {
	case done:
		return Decode(ctx, r.store, service.Redacted(), reply.body)
	case pending:
		return c.later(ctx, reply)
	default:
		return runner.Result{}, reply.failure(service)
	}
}

// headers returns what every request about a call bears.
func (c call) headers(ctx context.Context) (http.Header, error) {
	h := http.Header{}
	h.Set("Accept", "application/json")
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "orgo")
	h.Set("Idempotency-Key", c.request.IdempotencyKey)
	setTraceContext(ctx, h, c.request)
	if o := c.runner.options; o.CallbackURL != "" {
		token, err := tokenOf(c.request).encode()
		if err != nil {
			return nil, err
		}
		h.Set("Orgo-Callback-Url", o.CallbackURL+"/"+token)
		h.Set("Orgo-Callback-Secret", CallbackSecret(o.CallbackKey, token))
	}
	return h, nil
}
