package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

func (a *app) buildStop() *cobra.Command {
	var request client.StopBuild
	cmd := &cobra.Command{
		Use:   "stop ID --reason REASON",
		Short: "Stop a build, at the next safe boundary or now",
		Example: `  orgo build stop ID --reason "wrong input"
  orgo build stop ID --now --reason "it overloads the source"`,
		Args: oneID(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.Reason == "" {
				return Usage("say why with --reason: it goes into the record")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			view, err := c.Stop(cmd.Context(), args[0], request)
			if err != nil {
				return err
			}
			return a.print(view, func(w io.Writer) error { return printAction(w, "is told to stop", view) })
		},
	}
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why, for the record")
	cmd.Flags().BoolVar(&request.Now, "now", false, "cancel the stage that runs, rather than wait for its end")
	return cmd
}

func (a *app) buildRetry() *cobra.Command {
	var request client.RetryStage
	var stage string
	cmd := &cobra.Command{
		Use:   "retry ID --stage STAGE --reason REASON",
		Short: "Run a waiting build again from a stage",
		Long: `Run a build that waits for an operator again from a stage, as a new generation.
What came out of that stage and of those after it is void.`,
		Example: `  orgo build retry ID --stage validate --reason "source corrected"`,
		Args:    oneID(),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.Stage = records.Stage(stage)
			if records.BuildIndex(request.Stage) < 0 {
				return Usage("name with --stage the stage to run again from: ingest, extract, resolve, validate or compile")
			}
			if request.Reason == "" {
				return Usage("say why with --reason: it goes into the record")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			view, err := c.Retry(cmd.Context(), args[0], request)
			if err != nil {
				return err
			}
			return a.print(view, func(w io.Writer) error { return printAction(w, "runs again from "+stage, view) })
		},
	}
	cmd.Flags().StringVar(&stage, "stage", "", "the stage to run again from: ingest, extract, resolve, validate or compile")
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why, for the record")
	return cmd
}

func printAction(w io.Writer, what string, view records.BuildView) error {
	_, err := fmt.Fprintf(w, "build %s %s; it is %s\n  to follow it: orgo build watch %s\n", view.BuildID, what, view.State, view.BuildID)
	return err
}
