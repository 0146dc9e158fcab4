package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
)

func (a *app) events() *cobra.Command {
	return group("events", "Follow what happens",
		`  orgo events tail
  orgo events tail --type 'orgo.build.*' -o json`,
		a.eventsTail())
}

func (a *app) eventsTail() *cobra.Command {
	var t tail
	var after int64
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print events as they come, each once and in order, until interrupted",
		Long: `Print events as they come, each once and in order, until interrupted.

Each event has a leaf, its place in the log. At its end the command prints the leaf
to go on after to stderr, so that another run misses nothing and repeats nothing.`,
		Example: `  orgo events tail                                    # what happens from now on
  orgo events tail --after -1 --follow=false          # all there is
  orgo events tail --after 1041 --type 'orgo.build.*' --type orgo.gate.failed -o json`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("after") {
				if after < client.FromTheBeginning {
					return Usage("after %d is neither a leaf nor -1 for the beginning", after)
				}
				t.query.After = &after
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			return a.tail(cmd.Context(), c, t)
		},
	}
	flags := cmd.Flags()
	flags.Int64Var(&after, "after", 0, "the leaf seen last; -1: from the beginning (default: only new events, with --follow=false all)")
	flags.StringArrayVar(&t.query.Types, "type", nil, "only this type, or all below one: 'orgo.stage.*'; repeatable")
	flags.StringVar(&t.query.Subject, "subject", "", "only what is about this: build/ID or release/ID")
	flags.StringVar(&t.query.Channel, "channel", "", "only what belongs to this channel")
	flags.BoolVar(&t.follow, "follow", true, "wait for new events; false: end with the last one there is")
	return cmd
}

// tail says which events to print.
type tail struct {
	query  client.EventQuery
	follow bool
}

// tail prints events until there are no more or ctx ends, which is how a tail is
// meant to end.
func (a *app) tail(ctx context.Context, c *client.Client, t tail) error {
	cursor, err := startOf(ctx, c, t)
	if err != nil {
		return ended(err)
	}
	t.query.After = &cursor
	if t.follow {
		err = a.followEvents(ctx, c, t.query, &cursor)
	} else {
		err = a.listEvents(ctx, c, t.query, &cursor)
	}
	return errors.Join(ended(err), a.printCursor(cursor))
}

// startOf returns the leaf after which a tail begins. It asks for the end of the
// log, so that the cursor to go on after is known even if nothing happens.
func startOf(ctx context.Context, c *client.Client, t tail) (int64, error) {
	switch {
	case t.query.After != nil:
		return *t.query.After, nil
	case !t.follow:
		return client.FromTheBeginning, nil
	}
	page, err := c.EventPage(ctx, t.query, 1)
	return page.Next, err
}

// ended forgives an error that only says that the command was interrupted.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (a *app) followEvents(ctx context.Context, c *client.Client, query client.EventQuery, cursor *int64) error {
	for event, err := range c.Events(ctx, query) {
		if err != nil {
			return err
		}
		if err := a.printEvent(event); err != nil {
			return err
		}
		if *cursor, err = event.Leaf(); err != nil {
			return err
		}
	}
	return nil
}

// eventPage is how many events are asked for at once.
const eventPage = 500

func (a *app) listEvents(ctx context.Context, c *client.Client, query client.EventQuery, cursor *int64) error {
	for {
		query.After = cursor
		page, err := c.EventPage(ctx, query, eventPage)
		if err != nil {
			return err
		}
		for _, event := range page.Events {
			if err := a.printEvent(event); err != nil {
				return err
			}
		}
		*cursor = page.Next
		if !page.More {
			return nil
		}
	}
}

// printEvent prints an event as a line; as YAML, as a document.
func (a *app) printEvent(event client.Event) error {
	switch a.settings.Output {
	case formatJSON:
		return writeJSONLine(a.streams.Out, event)
	case formatYAML:
		if _, err := io.WriteString(a.streams.Out, "---\n"); err != nil {
			return err
		}
		return a.printTo(a.streams.Out, event)
	default:
		_, err := fmt.Fprintln(a.streams.Out, eventLine(event))
		return err
	}
}

func eventLine(event client.Event) string {
	line := fmt.Sprintf("%8s  %s  %-22s  %s", event.Sequence, event.Time.UTC().Format(time.RFC3339), event.Type, event.Subject)
	for _, more := range []string{event.Stage, event.Channel, event.Cohort, strings.ReplaceAll(event.ReasonCodes, ",", ", ")} {
		if more != "" {
			line += "  " + more
		}
	}
	return line
}

// printCursor says where another run goes on. It is no part of the output.
func (a *app) printCursor(cursor int64) error {
	if a.structured() {
		return writeJSONLine(a.streams.Err, struct {
			Next int64 `json:"next"`
		}{cursor})
	}
	_, err := fmt.Fprintf(a.streams.Err, "to go on: orgo events tail --after %d\n", cursor)
	return err
}
