package cli

import (
	"io"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) channel() *cobra.Command {
	commands := []*cobra.Command{a.channelGet(), a.channelList()}
	for _, verb := range channelVerbs {
		commands = append(commands, a.channelVerb(verb))
	}
	return group("channel", "See what is active where, and keep it so",
		`  orgo channel get prod/main
  orgo channel freeze prod/main --until 2026-12-27T08:00:00Z --reason "holidays"
  orgo channel lift prod/main --owner orgo/rollback --reason "cause found"`,
		append(commands, a.channelNodes())...)
}

// oneChannel admits the name of a channel.
func oneChannel() cobra.PositionalArgs { return exactly(1, "one channel, ENVIRONMENT/CHANNEL") }

func (a *app) channelGet() *cobra.Command {
	return &cobra.Command{
		Use:     "get ENVIRONMENT/CHANNEL",
		Short:   "Print what is active in each cohort of a channel, and what keeps it so",
		Example: "  orgo channel get prod/main\n  orgo channel get prod/main -o json",
		Args:    oneChannel(),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := channelName(args[0])
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			record, err := c.Channel(cmd.Context(), name)
			if err != nil {
				return err
			}
			return a.print(record, func(w io.Writer) error { return printChannel(w, record, time.Now()) })
		},
	}
}

func (a *app) channelList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List every channel", Example: "  orgo channel list\n  orgo channel list -o json", Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			list, err := c.Channels(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(list, func(w io.Writer) error { return printChannels(w, list) })
		},
	}
}
