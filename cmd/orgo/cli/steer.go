package cli

import (
	"fmt"
	"io"
	"time"

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

func (a *app) buildOverride() *cobra.Command {
	var request client.OverrideGate
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "override ID --gate GATE --case ID --reason REASON",
		Short: "Let a waiting build go on although a gate refused it",
		Long: `Let a build that waits for an operator go on although a gate refused it, where the
policy of the build names the gate in a rule of type "override". The refusal stays
in the record, and the override beside it. Integrity, contract, validation and the
order of the stages can never be overridden.`,
		Example: `  orgo build override ID --gate provenance --case 4b1f… --reason "source moved, see the case" --within 1h`,
		Args:    oneID(),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case request.Gate == "":
				return Usage("name with --gate the gate that refused; orgo build why %s names it", args[0])
			case request.Reason == "":
				return Usage("say why with --reason: it goes into the record")
			case request.CaseID == "":
				return Usage("name with --case the case in which the override is followed up")
			case within <= 0:
				return Usage("--within must be above zero: an override always expires")
			}
			request.ExpiresAt = time.Now().Add(within).UTC().Truncate(time.Second)
			c, err := a.connect()
			if err != nil {
				return err
			}
			view, err := c.Override(cmd.Context(), args[0], request)
			if err != nil {
				return err
			}
			return a.print(view, func(w io.Writer) error { return printAction(w, "goes on although "+request.Gate+" refused", view) })
		},
	}
	cmd.Flags().StringVar(&request.Gate, "gate", "", "the gate that refused")
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why, for the record")
	cmd.Flags().StringVar(&request.CaseID, "case", "", "the id (uuid) of the case in which it is followed up")
	cmd.Flags().DurationVar(&within, "within", time.Hour, "how long the override holds; the policy says how long at most")
	return cmd
}

func printAction(w io.Writer, what string, view records.BuildView) error {
	_, err := fmt.Fprintf(w, "build %s %s; it is %s\n  to follow it: orgo build watch %s\n", view.BuildID, what, view.State, view.BuildID)
	return err
}
