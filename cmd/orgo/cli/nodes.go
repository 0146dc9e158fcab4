package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/gates/cohort"
)

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
