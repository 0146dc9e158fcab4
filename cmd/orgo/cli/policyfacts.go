package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/gates"
)

// policyFacts prints the table that docs/policy.md has; a test holds that they are
// the same.
func (a *app) policyFacts() *cobra.Command {
	return &cobra.Command{
		Use: "facts", Short: "List the facts that expressions of each gate may read, as Markdown", Args: none(),
		Example: "  orgo policy facts\n  orgo policy facts -o json",
		RunE: func(*cobra.Command, []string) error {
			facts := gates.Facts()
			return a.print(facts, func(w io.Writer) error {
				var out strings.Builder
				out.WriteString("| Gate | Fact | Type | Says |\n| --- | --- | --- | --- |\n")
				for _, f := range facts {
					fmt.Fprintf(&out, "| %s | `%s` | `%s` | %s |\n", cmp.Or(string(f.Gate), "every"), f.Name, f.Type, f.Doc)
				}
				_, err := io.WriteString(w, out.String())
				return err
			})
		},
	}
}
