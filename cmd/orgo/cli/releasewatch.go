package cli

import (
	"context"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records/release"
)

func (a *app) releaseWatch() *cobra.Command {
	return &cobra.Command{
		Use:   "watch ID",
		Short: "Follow a release until it has closed well or ended otherwise",
		Long: `Follow a release until it has closed well or ended otherwise: drawn live on a
terminal, as lines elsewhere, and with -o json as one JSON document on a line for each
change. The exit code is 0 only if it ends in CLOSED_GOOD.`,
		Example: "  orgo release watch ID",
		Args:    oneRelease(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			to := a.releaseProgress()
			if a.structured() {
				to = documentPrinter[release.Record]{a}
			}
			record, err := followRelease(cmd.Context(), c, args[0], to)
			if err != nil {
				return err
			}
			return a.concludeRelease(cmd.Context(), c, record)
		},
	}
}

func followRelease(ctx context.Context, c *client.Client, id string, to display[release.Record]) (release.Record, error) {
	return follow(ctx, func(ctx context.Context) iter.Seq2[release.Record, error] { return c.WatchRelease(ctx, id) }, to)
}

// releaseProgress is progress, of releases.
func (a *app) releaseProgress() display[release.Record] {
	switch {
	case a.structured():
		return silent[release.Record]{}
	case a.streams.Live:
		return &releasePainter{screen: a.screen()}
	default:
		return &releasePrinter{out: a.streams.Out}
	}
}

// concludeRelease returns nil for a release that closed well. For any other it prints
// every unmet condition and returns the outcome.
func (a *app) concludeRelease(ctx context.Context, c *client.Client, r release.Record) error {
	if r.Phase == string(rollout.PhaseClosedGood) {
		return nil
	}
	why, err := c.ReleaseWhy(ctx, r.ReleaseID)
	if err != nil {
		return err
	}
	if !a.structured() {
		fmt.Fprintln(a.streams.Out)
		if err := printReleaseWhy(a.streams.Out, why); err != nil {
			return err
		}
	}
	detail := fmt.Sprintf("release %s ended %s: %s", r.ReleaseID, r.Phase, joinCodes(blocking(r)))
	return &outcomeError{unmetProblem("the release did not close well", detail, why.Unmet)}
}
