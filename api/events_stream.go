package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/store"
)

// StreamObserver sees event streams come, work and go. Its methods are called by
// many streams at a time.
type StreamObserver interface {
	StreamOpened()
	EventSent()
	StreamEnded(end StreamEnd)
}

// StreamEnd says why an event stream ended.
type StreamEnd string

// The ends of a stream.
const (
	StreamLeft    StreamEnd = "left"    // by the consumer
	StreamSlow    StreamEnd = "slow"    // the consumer did not take its events in time
	StreamStopped StreamEnd = "stopped" // the server stops
	StreamFailed  StreamEnd = "failed"  // the log could not be read
)

func (l Limits) withStreamDefaults() Limits {
	if l.Streams <= 0 {
		l.Streams = 256
	}
	if l.Heartbeat <= 0 {
		l.Heartbeat = 15 * time.Second
	}
	if l.EventWrite <= 0 {
		l.EventWrite = 10 * time.Second
	}
	if l.EventPoll <= 0 {
		l.EventPoll = time.Second
	}
	return l
}

type stoppingKey struct{}

// BaseContext returns the base context of a server that stops when ctx ends
// (http.Server.BaseContext). Calls go on then, to be done within Shutdown's time;
// event streams, which never are, end at once.
func BaseContext(ctx context.Context) context.Context {
	return context.WithValue(context.WithoutCancel(ctx), stoppingKey{}, ctx.Done())
}

// stopping returns the channel that is closed when the server stops, or nil.
func stopping(ctx context.Context) <-chan struct{} {
	done, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return done
}

// eventStreams is the log and the streams that follow it.
type eventStreams struct {
	log      Events
	observer StreamObserver
	limits   Limits
	open     chan struct{} // holds one for each open stream
}

func newEventStreams(log Events, observer StreamObserver, limits Limits) *eventStreams {
	if observer == nil {
		observer = unobserved{}
	}
	return &eventStreams{log: log, observer: observer, limits: limits, open: make(chan struct{}, limits.Streams)}
}

// unobserved is the observer of a server that has none.
type unobserved struct{}

func (unobserved) StreamOpened()         {}
func (unobserved) EventSent()            {}
func (unobserved) StreamEnded(StreamEnd) {}

// admit takes one of the places for streams; release gives it back.
func (e *eventStreams) admit() (release func(), err error) {
	select {
	case e.open <- struct{}{}:
		return func() { <-e.open }, nil
	default:
		return nil, refusef(gates.TooManyStreams, "%d event streams are open, and the server admits no more", e.limits.Streams)
	}
}

// sendStream sends events until the consumer leaves or falls behind, or the
// server stops. Every stream ends so that its consumer can go on at its cursor.
func (s *server) sendStream(ctx huma.Context, caller Identity, filter event.Filter, after int64) {
	_, w := humago.Unwrap(ctx)
	header := w.Header()
	header.Set("Content-Type", mediaEventStream)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // proxies that know it send on at once
	w.WriteHeader(http.StatusOK)

	s.events.observer.StreamOpened()
	out := &eventWriter{out: w, control: http.NewResponseController(w), patience: s.limits.EventWrite}
	end, err := s.seenEvents(caller).follow(ctx.Context(), out, caller.Organization, filter, after)
	s.events.observer.StreamEnded(end)
	if end == StreamSlow || end == StreamFailed {
		s.log.WarnContext(ctx.Context(), "an event stream was ended",
			"request_id", infoOf(ctx.Context()).id, "end", string(end), "cursor", out.cursor, "error", err)
	}
}

// streamPage is how many leaves a stream holds at most.
const streamPage = 100

