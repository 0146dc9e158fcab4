package cli

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// display shows how a build or a release goes on.
type display[T any] interface {
	// show shows a new state.
	show(state T, now time.Time) error
	// tick shows the passing of time.
	tick(now time.Time) error
}

// silent shows nothing: only the end is asked for.
type silent[T any] struct{}

func (silent[T]) show(T, time.Time) error { return nil }
func (silent[T]) tick(time.Time) error    { return nil }

// documentPrinter prints every state as a document of its own: JSON on one line,
// or a YAML document.
type documentPrinter[T any] struct{ app *app }

func (p documentPrinter[T]) tick(time.Time) error { return nil }

func (p documentPrinter[T]) show(state T, _ time.Time) error {
	if p.app.settings.Output == formatYAML {
		if _, err := io.WriteString(p.app.streams.Out, "---\n"); err != nil {
			return err
		}
		return p.app.printTo(p.app.streams.Out, state)
	}
	return writeJSONLine(p.app.streams.Out, state)
}

// progress returns the display of a build that suits the output: drawn again and again
// on a terminal, lines elsewhere, nothing where a program reads the result.
func (a *app) progress() display[records.BuildView] {
	switch {
	case a.structured():
		return silent[records.BuildView]{}
	case a.streams.Live:
		return &livePainter{screen: a.screen()}
	default:
		return &linePrinter{out: a.streams.Out}
	}
}

// tickInterval is how often the times of a live display move.
const tickInterval = 200 * time.Millisecond

// follow shows states to the last, and returns it.
func follow[T any](ctx context.Context, states func(context.Context) iter.Seq2[T, error], to display[T]) (T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type news struct {
		state T
		err   error
	}
	feed := make(chan news)
	go func() {
		defer close(feed)
		for state, err := range states(ctx) {
			select {
			case feed <- news{state, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	var last T
	for {
		select {
		case item, more := <-feed:
			if !more {
				return last, ctx.Err()
			}
			if item.err != nil {
				return last, item.err
			}
			last = item.state
			if err := to.show(last, time.Now()); err != nil {
				return last, err
			}
		case now := <-ticker.C:
			if err := to.tick(now); err != nil {
				return last, err
			}
		}
	}
}

// followBuild shows a build until it has ended, and returns its last state.
func followBuild(ctx context.Context, c *client.Client, id string, to display[records.BuildView]) (records.BuildView, error) {
	return follow(ctx, func(ctx context.Context) iter.Seq2[records.BuildView, error] { return c.Watch(ctx, id) }, to)
}

// conclude returns nil for a build that passed. For any other it prints every
// unmet condition and returns the outcome.
func (a *app) conclude(ctx context.Context, c *client.Client, view records.BuildView) error {
	if view.State == records.BuildPassed {
		return nil
	}
	why, err := c.Why(ctx, view.BuildID)
	if err != nil {
		return err
	}
	if !a.structured() {
		fmt.Fprintln(a.streams.Out)
		if err := printWhy(a.streams.Out, why); err != nil {
			return err
		}
	}
	return &outcomeError{outcomeProblem(view, why)}
}

// outcomeProblem sums up why a build has not passed.
func outcomeProblem(view records.BuildView, why client.Why) client.Problem {
	return unmetProblem("the build did not pass", fmt.Sprintf("build %s ended %s: %s", view.BuildID, view.State, joinCodes(view.Codes)), why.Unmet)
}

// unmetProblem is an outcome as a problem. The first unmet condition gives the reason
// code; all are listed.
func unmetProblem(title, detail string, all []client.Unmet) client.Problem {
	problem := client.Problem{Title: title, Detail: detail}
	for i, unmet := range all {
		if i == 0 {
			problem.ReasonCode, problem.Class = unmet.Code, unmet.Class
			problem.Title, problem.Remedy = unmet.Meaning, unmet.Remedy
		}
		problem.Errors = append(problem.Errors, client.ProblemError{
			Location: whereText(unmet.Where), Message: unmet.Message, Code: unmet.Code, Remedy: unmet.Remedy,
			Value: unmet.Evidence,
		})
	}
	return problem
}
