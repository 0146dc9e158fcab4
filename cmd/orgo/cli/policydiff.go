package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/gates/mandate"
)

// policyDifferences is how two bundles differ.
type policyDifferences struct {
	Old         string               `json:"old"` // digests
	New         string               `json:"new"`
	Differences []mandate.Difference `json:"differences"`
}

func (a *app) policyDiff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say how a policy bundle differs from another",
		Long: `Say how a policy bundle differs from another: policies, rules and members that were
added, removed or changed, with the old and the new value, and whether that is
stricter or looser where it can be told. Each is a file, or the digest of one that the
server has.

As with diff, the exit code is 0 if they are the same, and 1 if they differ; then
nothing goes to stderr. A bundle that is refused is also 1, with the reason there.`,
		Example: `  orgo policy diff old.yaml new.yaml
  orgo policy diff sha256:DIGEST policy.yaml -o json`,
		Args: exactly(2, "two policy bundles"),
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := a.bundleOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			after, err := a.bundleOf(cmd.Context(), args[1])
			if err != nil {
				return err
			}
			found := policyDifferences{Old: before.Digest.String(), New: after.Digest.String(), Differences: mandate.Diff(before, after)}
			if found.Differences == nil {
				found.Differences = []mandate.Difference{}
			}
			if err := a.print(found, func(w io.Writer) error { return printDifferences(w, found.Differences) }); err != nil {
				return err
			}
			// The order of policies and rules changes the digest, and nothing else.
			if len(found.Differences) > 0 {
				return errDifferent
			}
			return nil
		},
	}
}

func printDifferences(w io.Writer, differences []mandate.Difference) error {
	for _, d := range differences {
		where := "bundle"
		switch {
		case d.Rule != "":
			where = "rule " + d.Policy + "/" + d.Rule
		case d.Policy != "":
			where = "policy " + d.Policy
		}
		line := fmt.Sprintf("%s%s %s", where, d.Field, d.Change)
		if d.Direction != "" {
			line += fmt.Sprintf(" (%s)", d.Direction)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
		for _, side := range []struct {
			mark  string
			value json.RawMessage
		}{{"-", d.Old}, {"+", d.New}} {
			if side.value == nil {
				continue
			}
			if _, err := fmt.Fprintf(w, "  %s %s\n", side.mark, side.value); err != nil {
				return err
			}
		}
	}
	return nil
}
