package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/trail"
)

// reading is a command that reads something out of the entries of a build or a release.
type reading struct {
	use, short, long, example string
	// of returns the document to print, and how people read it.
	of func([]event.Entry) (any, [][]string, error)
}

const whence = `

The entries are read out of the record store, as by all audit commands. Where only a
server is known (--url or ORGO_URL, and no --store) that is asked.`

func auditTimeline() *cobra.Command {
	return reading{
		use: "timeline ID", short: "Print all that happened to a build or a release, in order",
		long: "Print every entry of a build or a release, in the order of the log: when, who, what, and why.",
		example: "  orgo audit timeline ID\n" +
			"  orgo audit timeline ID --store postgres://auditor@db/orgo -o json",
		of: func(entries []event.Entry) (any, [][]string, error) {
			moments := trail.Timeline(entries)
			rows := [][]string{{"#", "AT", "TYPE", "BY", "WHAT", "CODES", "REASON"}}
			for _, m := range moments {
				by := m.Actor
				if m.OnBehalfOf != "" {
					by += " for " + m.OnBehalfOf
				}
				rows = append(rows, []string{strconv.FormatInt(m.Sequence, 10), at(m.At), m.Type, by, m.What, strings.Join(m.Codes, ", "), m.Reason})
			}
			return map[string]any{"timeline": moments}, rows, nil
		},
	}.command()
}

func auditGates() *cobra.Command {
	return reading{
		use: "gates ID", short: "Print every decision on a build or a release, in order",
		long: `Print every decision of a gate on a build or a release, in the order in which they were
made. What was refused stays, also if it was overridden: the override is another decision.`,
		example: "  orgo audit gates ID\n  orgo audit gates ID -o yaml",
		of: func(entries []event.Entry) (any, [][]string, error) {
			decided, err := trail.Gates(entries)
			rows := [][]string{{"#", "AT", "GATE", "STAGE", "VERDICT", "CODES", "WHAT"}}
			for _, d := range decided {
				rows = append(rows, []string{
					strconv.FormatInt(d.Sequence, 10), at(d.At), d.Gate, stageText(d), d.Verdict, strings.Join(d.Codes, ", "), saysText(d),
				})
			}
			return map[string]any{"gates": decided}, rows, err
		},
	}.command()
}

func auditArtifacts() *cobra.Command {
	return reading{
		use: "artifacts ID", short: "Print every artifact that a build or a release names",
		long: `Print every artifact that the entries of a build or a release name, each once, with the
entry that named it first. Whether it is still in the artifact store is not looked at.`,
		example: "  orgo audit artifacts ID\n  orgo audit artifacts ID -o json",
		of: func(entries []event.Entry) (any, [][]string, error) {
			named, err := trail.Artifacts(entries)
			rows := [][]string{{"DIGEST", "SIZE", "NAME", "STAGE", "FIRST NAMED", "MEDIA TYPE"}}
			for _, n := range named {
				name := n.Name
				if n.Path != "" {
					name += " " + n.Path
				}
				rows = append(rows, []string{
					n.Digest.String(), strconv.FormatInt(n.Size, 10), name, dash(n.Stage), fmt.Sprintf("%d %s", n.Sequence, n.Type), dash(n.MediaType),
				})
			}
			return map[string]any{"artifacts": named}, rows, err
		},
	}.command()
}

func (r reading) command() *cobra.Command {
	var organization string
	cmd := &cobra.Command{
		Use: r.use, Short: r.short, Long: r.long + whence, Example: r.example, Args: oneRecord,
		RunE: func(cmd *cobra.Command, args []string) error {
			entries, err := entriesOf(cmd, organization, args[0])
			if errors.Is(err, store.ErrNotFound) {
				return cli.Refused(gates.NotFound, "%v", err)
			}
			if err != nil {
				return err
			}
			document, rows, err := r.of(entries)
			if err != nil {
				return cli.Refused(gates.RecordUnavailable, "%v", err)
			}
			return show(cmd, document, func(w io.Writer) error { return table(w, rows) })
		},
	}
	addStoreFlags(cmd)
	cmd.Flags().StringVar(&organization, "organization", records.DefaultOrganization, "whose build or release it is, in the record store")
	return cmd
}

// entriesOf returns every entry of a build or a release: out of the store that was named,
// else from the server that was named, else out of that of the local stack.
func entriesOf(cmd *cobra.Command, organization, id string) ([]event.Entry, error) {
	named, _ := cmd.Flags().GetString("store")
	url, _ := cmd.Flags().GetString("url")
	if named == "" && os.Getenv("ORGO_STORE") == "" && (url != "" || os.Getenv("ORGO_URL") != "" && !cmd.Flags().Changed("data")) {
		c, err := cli.Connect(cmd)
		if err != nil {
			return nil, err
		}
		return served(cmd.Context(), c, id)
	}
	dsn, _, err := storeOf(cmd)
	if err != nil {
		return nil, err
	}
	return stack.Entries(cmd.Context(), dsn, organization, id)
}

// served reads the entries from a server, page by page.
func served(ctx context.Context, c *client.Client, id string) ([]event.Entry, error) {
	all, err := pages(ctx, id, c.Entries)
	var problem *client.Problem
	if errors.As(err, &problem) && problem.ReasonCode == string(gates.NotFound) {
		return pages(ctx, id, c.ReleaseEntries)
	}
	return all, err
}

func pages(ctx context.Context, id string, read func(context.Context, string, int64, int) (client.EntryList, error)) ([]event.Entry, error) {
	var all []event.Entry
	for after := int64(0); ; {
		page, err := read(ctx, id, after, 1000)
		if err != nil || len(page.Entries) == 0 {
			return all, err
		}
		all, after = append(all, page.Entries...), page.Next
	}
}

func stageText(d trail.Decided) string {
	text := d.Stage
	if d.Rollout > 0 {
		text = strconv.Itoa(d.Rollout)
	}
	if d.Generation > 1 {
		text += fmt.Sprintf(" (generation %d)", d.Generation)
	}
	if d.Cohort != "" {
		text += " " + d.Cohort
	}
	return dash(strings.TrimSpace(text))
}

func saysText(d trail.Decided) string {
	o := d.Override
	if o == nil {
		return strings.Join(d.Says, "; ")
	}
	text := "overridden by " + o.Actor
	if o.ConfirmedBy != "" {
		text += " and " + o.ConfirmedBy
	}
	text += ", case " + o.CaseID + ": " + o.Reason
	if len(d.Says) > 0 {
		text += "; " + strings.Join(d.Says, "; ")
	}
	return text
}

// dash stands where there is nothing.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func at(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// table prints rows in columns.
func table(w io.Writer, rows [][]string) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(out, strings.TrimRight(strings.Join(row, "\t"), "\t")); err != nil {
			return err
		}
	}
	return out.Flush()
}
