package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/records"
)

type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this program",
		Example: "  orgo version -o json",
		Args:    none(),
		RunE: func(*cobra.Command, []string) error {
			info := readVersion()
			return a.print(info, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "orgo %s %s %s %s\n", info.Version, info.Revision, info.Go, info.Platform)
				return err
			})
		},
	}
}

func readVersion() versionInfo {
	info := versionInfo{Version: records.OrgoVersion, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	build, known := debug.ReadBuildInfo()
	if !known {
		return info
	}
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			info.Revision = setting.Value
		case "vcs.modified":
			info.Modified = setting.Value == "true"
		}
	}
	return info
}
