package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
)

func (a *app) key() *cobra.Command {
	return group("key", "Rotate the keys that sign", `  orgo key retire 5d41…c592 --reason "rotated"`, a.keyRetire())
}

func (a *app) keyRetire() *cobra.Command {
	var request client.RetireKey
	cmd := &cobra.Command{
		Use:   "retire KEY_ID --reason REASON",
		Short: "Say that what a key signs from now on does not count",
		Long: `Say that what a key signs from now on does not count. What it signed before stays valid.

A key is announced in the log by the first process that has it. To rotate: make a
new key, start every worker with it, then retire the old one.`,
		Example: `  orgo events tail --after -1 --follow=false --type 'orgo.key.*'    # which keys there are
  orgo key retire 5d41402abc4b2a76b9719d911017c592 --reason "rotated"`,
		Args: exactly(1, "the id of one key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.Reason == "" {
				return Usage("say why with --reason: it goes into the log")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			retirement, err := c.RetireKey(cmd.Context(), args[0], request)
			if err != nil {
				return err
			}
			return a.print(retirement, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "key %s is %s\n", retirement.KeyID, retirement.After)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why, for the log")
	return cmd
}
