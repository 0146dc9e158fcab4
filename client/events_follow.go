package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"
)

const (
	// eventSilence is how long a stream may be silent before it counts as broken:
	// some heartbeats of the server.
	eventSilence = time.Minute
	// eventPatience is how long a stream that has worked is tried again.
	eventPatience = watchPatience
)

// EventOrderError says that a server sent a leaf that is not above the one before
// it. Nothing that the server sends then can be taken as complete.
type EventOrderError struct{ Last, Got int64 }

// Error names both leaves.
func (e *EventOrderError) Error() string {
	return fmt.Sprintf("the server sent leaf %d of its log after leaf %d: its event stream is not in order, so start again after leaf %d "+
		"at a server that is sound", e.Got, e.Last, e.Last)
}

// Events yields events in the order of the log, each once, as they come. A
// connection that breaks is made again where it broke; a server that does not come
// back within two minutes, and whatever else goes wrong, is the last thing
// yielded, as is the end of ctx.
func (c *Client) Events(ctx context.Context, query EventQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &follower{client: c, query: query, backoff: firstBackoff}
		for {
			ended, err := f.connect(ctx, yield)
			switch {
			case ended:
				return
			case ctx.Err() != nil:
				yield(Event{}, ctx.Err())
				return
			case !f.mayGoOn(err) || !pause(ctx, f.backoff):
				yield(Event{}, err)
				return
			}
			f.backoff = min(2*f.backoff, maxBackoff)
		}
	}
}

// follower is where one consumer stands.
type follower struct {
	client    *Client
	query     EventQuery
	last      *int64 // the cursor that the server gave last
	lastHeard time.Time
	backoff   time.Duration
}

// mayGoOn reports whether another connection may help.
func (f *follower) mayGoOn(err error) bool {
	if f.lastHeard.IsZero() || time.Since(f.lastHeard) > eventPatience {
		return false
	}
	var problem *Problem
	if errors.As(err, &problem) && problem.Status == http.StatusTooManyRequests {
		return true
	}
	return passing(err)
}

// connect yields the events of one connection until it breaks. It reports that
// nothing more is to be yielded, or why the connection broke.
func (f *follower) connect(ctx context.Context, yield func(Event, error) bool) (ended bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	call := get("v1", "events")
	call.query = f.query.values()
	call.header = http.Header{"Accept": {"text/event-stream"}}
	if f.last != nil {
		call.header.Set("Last-Event-ID", strconv.FormatInt(*f.last, 10))
	}
	answer, err := f.client.do(ctx, call)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	silence := time.AfterFunc(eventSilence, func() { cancel(errSilent) })
	defer silence.Stop()

	stream := newEventReader(answer.Body)
	for {
		message, err := stream.next()
		if err != nil {
			return false, f.broken(ctx, err)
		}
		silence.Stop()
		f.backoff = firstBackoff
		event, isEvent, err := f.take(message)
		if err != nil {
			return false, err
		}
		if isEvent && !yield(event, nil) {
			return true, nil
		}
		// The consumer may have taken its time, while nothing was read.
		silence.Reset(eventSilence)
		f.lastHeard = time.Now()
	}
}

var (
	errSilent = errors.New("the event stream fell silent")
	errEnded  = errors.New("the event stream ended")
)

// broken says why a stream can be read no more.
func (f *follower) broken(ctx context.Context, err error) error {
	var tooLong *eventTooLongError
	switch {
	case errors.As(err, &tooLong):
		return err
	case errors.Is(context.Cause(ctx), errSilent):
		err = errSilent
	case errors.Is(err, io.EOF):
		err = errEnded
	}
	return &UnreachableError{URL: f.client.base.Redacted(), Cause: err}
}

// take moves the cursor to a message and returns the event in it, if there is
// one. Only an event must be above the cursor; a message without one may repeat
// it.
func (f *follower) take(message eventMessage) (event Event, isEvent bool, err error) {
	if message.id == "" {
		return event, false, nil
	}
	leaf, err := strconv.ParseInt(message.id, 10, 64)
	if err != nil {
		return event, false, fmt.Errorf("event id %q is not the number of a leaf", message.id)
	}
	isEvent = len(message.data) > 0
	last := f.cursor()
	if last != nil && (leaf < *last || isEvent && leaf == *last) {
		return event, false, &EventOrderError{Last: *last, Got: leaf}
	}
	if isEvent {
		if err := json.Unmarshal(message.data, &event); err != nil {
			return event, false, fmt.Errorf("event of leaf %d: %w", leaf, err)
		}
		if event.Sequence != message.id {
			return event, false, fmt.Errorf("event %s was sent as leaf %d and says that it is leaf %q", event.ID, leaf, event.Sequence)
		}
	}
	f.last = &leaf
	return event, isEvent, nil
}

// cursor is the leaf that all that follow must be above; nil if the server is
// still to say it.
func (f *follower) cursor() *int64 {
	if f.last != nil {
		return f.last
	}
	return f.query.After
}
