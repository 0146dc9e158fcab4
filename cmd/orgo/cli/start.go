package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// startFlags are the flags of build start.
type startFlags struct {
	inputs    []string
	pipeline  string
	policy    string
	contracts string
	key       string
	reason    string
	wait      bool
	// release is what follows once the build has passed; without a channel, nothing.
	release createFlags
}

func (a *app) buildStart() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use:   "start --input PATH…",
		Short: "Start a build",
		Long: `Start a build of files or directories that the worker can read.

Relative paths are made absolute. Without --pipeline, --policy or --contracts the
built-in ones are used. In a pipeline file an object {path: FILE} inside a stage's
config stands for that file: it is uploaded and replaced by its reference.

The same --idempotency-key with the same request is the same build, however often
it is started. With --wait the exit code is 0 only if the build passes.

With --release the build is followed, and if it passes a release of it is created, of
the given version; the same key is the same release, too. With --wait the release is
followed as well, and the exit code is 0 only if it closes well.`,
		Example: `  orgo build start --input ./documents --wait
  orgo build start --input a.csv b.json --pipeline pipeline.yaml --policy policy.yaml
  orgo build start --input ./documents --policy sha256:DIGEST    # as "orgo policy list" has it
  orgo build start --input ./documents --idempotency-key "$CI_PIPELINE_ID" --reason "nightly" --wait
  orgo build start --input ./documents --release prod/main --version 1.4.0 --wait`,
		Args: cobra.ArbitraryArgs, // more inputs: --input a b c
		RunE: func(cmd *cobra.Command, args []string) error {
			f.inputs = append(f.inputs, args...)
			if len(f.inputs) == 0 {
				return Usage("name what to build from with --input PATH; see \"%s --help\"", cmd.CommandPath())
			}
			if f.release.channel == "" && (f.release.version != "" || f.release.strategy != "") {
				return Usage("--version and --strategy are about a release: name its channel with --release")
			}
			return a.startBuild(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	addBuildFlags(flags, &f)
	flags.BoolVar(&f.wait, "wait", false, "follow the build to its end")
	flags.StringVar(&f.release.channel, "release", "", "follow the build, and once it has passed release it here: ENVIRONMENT/CHANNEL")
	addGoingOutFlags(flags, &f.release)
	return cmd
}

// addBuildFlags adds the flags that say what is built, which case build has, too.
func addBuildFlags(flags *pflag.FlagSet, f *startFlags) {
	flags.StringArrayVar(&f.inputs, "input", nil, "a file or directory to build from, or its file: URL; may be repeated")
	flags.StringVar(&f.pipeline, "pipeline", "", "a pipeline file (default: \"orgo pipeline show default\")")
	flags.StringVar(&f.policy, "policy", "", "a mandate bundle file, YAML or JSON, or the digest of a registered one")
	flags.StringVar(&f.contracts, "contracts", "", "a directory of JSON Schemas, NAME.schema.json each, or the sha256:… of a set that was pinned")
	flags.StringVar(&f.key, "idempotency-key", "", "names the build: the same key is the same build (default: a new one)")
	flags.StringVar(&f.reason, "reason", "", "why, for the record")
}

// buildRequest reads the files that the flags name, and uploads what a pipeline refers to.
func (a *app) buildRequest(ctx context.Context, c *client.Client, f startFlags) (client.StartBuild, error) {
	request := client.StartBuild{Trigger: client.BuildTrigger{Type: records.TriggerManual, Reason: f.reason}}
	var err error
	if request.Inputs, err = inputsOf(f.inputs); err != nil {
		return request, err
	}
	if f.pipeline != "" {
		if request.Pipeline, err = readPipeline(ctx, f.pipeline, newUploader(c, a.streams.Err)); err != nil {
			return request, err
		}
	}
	if f.policy != "" {
		if request.Policy, err = policyArgument(f.policy); err != nil {
			return request, err
		}
	}
	if f.contracts != "" {
		request.Contracts, err = contractsOf(f.contracts)
	}
	return request, err
}

func (a *app) startBuild(ctx context.Context, f startFlags) error {
	var following client.CreateRelease
	var err error
	if f.release.channel != "" {
		f.release.reason = f.reason
		// Read before anything is started: what is wrong with it is known now.
		if following, err = f.release.request(); err != nil {
			return err
		}
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	request, err := a.buildRequest(ctx, c, f)
	if err != nil {
		return err
	}
	view, err := c.Start(ctx, request, f.key)
	if err != nil {
		return inFile(err, f.policy)
	}
	if f.release.channel != "" {
		return a.releaseBuild(ctx, c, view.BuildID, following, f.wait)
	}
	if !f.wait {
		return a.started(view)
	}
	view, err = followBuild(ctx, c, view.BuildID, a.progress())
	if err != nil {
		return err
	}
	if a.structured() {
		if err := a.printTo(a.streams.Out, view); err != nil {
			return err
		}
	}
	return a.conclude(ctx, c, view)
}

// started prints a build that nobody waits for.
func (a *app) started(view records.BuildView) error {
	return a.print(view, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "build %s is %s\n  to follow it: orgo build watch %s\n", view.BuildID, view.State, view.BuildID)
		return err
	})
}

func (a *app) buildWatch() *cobra.Command {
	return &cobra.Command{
		Use:   "watch ID",
		Short: "Follow a build to its end",
		Long: `Follow a build to its end: drawn live on a terminal, as lines elsewhere, and with
-o json as one JSON document on a line for each change. The exit code is 0 only if
the build passes.`,
		Example: "  orgo build watch ID",
		Args:    oneID(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			to := a.progress()
			if a.structured() {
				to = documentPrinter[records.BuildView]{a}
			}
			view, err := followBuild(cmd.Context(), c, args[0], to)
			if err != nil {
				return err
			}
			return a.conclude(cmd.Context(), c, view)
		},
	}
}
