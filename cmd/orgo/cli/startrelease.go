package cli

import (
	"context"
	"io"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// builtAndReleased is what build start --release prints as JSON: the build, and the
// release if there came to be one.
type builtAndReleased struct {
	records.BuildView
	Release *release.Record `json:"release,omitempty"`
}

// releaseBuild follows a build and releases it once it has passed.
func (a *app) releaseBuild(ctx context.Context, c *client.Client, buildID string, request client.CreateRelease, wait bool) error {
	view, err := followBuild(ctx, c, buildID, a.progress())
	if err != nil {
		return err
	}
	if view.State != records.BuildPassed {
		if a.structured() {
			if err := a.printTo(a.streams.Out, builtAndReleased{BuildView: view}); err != nil {
				return err
			}
		}
		return a.conclude(ctx, c, view)
	}
	request.BuildID = view.BuildID
	record, err := c.CreateRelease(ctx, request, releaseKey(view.BuildID, request.Channel))
	if err != nil {
		return err
	}
	if wait {
		if record, err = followRelease(ctx, c, record.ReleaseID, a.releaseProgress()); err != nil {
			return err
		}
	}
	err = a.print(builtAndReleased{view, &record}, func(w io.Writer) error {
		if wait {
			return nil // it has been shown
		}
		return printCreated(w, record)
	})
	if err != nil || !wait {
		return err
	}
	return a.concludeRelease(ctx, c, record)
}

// releaseKey names the release of a build on a channel. The id of the build comes from
// its key, so a command that is repeated finds both.
func releaseKey(buildID, channel string) string { return "build/" + buildID + "/" + channel }
