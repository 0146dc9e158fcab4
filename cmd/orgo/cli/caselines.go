package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func (a *app) caseExport() *cobra.Command {
	var f caseFilterFlags
	var out string
	cmd := &cobra.Command{
		Use: "export", Short: "Write cases as JSON Lines, each as case import reads it",
		Example: "  orgo case export > cases.jsonl\n  orgo case export --open --out cases.jsonl",
		Args:    none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := f.query()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if out == "" {
				return c.ExportCases(cmd.Context(), query, a.streams.Out)
			}
			file, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return Usage("%v", err)
			}
			err = c.ExportCases(cmd.Context(), query, file)
			if closed := file.Close(); err == nil {
				err = closed
			}
			return err
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "", "a new file to write to (default: standard output)")
	return cmd
}

func (a *app) caseImport() *cobra.Command {
	var atomic bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Open a case for each line of JSON Lines that there is none for",
		Long: `Open a case for each line of a file of JSON Lines, or with - of standard input, that there
is none for: each names itself by source_reference or case_id, so importing it again
changes nothing. Lines that have ended are left out. A line that is refused is told with
its place, and the others are imported; with --atomic none is. The exit code is 1 if any
line is refused.`,
		Example: "  orgo case import cases.jsonl\n  orgo case import - --atomic < cases.jsonl",
		Args:    exactly(1, "one file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var from io.Reader = cmd.InOrStdin()
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return Usage("%v", err)
				}
				defer file.Close()
				from = file
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			result, err := c.ImportCases(cmd.Context(), from, atomic)
			if err != nil {
				return err
			}
			if err := a.print(result, func(w io.Writer) error { return printImport(w, args[0], result) }); err != nil || result.Refused == 0 {
				return err
			}
			return &outcomeError{*refusal(gates.RequestInvalid, "%d of %d lines are refused", result.Refused, result.Lines)}
		},
	}
	cmd.Flags().BoolVar(&atomic, "atomic", false, "import no line if one is refused")
	return cmd
}

func printImport(w io.Writer, file string, r client.ImportResult) error {
	for _, refused := range r.Refusals {
		place := fmt.Sprintf("%s:%d", file, refused.Line)
		if refused.Column > 0 {
			place += fmt.Sprintf(":%d", refused.Column)
		}
		fmt.Fprintf(w, "%s: %s: %s\n", place, refused.Code, strings.TrimPrefix(refused.Pointer+": "+refused.Message, ": "))
	}
	_, err := fmt.Fprintf(w, "%d lines: %d cases opened, %d were there, %d had ended, %d refused, %d withheld\n",
		r.Lines, r.Created, r.Exists, r.Ended, r.Refused, r.Withheld)
	return err
}

// routeFlags are the flags of case route.
type routeFlags struct {
	client.RouteCase
	stage, policy string
	explain       bool
}

