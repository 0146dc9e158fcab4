package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// display shows how a build goes on.
type display interface {
	// show shows a new state.
	show(view records.BuildView, now time.Time) error
	// tick shows the passing of time.
	tick(now time.Time) error
}

// silent shows nothing: only the end is asked for.
type silent struct{}

func (silent) show(records.BuildView, time.Time) error { return nil }
func (silent) tick(time.Time) error                    { return nil }

// progress returns the display that suits the output: drawn again and again on a
// terminal, lines elsewhere, nothing where a program reads the result.
func (a *app) progress() display {
	switch {
	case a.structured():
		return silent{}
	case a.streams.Live:
		return &livePainter{out: a.streams.Out, color: a.streams.Color}
	default:
		return &linePrinter{out: a.streams.Out}
	}
}

// tickInterval is how often the times of a live display move.
const tickInterval = 200 * time.Millisecond

// follow shows a build until it has ended, and returns its last state.
func follow(ctx context.Context, c *client.Client, id string, to display) (records.BuildView, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type news struct {
		view records.BuildView
		err  error
	}
	feed := make(chan news)
	go func() {
		defer close(feed)
		for view, err := range c.Watch(ctx, id) {
			select {
			case feed <- news{view, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	var last records.BuildView
	for {
		select {
		case item, more := <-feed:
			if !more {
				return last, ctx.Err()
			}
			if item.err != nil {
				return last, item.err
			}
			last = item.view
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

// outcomeProblem sums up why a build has not passed. The first unmet condition
// gives the reason code; all are listed.
func outcomeProblem(view records.BuildView, why client.Why) client.Problem {
	problem := client.Problem{
		Title:  "the build did not pass",
		Detail: fmt.Sprintf("build %s ended %s: %s", view.BuildID, view.State, joinCodes(view.Codes)),
	}
	for i, unmet := range why.Unmet {
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
