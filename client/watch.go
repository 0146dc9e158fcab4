package client

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/initkoa/orgo/records"
)

const (
	watchWait = 25 * time.Second
	// watchPatience is how long a watch that has worked bears a server that does
	// not answer: long enough for a restart.
	watchPatience = 2 * time.Minute
)

// Watch yields the state of a build now and after each change, until the build
// has ended. States that follow each other quickly may be seen as one. A server
// that goes away while a build is watched is waited for; an error is the last
// thing yielded.
func (c *Client) Watch(ctx context.Context, id string) iter.Seq2[records.BuildView, error] {
	return func(yield func(records.BuildView, error) bool) {
		view, err := c.Build(ctx, id)
		if !yield(view, err) || err != nil {
			return
		}
		lastAnswer := time.Now()
		for !view.State.Terminal() {
			next, err := c.changed(ctx, id, view.Version, watchWait)
			if err != nil {
				if mayReturn(err) && time.Since(lastAnswer) < watchPatience && pause(ctx, firstBackoff) {
					continue
				}
				yield(view, err)
				return
			}
			lastAnswer = time.Now()
			if next.Version == view.Version {
				continue
			}
			view = next
			if !yield(view, nil) {
				return
			}
		}
	}
}

// mayReturn reports whether err says only that no server answered.
func mayReturn(err error) bool {
	var unreachable *UnreachableError
	return errors.As(err, &unreachable)
}
