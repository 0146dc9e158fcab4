package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/records"
)

//go:embed demo
var demoFiles embed.FS

// demo builds the shipped demo with the command line that every user has, and
// prints its record. The stack goes on whatever becomes of it.
func (p *process) demo(ctx context.Context, out, errOut io.Writer) {
	dir := filepath.Join(p.dir.Path(), "demo")
	if err := writeDemo(dir); err != nil {
		fmt.Fprintf(errOut, "orgo: demo: %v\n", err)
		return
	}
	orgo := func(args ...string) int {
		fmt.Fprintf(out, "$ orgo %s\n", strings.Join(args, " "))
		code := cli.Run(ctx, append(args, "--data", p.dir.Path()), cli.Streams{Out: out, Err: errOut})
		fmt.Fprintln(out)
		return code
	}
	key := client.NewKey()
	start := []string{"build", "start", "--idempotency-key", key,
		"--input", filepath.Join(dir, "corpus"),
		"--pipeline", filepath.Join(dir, "pipeline.yaml"),
		"--policy", filepath.Join(dir, "policy.yaml"),
		"--reason", "the shipped demo", "--wait"}
	if orgo(start...) == exitDone {
		orgo("build", "record", "--format", "koa", records.BuildID(records.DefaultOrganization, key))
	}
	fmt.Fprintf(out, `The demo is at %s.
A second pipeline holds the same corpus to a rule that it breaks, and must be blocked:

  go run ./cmd/orgo build start --input %s --pipeline %s --policy %s --wait
`, dir, filepath.Join(dir, "corpus"), filepath.Join(dir, "blocked-pipeline.yaml"), filepath.Join(dir, "policy.yaml"))
}

// writeDemo puts the shipped files where a user can read and change them.
func writeDemo(dir string) error {
	return fs.WalkDir(demoFiles, "demo", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel("demo", path)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, relative)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		data, err := demoFiles.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
}
