package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
)

func (a *app) policyBacktest() *cobra.Command {
	var request client.BacktestPolicy
	var since string
	cmd := &cobra.Command{
		Use:   "backtest FILE|DIGEST",
		Short: "Say what a policy bundle would have decided on what was decided",
		Long: `Say what a policy bundle would have decided on what was decided: the stored decisions
of the organization are made again under it, the newest first. Nothing is recorded.

What is newly blocked or admitted is counted by reason code. Decisions that cannot
be made again are counted by why: those that only say that earlier ones passed, those
that override another, and those of a version of Orgo that kept no inputs. Under the
bundle that the decisions were made under all are identical.`,
		Example: `  orgo policy backtest policy.yaml
  orgo policy backtest policy.yaml --since 2026-03-01 --gate validation -o json`,
		Args: exactly(1, "one policy bundle file or digest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if request.Policy, err = policyArgument(args[0]); err != nil {
				return err
			}
			if request.Since, err = sinceOf(since); err != nil {
				return err
			}
			if request.Limit < 0 {
				return Usage("--limit must not be negative")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			result, err := c.Backtest(cmd.Context(), request)
			if err != nil {
				return inFile(err, args[0])
			}
			return a.print(result, func(w io.Writer) error { return printBacktest(w, result) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&since, "since", "", "only what was decided at or after this: 2026-03-01, or 2026-03-01T12:00:00Z")
	flags.IntVar(&request.Limit, "limit", 0, "at most so many decisions, the newest (default 10000)")
	flags.StringVar(&request.Gate, "gate", "", "only decisions of this gate")
	return cmd
}

// sinceOf reads a day or an instant; empty is nil.
func sinceOf(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return &at, nil
		}
	}
	return nil, Usage("--since %q is neither a day, 2026-03-01, nor a time, 2026-03-01T12:00:00Z", text)
}

// firstChanges is how many changes are printed for people.
const firstChanges = 10

func printBacktest(w io.Writer, b client.Backtest) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s\n%d decisions made again, %d identical\n", b.BundleID, b.Digest, b.Decisions, b.Identical)
	for _, gate := range slices.Sorted(maps.Keys(b.Tested)) {
		fmt.Fprintf(&out, "rules of gate %s: tried on %d decisions%s\n", gate, b.Tested[gate], untested(b.Tested[gate]))
	}
	writeCounts(&out, "newly blocked", b.Blocked)
	writeCounts(&out, "newly admitted", b.Admitted)
	writeCounts(&out, "skipped", b.Skipped)
	for _, change := range b.Changes[:min(len(b.Changes), firstChanges)] {
		about := cmp.Or(change.BuildID, change.ReleaseID)
		fmt.Fprintf(&out, "build %s, %s, gate %s: %s, would be %s %v\n", about, change.Stage, change.Gate, change.Before, change.After, change.Codes)
	}
	if more := len(b.Changes) - firstChanges; more > 0 {
		fmt.Fprintf(&out, "and %d more: see them with -o json\n", more)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// untested says that a rule that was tried on nothing is not a rule that blocks
// nothing.
func untested(decisions int) string {
	if decisions == 0 {
		return ": what they would block is not known"
	}
	return ""
}

// writeCounts writes counts, the largest first.
func writeCounts(w io.Writer, what string, counts map[string]int) {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for _, name := range names {
		fmt.Fprintf(w, "%s: %d × %s\n", what, counts[name], name)
	}
}
