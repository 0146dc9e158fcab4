package httprunner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
)

// call is one request to do a stage, and what follows from it.
type call struct {
	runner   *Runner
	service  *url.URL
	request  runner.Request
	interval time.Duration
	progress runner.Progress
}

// reply is what came back over HTTP, read to its end.
type reply struct {
	status   int
	header   http.Header
	location *url.URL // absolute; nil without a Location that parses
	body     []byte
}

// standing is what a reply means for a call.
type standing int

const (
	done       standing = iota // the body is the answer
	pending                    // the answer comes later
	retryable                  // the same request may well succeed
	refused                    // the service will not do it
	unexpected                 // the service does not speak the protocol
)

// worthRetrying are the client errors that are about the moment (RFC 9110
// §15.5.9, RFC 8470 §5.2, RFC 6585 §4).
var worthRetrying = []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}

func (r reply) standing() standing {
	switch {
	case r.status == http.StatusOK:
		return done
	case r.status == http.StatusAccepted:
		return pending
	case slices.Contains(worthRetrying, r.status), r.status >= 500:
		return retryable
	case r.status >= 300:
		return refused
	default:
		return unexpected
	}
}

// send does one exchange. The body of the reply may have MaxResponse bytes.
func (c call) send(ctx context.Context, method string, to *url.URL, body []byte) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("request to %s: %w", to.Redacted(), err)
	}
	if req.Header, err = c.headers(ctx); err != nil {
		return reply{}, err
	}
	res, err := c.runner.client.Do(req)
	if err != nil {
		return reply{}, c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	limit := c.runner.options.MaxResponse
	content, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return reply{}, c.unreachable(ctx, err)
	}
	if int64(len(content)) > limit {
		return reply{}, runner.Fail(gates.RunnerOutputTooLarge, nil, "%s answers with more than %d bytes; large content goes through PUT /v1/artifacts", c.service.Redacted(), limit)
	}
	got := reply{status: res.StatusCode, header: res.Header, body: content}
	if location, err := res.Location(); err == nil {
		got.location = location
	}
	return got, nil
}

// unreachable names a failed exchange. A cancellation stays what it is.
func (c call) unreachable(ctx context.Context, err error) error {
	switch cause := ctx.Err(); {
	case errors.Is(cause, context.DeadlineExceeded):
		return runner.Fail(gates.RunnerTimeout, cause, "%s did not answer in the pinned time", c.service.Redacted())
	case cause != nil:
		return fmt.Errorf("call of %s was given up: %w", c.service.Redacted(), cause)
	}
	return runner.Fail(gates.RunnerUnavailable, err, "%s cannot be reached", c.service.Redacted())
}

// later gets the answer that a 202 promises.
func (c call) later(ctx context.Context, accepted reply) (runner.Result, error) {
	if accepted.header.Get("Location") != "" {
		return c.poll(ctx, accepted)
	}
	if c.runner.options.CallbackURL == "" {
		return runner.Result{}, runner.Fail(gates.RunnerOutputInvalid, nil, "%s answers 202 without Location, and this worker offered no callback", c.service.Redacted())
	}
	return runner.Result{}, runner.ErrPending
}

// pollPatience is how many polls in a row may fail before the call counts as lost.
const pollPatience = 5

// poll asks the status URL until it answers, not more often than the pinned
// interval and Retry-After (RFC 9110 §10.2.3) say. A stage whose service forgets
// the call is asked for anew, under the same key, by the retry of the stage.
func (c call) poll(ctx context.Context, last reply) (runner.Result, error) {
	status := last.location
	if status == nil || status.Scheme != c.service.Scheme || status.Host != c.service.Host {
		return runner.Result{}, runner.Fail(gates.RunnerOutputInvalid, nil, "%s names a status url of another origin: %q", c.service.Redacted(), last.header.Get("Location"))
	}
	failures := 0
	for polls := int64(1); ; polls++ {
		if err := c.wait(ctx, last); err != nil {
			return runner.Result{}, err
		}
		next, err := c.send(ctx, http.MethodGet, status, nil)
		c.progress(polls, 0)
		if err == nil && next.standing() == retryable {
			err = next.failure(c.service)
		}
		if err != nil {
			// Only what may pass is waited for, and only for so long.
			failure := (*runner.Failure)(nil)
			if failures++; !errors.As(err, &failure) || failure.Code != gates.RunnerUnavailable || failures == pollPatience {
				return runner.Result{}, err
			}
			last = next
			continue
		}
		failures, last = 0, next
		switch next.standing() {
		case done:
			return Decode(ctx, c.runner.store, c.service.Redacted(), next.body)
		case pending:
		default:
			return runner.Result{}, next.failure(c.service)
		}
	}
}

// wait lets the time pass that must lie between two polls.
func (c call) wait(ctx context.Context, last reply) error {
	timer := time.NewTimer(max(c.interval, last.retryAfter(time.Now())))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return c.unreachable(ctx, ctx.Err())
	case <-timer.C:
		return nil
	}
}

// retryAfterMax keeps a mistaken header from stopping a stage for ever.
const retryAfterMax = time.Hour

// retryAfter returns how long the service asks to be left alone, 0 if it does not.
func (r reply) retryAfter(now time.Time) time.Duration {
	value := strings.TrimSpace(r.header.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), retryAfterMax)
}

// bodyMax bounds what of a refusal's body is kept, in bytes.
const bodyMax = 2 << 10

// failure names what a reply other than an answer means. A refusal may carry a
// reported error, as an answer may.
func (r reply) failure(service *url.URL) error {
	by := service.Redacted()
	var failure *runner.Failure
	switch r.standing() {
	case retryable:
		failure = runner.Fail(gates.RunnerUnavailable, nil, "%s answers %d", by, r.status)
	case refused:
		failure = runner.Fail(gates.RunnerFailed, nil, "%s answers %d", by, r.status)
		if r.status < 400 {
			failure.Message += "; redirects are not followed"
		} else if parsed, err := parseAnswer(r.body); err == nil && parsed.Error != nil {
			failure = parsed.Error.Failure(by)
		}
		failure.Final = true
	default:
		failure = runner.Fail(gates.RunnerOutputInvalid, nil, "%s answers %d; want 200 or 202", by, r.status)
	}
	details, err := json.Marshal(replyDetails{
		Status:            r.status,
		RetryAfterSeconds: int64(r.retryAfter(time.Now()) / time.Second),
		Body:              strings.ToValidUTF8(string(r.body[:min(len(r.body), bodyMax)]), "\ufffd"),
	})
	if err != nil {
		return fmt.Errorf("describe the answer of %s: %w", by, err)
	}
	failure.Details = details
	return failure
}

// replyDetails is the structured part of a failure that a service answered with.
type replyDetails struct {
	Status            int    `json:"status"`
	RetryAfterSeconds int64  `json:"retry_after_seconds,omitempty"`
	Body              string `json:"body,omitempty"` // the beginning
}
