package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

func (a *app) build() *cobra.Command {
	return group("build", "Start, follow and read builds",
		`  orgo build start --input ./documents --wait
  orgo build list --state BLOCKED
  orgo build why ID`,
		a.buildStart(), a.buildGet(), a.buildList(), a.buildWatch(), a.buildStop(), a.buildRetry(), a.buildOverride(),
		a.buildRecord(), a.buildReproduce(), a.buildWhy())
}

func (a *app) buildGet() *cobra.Command {
	return &cobra.Command{
		Use:     "get ID",
		Short:   "Print the state of a build and of its steps",
		Example: "  orgo build get 5f0c1c5e-0000-8000-8000-000000000000 -o json",
		Args:    oneID(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			view, err := c.Build(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(view, func(w io.Writer) error { return printBuild(w, view, time.Now()) })
		},
	}
}

func (a *app) buildList() *cobra.Command {
	var query client.ListQuery
	var state string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List builds, newest first",
		Example: `  orgo build list --state BLOCKED
  orgo build list --pipeline orgo-default --limit 200 -o json`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query.State = records.BuildState(state)
			c, err := a.connect()
			if err != nil {
				return err
			}
			list, err := c.Builds(cmd.Context(), query)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) error { return printBuilds(w, list) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&state, "state", "", "only builds in this state: PENDING, RUNNING, WAITING, PASSED, BLOCKED, FAILED or STOPPED")
	flags.StringVar(&query.Pipeline, "pipeline", "", "only builds of the pipeline with this id")
	flags.IntVar(&query.Limit, "limit", 0, "how many to list at once, up to 200 (default 50)")
	flags.StringVar(&query.Cursor, "cursor", "", "where to go on: the cursor that the list before ended with")
	return cmd
}

func (a *app) buildRecord() *cobra.Command {
	return a.recordOf("Print the Build Record of an ended build, as JSON unless -o yaml", `  orgo build record ID > record.json
  orgo build record ID --format koa`, oneID(), (*client.Client).Record)
}

// recordOf is the command that prints a record in one of its forms.
func (a *app) recordOf(
	short, example string, args cobra.PositionalArgs, read func(c *client.Client, ctx context.Context, id, format string) (json.RawMessage, error),
) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "record ID", Short: short, Example: example, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			wire, known := recordFormats[format]
			if !known {
				return Usage("format %q is not json or koa", format)
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			record, err := read(c, cmd.Context(), args[0], wire)
			if err != nil {
				return err
			}
			// A record has no shape as a table that would not leave things out.
			return a.printTo(a.streams.Out, record)
		},
	}
	cmd.Flags().StringVar(&format, "format", "json", "json: everything that Orgo knows; koa: the interop form")
	return cmd
}

// recordFormats maps what --format says to what the API calls it.
var recordFormats = map[string]string{"json": client.FormatOrgo, "koa": client.FormatKOA}

func (a *app) buildWhy() *cobra.Command {
	return &cobra.Command{
		Use:     "why ID",
		Short:   "List every condition that keeps a build from passing, and what would help",
		Example: "  orgo build why ID -o json",
		Args:    oneID(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			why, err := c.Why(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(why, func(w io.Writer) error { return printWhy(w, why) })
		},
	}
}

// printBuilds prints one line for each build.
func printBuilds(w io.Writer, list client.BuildList) error {
	rows := [][]string{{"BUILD", "STATE", "STEP", "PIPELINE", "CREATED", "BY", "REASON"}}
	for _, v := range list.Builds {
		rows = append(rows, []string{
			v.BuildID, string(v.State), string(v.Stage), v.PipelineID,
			v.CreatedAt.UTC().Format(time.RFC3339), v.Trigger.Actor, joinCodes(v.Codes),
		})
	}
	if err := columns(w, rows); err != nil {
		return err
	}
	if list.Next != "" {
		fmt.Fprintf(w, "more: --cursor %s\n", list.Next)
	}
	return nil
}