// follow sends what the filter admits of the leaves after one, those that are
// there and those to come. No more than a page is held; a consumer is waited for
// only as long as its writes may take.
func (e *eventStreams) follow(
	ctx context.Context, out *eventWriter, organization string, filter event.Filter, after int64,
) (StreamEnd, error) {
	heartbeat, poll := time.NewTicker(e.limits.Heartbeat), time.NewTicker(e.limits.EventPoll)
	defer heartbeat.Stop()
	defer poll.Stop()
	at := make(chan struct{})
	close(at)
	// The consumer learns where it is before anything happens: it can come back
	// without missing what comes between.
	if err := out.sign("stream", after); err != nil {
		return endOfWrite(err), err
	}
	for {
		sequenced := e.log.Sequenced()
		leaves, next, err := e.log.Leaves(ctx, organization, after+1, streamPage)
		if err != nil {
			return endOfRead(ctx), err
		}
		if end, err := e.send(out, filter, leaves); err != nil {
			return end, err
		}
		var more <-chan struct{} // ready while the end of the log is not reached
		if next > after+1 {
			more, after = at, next-1
		}
		select {
		case <-ctx.Done():
			return StreamLeft, ctx.Err()
		case <-stopping(ctx):
			return StreamStopped, nil
		case <-heartbeat.C:
			if err := out.sign("heartbeat", after); err != nil {
				return endOfWrite(err), err
			}
		case <-more:
		case <-sequenced:
		case <-poll.C:
		}
	}
}

// send writes what the filter admits of a page. The end is that of the stream if
// there is an error.
func (e *eventStreams) send(out *eventWriter, filter event.Filter, leaves []store.Leaf) (StreamEnd, error) {
	for _, leaf := range leaves {
		if !filter.Admits(leaf.Entry) {
			continue
		}
		if err := out.prepare(leaf); err != nil {
			return StreamFailed, err
		}
		if err := out.write(); err != nil {
			return endOfWrite(err), err
		}
		e.observer.EventSent()
	}
	if err := out.flush(); err != nil {
		return endOfWrite(err), err
	}
	return "", nil
}

// endOfWrite tells a consumer that does not read from one that is gone.
func endOfWrite(err error) StreamEnd {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return StreamSlow
	}
	return StreamLeft
}

func endOfRead(ctx context.Context) StreamEnd {
	if ctx.Err() != nil {
		return StreamLeft
	}
	return StreamFailed
}

// eventWriter writes server-sent events (HTML Living Standard §9.2). Each write
// has to be taken within the consumer's patience.
type eventWriter struct {
	out      http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	cursor   int64 // the leaf that was written last
	buffer   bytes.Buffer
	unsent   bool
}

// prepare makes the event of a leaf the next to be written. The encoder leaves no
// line break inside JSON, so the data is one line.
func (w *eventWriter) prepare(leaf store.Leaf) error {
	w.buffer.Reset()
	fmt.Fprintf(&w.buffer, "id: %d\nevent: %s\ndata: ", leaf.Number, leaf.Type)
	if err := jsonFormat().Marshal(&w.buffer, leaf.Event()); err != nil {
		return fmt.Errorf("event of leaf %d: %w", leaf.Number, err)
	}
	w.buffer.WriteByte('\n')
	w.cursor = leaf.Number
	return nil
}

// sign writes a comment and moves the consumer's cursor: an id without data sets
// what it reconnects with and is no event to it.
func (w *eventWriter) sign(comment string, cursor int64) error {
	w.buffer.Reset()
	fmt.Fprintf(&w.buffer, ": %s\nid: %d\n\n", comment, cursor)
	w.cursor = cursor
	if err := w.write(); err != nil {
		return err
	}
	return w.flush()
}

func (w *eventWriter) write() error {
	if err := w.control.SetWriteDeadline(time.Now().Add(w.patience)); err != nil {
		return err
	}
	w.unsent = true
	_, err := w.out.Write(w.buffer.Bytes())
	return err
}

// flush sends what is written, if anything is.
func (w *eventWriter) flush() error {
	if !w.unsent {
		return nil
	}
	w.unsent = false
	return w.control.Flush()
}
