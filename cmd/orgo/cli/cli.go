// Package cli is Orgo's command line. It talks to the HTTP API alone, through
// package client.
//
// Every command exits with 0 for success, 1 for a refused or failed outcome, and
// 2 for bad usage, and prints what it found as a table, JSON or YAML. Errors go
// to stderr, as text or, with -o json or yaml, as problem details (RFC 9457).
package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
)

// Streams are where a command writes.
type Streams struct {
	Out, Err io.Writer
	// Live says that Out is a terminal on which lines can be drawn again.
	Live bool
	// Color says that a terminal may be written to in color.
	Color bool
}

// Run runs the command that args name and returns its exit code. The verbs are
// added to those of the command line itself.
func Run(ctx context.Context, args []string, streams Streams, verbs ...*cobra.Command) int {
	a := &app{streams: streams}
	root := a.root()
	root.AddCommand(verbs...)
	root.SetArgs(args)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if a.settings.Output == "" && cmd != nil {
		// The settings were not read: the command line was refused before.
		a.settings.Output = cmd.Flags().Lookup(flagOutput).Value.String()
	}
	return a.finish(err)
}

// app is one run of the command line.
type app struct {
	streams  Streams
	settings Settings
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "orgo",
		Short: "Run builds and releases through gates, and keep the evidence",
		Long: `Orgo runs builds through an ordered spine of stages, brings them out in releases,
decides at gates whether the next step may be taken, and records everything that
happened and why.`,
		Example: `  go run ./deployments/local                      # a whole system, in one process
  orgo build start --input ./documents --wait     # build a directory, and see it through
  orgo build list
  orgo explain VALIDATION_FAILED`,
		SilenceErrors: true, // finish prints them, in the form that was asked for
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := readSettings(cmd.Flags())
			if err != nil {
				return err
			}
			a.settings = settings
			return nil
		},
	}
	addSettingFlags(root.PersistentFlags())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return Usage("%v; see \"%s --help\"", err, cmd.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(a.build(), a.release(), a.channel(), a.caseCommand(), a.task(), a.contracts(), a.events(), a.key(), a.webhook(), a.policy(), a.telemetry(), a.pipeline(), a.explain(), a.version())
	asGroup(root)
	return root
}

// group is a command that only has commands under it.
func group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Example: example}
	g.AddCommand(commands...)
	asGroup(g)
	return g
}

// asGroup makes a command say what is under it; a word that is not is bad usage.
func asGroup(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return Usage("%s has no command %q; see \"%s --help\"", cmd.CommandPath(), args[0], cmd.CommandPath())
		}
		return cmd.Help()
	}
}

// exactly admits n arguments, with a message that names them.
func exactly(n int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return Usage("%s takes %s; see \"%s --help\"", cmd.CommandPath(), names, cmd.CommandPath())
		}
		return nil
	}
}

// oneID admits the id of a build.
func oneID() cobra.PositionalArgs { return exactly(1, "the id of one build") }

// none admits no argument.
func none() cobra.PositionalArgs { return exactly(0, "no argument") }

// Connect returns a client of the server that the settings of an added verb name.
func Connect(cmd *cobra.Command) (*client.Client, error) {
	settings, err := readSettings(cmd.Flags())
	if err != nil {
		return nil, err
	}
	return (&app{settings: settings}).connect()
}

// connect returns a client of the server that the settings name.
func (a *app) connect() (*client.Client, error) {
	options, err := a.settings.connection()
	if err != nil {
		return nil, err
	}
	return client.New(options)
}
