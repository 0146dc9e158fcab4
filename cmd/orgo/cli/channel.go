package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
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

func (a *app) channelNodes() *cobra.Command {
	var file, reason, key string
	cmd := &cobra.Command{
		Use:   "nodes ENVIRONMENT/CHANNEL --file FILE",
		Short: "Say which nodes a channel reaches",
		Long: `Say which nodes a channel reaches: a YAML or JSON list of {id, labels}. It replaces the
list before; releases that run keep the nodes that their stages began with.`,
		Example: `  orgo channel nodes prod/main --file nodes.yaml --reason "two more in eu"`,
		Args:    oneChannel(),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := channelName(args[0])
			if err != nil {
				return err
			}
			if file == "" {
				return Usage("name with --file the list of nodes")
			}
			nodes, err := readNodes(file)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			record, err := c.SetNodes(cmd.Context(), name, nodes, reason, key)
			if err != nil {
				return err
			}
			return a.print(record, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "channel %s reaches %d nodes\n", name, len(nodes))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "the list of nodes, YAML or JSON: [{id: n1, labels: {region: eu}}]")
	addAskFlags(cmd.Flags(), &reason, &key)
	return cmd
}

// readNodes reads a list of nodes. What a list as such may not have the server says.
func readNodes(file string) ([]cohort.Node, error) {
	var nodes []cohort.Node
	return nodes, readStrictly(file, "a list of nodes", &nodes)
}

// printChannel prints a channel: what keeps it where it is, and its cohorts.
func printChannel(w io.Writer, r rollout.Record, now time.Time) error {
	head := [][]string{{"channel", r.ChannelName().String()}, {"state", r.State()}, {"index", indexText(r)}}
	add := func(of, format string, args ...any) { head = append(head, []string{of, fmt.Sprintf(format, args...)}) }
	if r.Nodes != nil {
		add("nodes", "%d", r.Nodes.Count)
	}
	if r.Turn != nil {
		add("moves", "release %s, version %s", r.Turn.ReleaseID, r.Turn.Pack.Version)
	}
	for _, q := range r.Queue {
		add("waits", "release %s, version %s", q.ReleaseID, q.Pack.Version)
	}
	if err := columns(w, append(head, keeping(r.Channel, now)...)); err != nil || len(r.Slots) == 0 {
		return err
	}
	fmt.Fprintln(w)
	return columns(w, slotRows(r))
}

// keeping says what keeps a channel from moving, or where it goes.
func keeping(c rollout.Channel, now time.Time) [][]string {
	var rows [][]string
	add := func(of, format string, args ...any) { rows = append(rows, []string{of, fmt.Sprintf(format, args...)}) }
	if c.Containment != nil {
		add("goes back", "%s, because of %s", joinCodes(c.Containment.Cohorts), c.Containment.Code)
	}
	for _, hold := range c.Holds {
		add("held", "by %s: %s", hold.Owner, hold.Reason)
	}
	for _, freeze := range c.Freezes {
		if now.Before(freeze.Until) {
			add("frozen", "by %s until %s: %s", freeze.Owner, timeText(freeze.Until), freeze.Reason)
		}
	}
	for _, pin := range c.Pins {
		if now.Before(pin.ExpiresAt) {
			add("pinned", "by %s, %s, until %s: %s, %s", pin.Owner, pin.For, timeText(pin.ExpiresAt), pin.Pack, pin.Reason)
		}
	}
	if c.Minimum != "" {
		add("minimum", "%s", c.Minimum)
	}
	for _, pack := range c.Revoked {
		add("revoked", "%s", pack)
	}
	for _, pack := range c.Quarantined {
		add("quarantined", "%s", pack)
	}
	return rows
}

func indexText(r rollout.Record) string {
	text := strconv.FormatInt(r.Sequence, 10)
	if r.Confirmed < r.Sequence {
		text += fmt.Sprintf(", of which %d is read back", r.Confirmed)
	}
	if len(r.Drifted) > 0 {
		text += ", drifted in " + joinCodes(r.Drifted)
	}
	return text
}

func slotRows(r rollout.Record) [][]string {
	share := map[string]string{}
	for _, portion := range r.Cohorts {
		share[portion.Cohort] = percent(portion.Points)
	}
	rows := [][]string{{"COHORT", "SHARE", "ACTIVE", "DESIRED", "RELEASE", "PACK"}}
	for _, slot := range r.Slots {
		release, pack := "-", "-"
		if slot.Desired != nil {
			release, pack = orNot(slot.Desired.ReleaseID), slot.Desired.Pack.Digest.String()
		}
		rows = append(rows, []string{slot.Cohort, orNot(share[slot.Cohort]), versionText(slot.Active), versionText(slot.Desired), release, pack})
	}
	return rows
}

func versionText(p *rollout.Placement) string {
	if p == nil {
		return "-"
	}
	return orNot(p.Pack.Version)
}

// printChannels prints one line for each channel.
func printChannels(w io.Writer, list client.ChannelList) error {
	rows := [][]string{{"CHANNEL", "STATE", "INDEX", "COHORTS", "MOVES", "WAITING", "HOLDS", "FREEZES", "PINS"}}
	for _, r := range list.Channels {
		moves := "-"
		if r.Turn != nil {
			moves = r.Turn.ReleaseID
		}
		rows = append(rows, []string{
			r.ChannelName().String(), r.State(), strconv.FormatInt(r.Sequence, 10), strconv.Itoa(len(r.Slots)), moves, strconv.Itoa(len(r.Queue)),
			strconv.Itoa(len(r.Holds)), strconv.Itoa(len(r.Freezes)), strconv.Itoa(len(r.Pins)),
		})
	}
	return columns(w, rows)
}
