package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/api/builtin"
)

func (a *app) pipeline() *cobra.Command {
	return group("pipeline", "Read pipelines", "  orgo pipeline show default > pipeline.yaml", a.pipelineShow())
}

// pipelineShow needs no server: the default pipeline is part of the program.
func (a *app) pipelineShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show default",
		Short:   "Print the pipeline of builds that name none, to copy and change",
		Example: "  orgo pipeline show default > pipeline.yaml",
		Args:    exactly(1, "the name of a pipeline"),
		RunE: func(_ *cobra.Command, args []string) error {
			if args[0] != builtin.PipelineName {
				return Usage("no pipeline is named %q; only %q is built in", args[0], builtin.PipelineName)
			}
			documents, err := builtin.Load()
			if err != nil {
				return err
			}
			return a.print(documents.Pipeline, func(w io.Writer) error {
				_, err := w.Write(builtin.PipelineYAML())
				return err
			})
		},
	}
}
