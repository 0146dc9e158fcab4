package cli

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
)

func (a *app) releaseRollback() *cobra.Command {
	var request client.RollbackRelease
	var until, key string
	cmd := &cobra.Command{
		Use:   "rollback ID --reason REASON",
		Short: "Take back what a release brought",
		Long: `Take back what a release brought: each of its cohorts goes back to the newest pack
that closed well there and may be active still. With --to it is the pack of that
release, which rollbacks of the channel then go to until --until.`,
		Example: `  orgo release rollback ID --reason "answers are wrong"
  orgo release rollback ID --to ID --until 4h --reason "1.3 has the same fault"
  orgo release rollback ID --cohort canary --reason "only there"`,
		Args: oneRelease(),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case request.Reason == "":
				return Usage("say why with --reason: it goes into the record")
			case request.To == "" && until != "":
				return Usage("--until says how long rollbacks go --to a release: name it")
			}
			if until != "" {
				at, err := untilTime(until, time.Now())
				if err != nil {
					return err
				}
				request.Until = &at
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			record, err := c.Rollback(cmd.Context(), args[0], request, key)
			if err != nil {
				return err
			}
			return a.print(record, func(w io.Writer) error { return printReleaseAction(w, "is told to go back", record) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&request.To, "to", "", "go back to the pack of this release, which closed well")
	flags.StringVar(&until, "until", "", "how long rollbacks go there: a time, or 4h from now (default: 1h)")
	flags.StringArrayVar(&request.Cohorts, "cohort", nil, "only in this cohort; may be repeated (default: all)")
	addAskFlags(flags, &request.Reason, &key)
	return cmd
}
