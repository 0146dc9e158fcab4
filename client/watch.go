package client

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"strconv"
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
	return watch(ctx,
		func(ctx context.Context) (records.BuildView, error) { return c.Build(ctx, id) },
		func(ctx context.Context, after records.BuildView) (records.BuildView, error) {
			return c.changed(ctx, id, after.Version, watchWait)
		},
		func(view records.BuildView) (int64, bool) { return view.Version, view.State.Terminal() })
}

// watch yields what first returns and then each change of it, which changed waits
// for, until state says that it is the last.
func watch[T any](
	ctx context.Context,
	first func(context.Context) (T, error),
	changed func(context.Context, T) (T, error),
	state func(T) (version int64, last bool),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		current, err := first(ctx)
		if !yield(current, err) || err != nil {
			return
		}
		lastAnswer := time.Now()
		for {
			version, last := state(current)
			if last {
				return
			}
			next, err := changed(ctx, current)
			if err != nil {
				if mayReturn(err) && time.Since(lastAnswer) < watchPatience && pause(ctx, firstBackoff) {
					continue
				}
				yield(current, err)
				return
			}
			lastAnswer = time.Now()
			if after, _ := state(next); after == version {
				continue
			}
			current = next
			if !yield(current, nil) {
				return
			}
		}
	}
}

// changeAfter is the query that asks for a change.
func changeAfter(version int64, wait time.Duration) url.Values {
	return url.Values{"after_version": {strconv.FormatInt(version, 10)}, "wait": {wait.String()}}
}

// mayReturn reports whether err says only that no server answered.
func mayReturn(err error) bool {
	var unreachable *UnreachableError
	return errors.As(err, &unreachable)
}
