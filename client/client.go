package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say where the server is and who calls.
type Options struct {
	// URL is the server's base URL, "http://127.0.0.1:7700".
	URL string
	// Token is the bearer token (RFC 6750).
	Token string
	// HTTP is the client to use; nil means one with sensible settings.
	HTTP *http.Client
	// Log, if it is given, is what every answer of the server has to extend.
	Log *Log
	// Attempts bounds how often a call that may be repeated is made; 0 means 4.
	Attempts int
}

// Client calls one Orgo server. It is safe for concurrent use.
type Client struct {
	base     *url.URL
	token    string
	http     *http.Client
	log      *Log
	attempts int
}

// New returns a client. It makes no call.
func New(options Options) (*Client, error) {
	base, err := url.Parse(options.URL)
	if err != nil {
		return nil, fmt.Errorf("orgo server url: %w", err)
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("orgo server url %q is not http://HOST[:PORT] or https://HOST[:PORT]", options.URL)
	}
	c := &Client{base: base, token: options.Token, http: options.HTTP, log: options.Log, attempts: options.Attempts}
	if c.http == nil {
		c.http = defaultHTTP()
	}
	if c.attempts <= 0 {
		c.attempts = defaultAttempts
	}
	return c, nil
}

// defaultHTTP returns a client that gives up on a server that has taken a whole
// request and does not begin to answer: its machine may be gone.
func defaultHTTP() *http.Client {
	transport, isUsual := http.DefaultTransport.(*http.Transport)
	if !isUsual {
		return &http.Client{}
	}
	transport = transport.Clone()
	transport.ResponseHeaderTimeout = headerTimeout
	return &http.Client{Transport: transport}
}

const (
	headerTimeout   = 90 * time.Second // longer than any long poll
	defaultAttempts = 4
	firstBackoff    = 100 * time.Millisecond
	maxBackoff      = 2 * time.Second
	maxAnswer       = 256 << 20 // bytes of a JSON answer
)

// call is one call of the API.
type call struct {
	method string
	path   []string // segments, not escaped
	query  url.Values
	header http.Header
	// body yields a new reader over the whole body at each attempt.
	body func() (io.Reader, error)
	// repeatable says that a second call does no harm.
	repeatable bool
	// unchecked says that the answer is part of a check of the log.
	unchecked bool
}

func get(path ...string) call {
	return call{method: http.MethodGet, path: path, repeatable: true}
}

// post is a call with a JSON body; with a key it may be repeated.
func post(body any, key string, path ...string) (call, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return call{}, fmt.Errorf("request body of %s: %w", strings.Join(path, "/"), err)
	}
	c := call{
		method: http.MethodPost,
		path:   path,
		header: http.Header{"Content-Type": {"application/json"}},
		body:   func() (io.Reader, error) { return bytes.NewReader(data), nil },
	}
	if key != "" {
		c.header.Set("Idempotency-Key", key)
		c.repeatable = true
	}
	return c, nil
}

// json makes the call and reads its answer into out.
func (c *Client) json(ctx context.Context, call call, out any) error {
	answer, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := readAnswer(answer)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("answer to %s %s: %w", call.method, answer.Request.URL.Path, err)
	}
	return nil
}

func readAnswer(answer *http.Response) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, &UnreachableError{URL: answer.Request.URL.Redacted(), Cause: err}
	}
	if len(data) > maxAnswer {
		return nil, fmt.Errorf("answer to %s %s is larger than %d bytes", answer.Request.Method, answer.Request.URL.Path, maxAnswer)
	}
	return data, nil
}

// do makes the call until a server answers, and returns an answer of success.
// Any other answer is a *Problem; no answer an *UnreachableError.
func (c *Client) do(ctx context.Context, call call) (*http.Response, error) {
	attempts := 1
	if call.repeatable {
		attempts = c.attempts
	}
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		answer, err := c.once(ctx, call)
		if err == nil || attempt == attempts || !passing(err) || ctx.Err() != nil {
			return answer, err
		}
		if !pause(ctx, backoff) {
			return nil, err
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

func (c *Client) once(ctx context.Context, call call) (*http.Response, error) {
	target := c.base.JoinPath(escape(call.path)...)
	target.RawQuery = call.query.Encode()
	var body io.Reader
	if call.body != nil {
		var err error
		if body, err = call.body(); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, call.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("request %s %s: %w", call.method, target.Redacted(), err)
	}
	for name, values := range call.header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", "orgo-client")
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &UnreachableError{URL: c.base.Redacted(), Cause: cause(err)}
	}
	if c.log != nil && !call.unchecked {
		if err := c.log.check(ctx, c, answer); err != nil {
			_ = answer.Body.Close()
			return nil, err
		}
	}
	if answer.StatusCode >= http.StatusBadRequest {
		defer answer.Body.Close()
		data, err := readAnswer(answer)
		if err != nil {
			return nil, err
		}
		return nil, problemOf(answer.StatusCode, data)
	}
	return answer, nil
}

// cause strips the method and URL that net/http wraps around an error.
func cause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func escape(segments []string) []string {
	escaped := make([]string, len(segments))
	for i, segment := range segments {
		escaped[i] = url.PathEscape(segment)
	}
	return escaped
}

// passing reports whether err may be gone at the next attempt.
func passing(err error) bool {
	var unreachable *UnreachableError
	if errors.As(err, &unreachable) {
		return true
	}
	var problem *Problem
	if !errors.As(err, &problem) {
		return false
	}
	switch problem.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// pause waits, and reports false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