func (a *app) caseRoute() *cobra.Command {
	var f routeFlags
	cmd := &cobra.Command{
		Use: "route [ID]", Short: "Say which route a case takes, and why",
		Long: `Say which route a case takes: one that there is, by its facts as they are now, or one of
such reason codes, cause, stage and channel. Nothing is recorded. --policy tries a bundle
that is not in force. --explain shows every rule in order: which matched first, and of
the others the first condition that did not hold.`,
		Example: `  orgo case route ID --explain
  orgo case route --cause build --code VALIDATION_FAILED --stage validate --incident --explain
  orgo case route --code DRIFT_DETECTED --channel production/main --incident --active --policy policy.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return Usage("%s takes one id at most; see \"%s --help\"", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			request := f.RouteCase
			request.Stage, request.Severity = records.Stage(f.stage), strings.ToUpper(f.Severity)
			if len(args) == 1 {
				request.CaseID = args[0]
			}
			var err error
			if f.policy != "" {
				if request.Policy, err = policyArgument(f.policy); err != nil {
					return err
				}
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			route, err := c.RouteCase(cmd.Context(), request)
			if err != nil {
				return inFile(err, f.policy)
			}
			return a.print(route, func(w io.Writer) error { return printRoute(w, route, f.explain) })
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.explain, "explain", false, "show every rule, and why it decides or does not")
	flags.StringVar(&f.Cause, "cause", "", "the kind of what it is about: build, release, drift, … (default request)")
	flags.StringSliceVar(&f.Codes, "code", nil, "a reason code; may be repeated")
	flags.StringVar(&f.stage, "stage", "", "the stage of a build")
	flags.StringVar(&f.Channel, "channel", "", "ENVIRONMENT/CHANNEL")
	flags.StringVar(&f.Severity, "severity", "", "SEV1 to SEV4 (default: derived, if it is an incident)")
	flags.BoolVar(&f.Incident, "incident", false, "something went wrong")
	flags.BoolVar(&f.Active, "active", false, "something is active on the channel")
	flags.IntVar(&f.Occurrences, "occurrences", 0, "how often the cause was met")
	flags.IntVar(&f.Affected, "affected", 0, "how many builds, releases or channels met the same lately")
	flags.StringVar(&f.policy, "policy", "", "a mandate bundle file, YAML or JSON, or the digest of a registered one")
	return cmd
}

func printRoute(w io.Writer, route client.CaseRoute, explain bool) error {
	r := route.Route
	rows := [][]string{
		{"rule", r.Rule}, {"label", r.Label}, {"owners", ownersText(r.Owners)}, {"priority", string(r.Priority)}, {"severity", orNot(r.Severity)},
		{"visibility", string(r.Visibility)}, {"respond", spanText(r.RespondWithin)}, {"resolve", spanText(r.ResolveWithin)},
	}
	for i, level := range r.Escalation {
		rows = append(rows, []string{fmt.Sprintf("level %d", i+1), "after " + level.After.Std().String() + ": " + orNot(ownersText(level.Owners))})
	}
	for _, plan := range r.Tasks {
		rows = append(rows, []string{"task", plan.Key + ": " + plan.Title})
	}
	if recorded := route.Recorded; recorded != nil && recorded.Rule != r.Rule {
		rows = append(rows, []string{"recorded", recorded.Rule + ": the case was opened with it, and it stays"})
	}
	if err := columns(w, rows); err != nil || !explain {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s", route.Explanation.String())
	return err
}

func spanText(d records.Duration) string {
	if d == 0 {
		return "-"
	}
	return "within " + d.Std().String()
}

func (a *app) caseBuild() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use: "build ID --reason REASON", Short: "Start a build that follows from a case",
		Long: `Start a build that follows from a case, which refers to it then: a build of its own, whose
trigger is the case. Without --input it is asked for what the build was that the case is
about; nothing that was built is changed. The same --idempotency-key is the same build.`,
		Example: `  orgo case build ID --reason "the list is mended"
  orgo case build ID --input ./documents --policy policy.yaml --reason "with the new rules"`,
		Args: oneCase(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.reason == "" {
				return Usage("say why with --reason: it goes into the record")
			}
			if len(f.inputs) == 0 && (f.pipeline != "" || f.policy != "" || f.contracts != "") {
				return Usage("--pipeline, --policy and --contracts are about another build: name what to build from with --input")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			request := client.BuildFromCase{Because: client.Because{Reason: f.reason}}
			if len(f.inputs) > 0 {
				build, err := a.buildRequest(cmd.Context(), c, f)
				if err != nil {
					return err
				}
				request.Build = &build
			}
			started, err := c.BuildFromCase(cmd.Context(), args[0], request, f.key)
			if err != nil {
				return inFile(err, f.policy)
			}
			return a.print(started, func(w io.Writer) error {
				view := started.Build
				_, err := fmt.Fprintf(w, "build %s is %s, and follows from case %s\n  to follow it: orgo build watch %s\n", view.BuildID, view.State, started.Case.CaseID, view.BuildID)
				return err
			})
		},
	}
	addBuildFlags(cmd.Flags(), &f)
	return cmd
}
