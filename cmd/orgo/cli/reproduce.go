package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func (a *app) buildReproduce() *cobra.Command {
	var request client.ReproduceBuild
	var key string
	var wait bool
	cmd := &cobra.Command{
		Use:   "reproduce ID",
		Short: "Run a build again from its pins alone, and compare every output",
		Long: `Run a build again, as a build of its own, from its pins and its snapshot alone.
With --wait every output is compared by digest, and the exit code is 0 only if all
are identical. Any difference is a failure of class F4, with its stage and file.`,
		Example: "  orgo build reproduce ID --wait",
		Args:    oneID(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			view, err := c.Reproduce(cmd.Context(), args[0], request, key)
			if err != nil {
				return err
			}
			if !wait {
				return a.started(view)
			}
			return a.compareAtEnd(cmd.Context(), c, args[0], view.BuildID)
		},
	}
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why, for the record")
	cmd.Flags().StringVar(&key, "idempotency-key", "", "names the build: the same key is the same build (default: a new one)")
	cmd.Flags().BoolVar(&wait, "wait", false, "follow the build to its end and compare")
	return cmd
}

// reproduction is what reproduce prints as JSON: the new build, and how it
// compares.
type reproduction struct {
	records.BuildView
	Identical  bool              `json:"identical"`
	Comparison client.Comparison `json:"comparison"`
}

func (a *app) compareAtEnd(ctx context.Context, c *client.Client, originalID, id string) error {
	view, err := followBuild(ctx, c, id, a.progress())
	if err != nil {
		return err
	}
	original, err := c.Build(ctx, originalID)
	if err != nil {
		return err
	}
	comparison := client.Compare(original, view)
	result := reproduction{BuildView: view, Identical: comparison.Identical(), Comparison: comparison}
	if err := a.print(result, func(w io.Writer) error { return printComparison(w, originalID, result) }); err != nil {
		return err
	}
	if result.Identical {
		return nil
	}
	if view.State != records.BuildPassed {
		return a.conclude(ctx, c, view)
	}
	return &outcomeError{notReproduced(originalID, result)}
}

func printComparison(w io.Writer, originalID string, r reproduction) error {
	if r.Identical {
		_, err := fmt.Fprintf(w, "\nidentical: all %d outputs of %d stages are those of build %s\n",
			r.Comparison.Outputs, r.Comparison.Stages, originalID)
		return err
	}
	fmt.Fprintf(w, "\nnot identical to build %s: %d of %d outputs differ\n", originalID, len(r.Comparison.Differences), r.Comparison.Outputs)
	rows := [][]string{{"STAGE", "FILE", "WAS", "IS"}}
	for _, d := range r.Comparison.Differences {
		rows = append(rows, []string{string(d.Stage), fileText(d), digestText(d.Original), digestText(d.Again)})
	}
	return columns(w, rows)
}

func fileText(d client.Difference) string {
	if d.Path != "" {
		return d.Path
	}
	return d.Name
}

func digestText(d *records.Digest) string {
	if d == nil {
		return "absent"
	}
	return d.String()
}

// notReproduced is the problem of a build that passed and yet differs.
func notReproduced(originalID string, r reproduction) client.Problem {
	reason, _ := gates.Lookup(gates.OutputNotReproduced)
	problem := client.Problem{
		Title: reason.Meaning, ReasonCode: string(reason.Code), Class: string(reason.Class), Remedy: reason.Remedy,
		Detail: fmt.Sprintf("build %s does not repeat build %s", r.BuildID, originalID),
	}
	for _, d := range r.Comparison.Differences {
		problem.Errors = append(problem.Errors, client.ProblemError{
			Location: string(d.Stage), Code: problem.ReasonCode,
			Message: fmt.Sprintf("%s was %s, is %s", fileText(d), digestText(d.Original), digestText(d.Again)),
		})
	}
	return problem
}
