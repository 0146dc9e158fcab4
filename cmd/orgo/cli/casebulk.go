package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/cases"
)

func (a *app) caseBulk() *cobra.Command {
	var f caseFilterFlags
	var act actFlags
	var dry bool
	cmd := &cobra.Command{
		Use: "bulk [ID…] --to STATE", Short: "Take many cases to another state, or say what would happen to each",
		Long: `Take many cases to another state: those that are named, or those that the flags select and
that have not ended. With --dry-run nothing is changed, and it is said what would happen
to each. Each is a transition of its own: one that is refused keeps no other back, and
the exit code is 1 then. --limit is how many are taken at once (default 100, at most 500).`,
		Example: `  orgo case bulk --to CANCELLED --type test --reason "a drill" --dry-run
  orgo case bulk ID ID ID --to COMPLETED --resolution "mended by build b"`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			request := client.MoveCases{IDs: args, DryRun: dry, Resolution: act.resolution, Force: act.force, Remark: client.Remark{Reason: act.reason}}
			var err error
			if request.To, err = stateOf(act.to, cases.Statuses()); err != nil {
				return err
			}
			if len(args) == 0 {
				if request.Filter, err = f.filter(); err != nil {
					return err
				}
				request.Limit, request.Cursor = f.limit, f.cursor
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			moved, err := c.MoveCases(cmd.Context(), request, act.key)
			if err != nil {
				return err
			}
			if err := a.print(moved, func(w io.Writer) error { return printMoved(w, moved) }); err != nil || moved.Failed == 0 {
				return err
			}
			return &outcomeError{*refusal(gates.InvalidTransition, "%d of %d cases are refused", moved.Failed, len(moved.Cases))}
		},
	}
	flags := cmd.Flags()
	f.add(flags)
	addAskFlags(flags, &act.reason, &act.key)
	addMoveFlags(flags, &act, cases.Statuses())
	flags.BoolVar(&act.force, "force", false, "complete cases also while a build that they are about runs, which is recorded")
	flags.BoolVar(&dry, "dry-run", false, "change nothing, and say what would happen")
	return cmd
}

// filter returns which Cases the flags select. Without any flag it would be all: that is
// not said by saying nothing.
func (f *caseFilterFlags) filter() (*client.CaseFilter, error) {
	query, err := f.query()
	switch {
	case err != nil:
		return nil, err
	case query.Mine:
		return nil, Usage("name with --owner whose cases are meant, instead of --mine")
	}
	filter := client.CaseFilter{
		Statuses: query.Statuses, Priorities: query.Priorities, Severities: query.Severities, Types: query.Types, Label: query.Label,
		Owners: query.Owners, Cause: query.Cause, DueBefore: query.DueBefore,
	}
	chosen := len(filter.Statuses) + len(filter.Priorities) + len(filter.Severities) + len(filter.Types) + len(filter.Label) + len(filter.Owners)
	if chosen == 0 && filter.Cause == nil && filter.DueBefore.IsZero() {
		return nil, Usage("name the cases, or say with --status, --type, --owner, … which are meant")
	}
	return &filter, nil
}

func printMoved(w io.Writer, moved client.MovedCases) error {
	rows := [][]string{{"CASE", "FROM", "TO", "VERSION", "REASON", "WHY"}}
	for _, one := range moved.Cases {
		rows = append(rows, []string{
			one.CaseID, orNot(string(one.From)), orNot(string(one.To)), strconv.FormatInt(one.Version, 10), orNot(one.Code), orNot(one.Message),
		})
	}
	if err := withMore(w, rows, moved.Next); err != nil {
		return err
	}
	done := "were moved"
	if moved.DryRun {
		done = "would be moved"
	}
	_, err := fmt.Fprintf(w, "%d %s, %d refused\n", moved.Moved, done, moved.Failed)
	return err
}
