package cli

import (
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

func (a *app) release() *cobra.Command {
	commands := []*cobra.Command{a.releaseCreate()}
	for _, verb := range releaseVerbs {
		commands = append(commands, a.releaseVerb(verb))
	}
	commands = append(commands, a.releaseRollback(), a.releaseRevoke(false), a.releaseRevoke(true),
		a.releaseGet(), a.releaseList(), a.releaseWatch(), a.releaseRecord(), a.releaseWhy())
	return group("release", "Bring builds out, stage by stage, and take them back",
		`  orgo release create --build ID --channel prod/main --version 1.4.0 --strategy staged.yaml --wait
  orgo release approve ID
  orgo release why ID
  orgo release rollback ID --reason "answers are wrong"`,
		commands...)
}

// oneRelease admits the id of a release.
func oneRelease() cobra.PositionalArgs { return exactly(1, "the id of one release") }

func (a *app) releaseGet() *cobra.Command {
	return &cobra.Command{
		Use:     "get ID",
		Short:   "Print where a release stands, and each of its stages",
		Example: "  orgo release get ID\n  orgo release get ID -o json",
		Args:    oneRelease(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			record, err := c.Release(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(record, func(w io.Writer) error { return printRelease(w, record) })
		},
	}
}

func (a *app) releaseList() *cobra.Command {
	var query client.ReleaseListQuery
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List releases, newest first",
		Example: `  orgo release list --channel prod/main
  orgo release list --phase AWAITING_APPROVAL -o json`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query.Phase = strings.ToUpper(query.Phase)
			if query.Channel != "" {
				if _, err := channelName(query.Channel); err != nil {
					return err
				}
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			list, err := c.Releases(cmd.Context(), query)
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) error { return printReleases(w, list) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&query.Channel, "channel", "", "only those on this channel: ENVIRONMENT/CHANNEL")
	flags.StringVar(&query.Phase, "phase", "", "only those in this phase, as AWAITING_APPROVAL or OBSERVING")
	flags.IntVar(&query.Limit, "limit", 0, "how many to list at once, up to 200 (default 50)")
	flags.StringVar(&query.Cursor, "cursor", "", "where to go on: the cursor that the list before ended with")
	return cmd
}

func (a *app) releaseRecord() *cobra.Command {
	return a.recordOf("Print the Release Record as it is now, as JSON unless -o yaml", `  orgo release record ID > record.json
  orgo release record ID --format koa`, oneRelease(), (*client.Client).ReleaseRecord)
}

func (a *app) releaseWhy() *cobra.Command {
	return &cobra.Command{
		Use:     "why ID",
		Short:   "List every condition that keeps a release from going on, or that ended it, and what would help",
		Example: "  orgo release why ID\n  orgo release why ID -o json",
		Args:    oneRelease(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			why, err := c.ReleaseWhy(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.print(why, func(w io.Writer) error { return printReleaseWhy(w, why) })
		},
	}
}

// channelName reads a channel as the command line names it.
func channelName(text string) (records.ChannelName, error) {
	name, err := records.ParseChannelName(text)
	if err != nil {
		return name, Usage("%v", err)
	}
	return name, nil
}

// timeText is a time for people and programs alike.
func timeText(at time.Time) string { return at.UTC().Format(time.RFC3339) }
