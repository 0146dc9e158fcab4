package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/release"
)

// createFlags are the flags of release create.
type createFlags struct {
	build     string
	channel   string // of build start
	channels  []string
	version   string
	strategy  string
	policy    string
	supersede bool
	key       string
	reason    string
	wait      bool
}

func (a *app) releaseCreate() *cobra.Command {
	var f createFlags
	cmd := &cobra.Command{
		Use:   "create --build ID --channel ENVIRONMENT/CHANNEL --version X.Y.Z",
		Short: "Create a release: have what a build made go out on a channel",
		Long: `Create a release: have what a build made go out on a channel, once its policy permits
and as many people as that asks for have approved.

Without --strategy it goes to all cohorts at once, without --policy that of the build
decides. On a channel where another release runs it waits its turn; with --supersede it
takes it. The same --idempotency-key with the same request is the same release. With
--wait the exit code is 0 only if the release closes well.

With several channels it is a set: a release on each, which take every stage in lockstep.
One that goes back or ends takes all with it.`,
		Example: `  orgo release create --build ID --channel prod/main --version 1.4.0
  orgo release create --build ID --channel prod/main --version 1.4.0 --strategy staged.yaml --wait
  orgo release create --build ID --channel prod/eu --channel prod/us --version 1.4.0
  orgo release create --build ID --channel prod/main --version 1.4.1 --supersede --reason "fix for case 4b1f"`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.build == "" {
				return Usage("name with --build what goes out; see \"%s --help\"", cmd.CommandPath())
			}
			request, err := f.request()
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if len(f.channels) > 1 {
				return a.createSet(cmd.Context(), c, request, f)
			}
			record, err := c.CreateRelease(cmd.Context(), request, f.key)
			if err != nil {
				return inFile(err, f.policy)
			}
			if !f.wait {
				return a.print(record, func(w io.Writer) error { return printCreated(w, record) })
			}
			return a.releaseToItsEnd(cmd.Context(), c, record.ReleaseID)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.build, "build", "", "the id of a build that passed")
	flags.StringSliceVar(&f.channels, "channel", nil, "where it goes: ENVIRONMENT/CHANNEL; several are a set")
	addGoingOutFlags(flags, &f)
	flags.StringVar(&f.policy, "policy", "", "a mandate bundle file, YAML or JSON, or the digest of a registered one (default: that of the build)")
	flags.BoolVar(&f.supersede, "supersede", false, "take the turn of the release that runs on the channel")
	flags.StringVar(&f.key, "idempotency-key", "", "names the release: the same key is the same release (default: a new one)")
	flags.StringVar(&f.reason, "reason", "", "why, for the record")
	flags.BoolVar(&f.wait, "wait", false, "follow the release to its end")
	return cmd
}

// addGoingOutFlags adds the flags that build start --release has, too.
func addGoingOutFlags(flags *pflag.FlagSet, f *createFlags) {
	flags.StringVar(&f.version, "version", "", "the version that the release has: x.y.z")
	flags.StringVar(&f.strategy, "strategy", "", "a strategy file, YAML or JSON: how it goes out (default: all at once)")
}

// request reads the files that the flags name.
func (f createFlags) request() (client.CreateRelease, error) {
	request := client.CreateRelease{
		BuildID: f.build, Version: f.version, Supersede: f.supersede, Remark: client.Remark{Reason: f.reason},
	}
	channels := f.channels
	if f.channel != "" {
		channels = []string{f.channel}
	}
	if len(channels) == 0 {
		return request, Usage("name with --channel where it goes: ENVIRONMENT/CHANNEL")
	}
	for _, channel := range channels {
		if _, err := channelName(channel); err != nil {
			return request, err
		}
	}
	request.Channel = channels[0]
	if f.version == "" {
		return request, Usage("name with --version the version that the release has: x.y.z")
	}
	var err error
	if f.strategy != "" {
		if request.Strategy, err = readStrategy(f.strategy); err != nil {
			return request, err
		}
	}
	if f.policy != "" {
		request.Policy, err = policyArgument(f.policy)
	}
	return request, err
}

// createSet creates a release on each channel and, if it is to wait, follows them one
// after the other: what becomes of one becomes of all.
func (a *app) createSet(ctx context.Context, c *client.Client, request client.CreateRelease, f createFlags) error {
	created, err := c.CreateReleaseSet(ctx, request, f.channels, f.key)
	if err != nil {
		return inFile(err, f.policy)
	}
	if !f.wait {
		return a.print(client.ReleaseList{Releases: created}, func(w io.Writer) error {
			for _, record := range created {
				if err := printCreated(w, record); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var errs []error
	for _, record := range created {
		errs = append(errs, a.releaseToItsEnd(ctx, c, record.ReleaseID))
	}
	return errors.Join(errs...)
}

func printCreated(w io.Writer, r release.Record) error {
	_, err := fmt.Fprintf(w, "release %s is %s\n  to follow it: orgo release watch %s\n", r.ReleaseID, phaseText(r), r.ReleaseID)
	return err
}

// releaseToItsEnd follows a release, prints what became of it, and returns the outcome.
func (a *app) releaseToItsEnd(ctx context.Context, c *client.Client, id string) error {
	record, err := followRelease(ctx, c, id, a.releaseProgress())
	if err != nil {
		return err
	}
	if a.structured() {
		if err := a.printTo(a.streams.Out, record); err != nil {
			return err
		}
	}
	return a.concludeRelease(ctx, c, record)
}
