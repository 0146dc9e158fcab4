package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/deployments/local/nodes"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

//go:embed demo
var demoFiles embed.FS

// The demo's channels, and the versions that it releases there: the second is the
// first with one number corrected, and its executions on stable fail.
const (
	demoCanary  = "staging/canary"
	demoStable  = "staging/stable"
	demoFirst   = "1.0.0"
	demoSecond  = "1.1.0"
	demoFailing = 0.5
)

// demoPatience is how long the demo may take: a channel that somebody holds would
// have it wait for ever.
const demoPatience = 3 * time.Minute

// demo plays the shipped demo with the command line that every user has: it builds and
// releases, has a release go wrong, and prints what the record says of it. The stack
// goes on whatever becomes of it.
func (p *process) demo(ctx context.Context, out, errOut io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	d := demo{data: p.dir.Path(), dir: filepath.Join(p.dir.Path(), "demo"), faults: filepath.Join(p.dir.Path(), faultsFile), out: out, errOut: errOut}
	if err := d.play(ctx); err != nil {
		fmt.Fprintf(errOut, "orgo: demo: %v\n", err)
		return
	}
	d.more()
}

type demo struct {
	data, dir, faults string
	out, errOut       io.Writer
}

func (d demo) play(ctx context.Context) error {
	if err := d.write(); err != nil {
		return err
	}
	key, err := d.key()
	if err != nil {
		return err
	}
	first, err := d.build(ctx, key, demoFirst)
	if err != nil {
		return err
	}
	if err := d.orgo(ctx, exitDone, "build", "record", "--format", "koa", first); err != nil {
		return err
	}
	if _, err := d.release(ctx, exitDone, key, first, demoCanary, demoFirst); err != nil {
		return err
	}
	if _, err := d.release(ctx, exitDone, key, first, demoStable, demoFirst); err != nil {
		return err
	}
	second, err := d.build(ctx, key, demoSecond)
	if err != nil {
		return err
	}
	if _, err := d.release(ctx, exitDone, key, second, demoCanary, demoSecond); err != nil {
		return err
	}
	if err := d.inject(); err != nil {
		return err
	}
	bad, err := d.release(ctx, exitFailed, key, second, demoStable, demoSecond)
	if err != nil {
		return err
	}
	return d.tell(ctx, bad)
}

// orgo runs a command and prints it before its output.
func (d demo) orgo(ctx context.Context, want int, args ...string) error {
	fmt.Fprintf(d.out, "$ orgo %s\n", strings.Join(args, " "))
	code := cli.Run(ctx, append(args, "--data", d.data), cli.Streams{Out: d.out, Err: d.errOut})
	fmt.Fprintln(d.out)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("orgo %s: %w", strings.Join(args[:2], " "), context.Cause(ctx))
	case code != want:
		return fmt.Errorf("orgo %s ended with exit code %d, and not %d", strings.Join(args[:2], " "), code, want)
	default:
		return nil
	}
}

// key names what this demo does: with the same files on the same data directory it is
// done once, and told again.
func (d demo) key() (string, error) {
	all := []byte(d.dir)
	err := fs.WalkDir(demoFiles, "demo", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := demoFiles.ReadFile(path)
		all = append(all, data...)
		return err
	})
	return "demo/" + records.DigestOf(all).Value[:12], err
}

// build builds one of the two corpora and returns the build's id.
func (d demo) build(ctx context.Context, key, version string) (string, error) {
	key += "/" + version
	return records.BuildID(records.DefaultOrganization, key), d.orgo(ctx, exitDone,
		"build", "start", "--idempotency-key", key, "--input", d.corpus(version),
		"--pipeline", filepath.Join(d.dir, "pipeline.yaml"), "--policy", filepath.Join(d.dir, "policy.yaml"),
		"--reason", "the shipped demo, version "+version, "--wait")
}

// release releases a build and returns the release's id.
func (d demo) release(ctx context.Context, want int, key, build, channel, version string) (string, error) {
	key += "/" + channel + "/" + version
	_, name, _ := strings.Cut(channel, "/")
	return records.ReleaseID(records.DefaultOrganization, key), d.orgo(ctx, want,
		"release", "create", "--idempotency-key", key, "--build", build, "--channel", channel, "--version", version,
		"--strategy", filepath.Join(d.dir, name+".yaml"), "--wait")
}

// inject has the executions of the second version on stable fail.
func (d demo) inject() error {
	faults, err := json.Marshal([]nodes.Fault{{Channel: demoStable, Version: demoSecond, Failures: demoFailing}})
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "$ echo '%s' > %s\n\n", faults, d.faults)
	return os.WriteFile(d.faults, faults, 0o600)
}

// tell prints what the record says of the release that went wrong.
func (d demo) tell(ctx context.Context, id string) error {
	return errors.Join(
		d.orgo(ctx, exitDone, "release", "record", "--format", "koa", id),
		d.orgo(ctx, exitDone, "events", "tail", "--follow=false", "--subject", "release/"+id,
			"--type", release.TypeReleaseMoved, "--type", records.TypeGatePassed, "--type", records.TypeGateFailed),
		d.orgo(ctx, exitDone, "events", "tail", "--follow=false", "--channel", demoStable,
			"--type", release.TypeCohortActivated, "--type", "orgo.rollback.*"),
		d.orgo(ctx, exitDone, "channel", "get", demoStable),
	)
}

// more says what can be tried next.
func (d demo) more() {
	fmt.Fprintf(d.out, `The demo is at %s.
What is active on %s is below %s;
the rollback left a hold there, which a person lifts:

  go run ./cmd/orgo channel lift %s --owner %s --reason "understood"

A second pipeline holds the same corpus to a rule that it breaks, and must be blocked:

  go run ./cmd/orgo build start --input %s --pipeline %s --policy %s --wait
`, d.dir, demoStable, filepath.Join(d.data, targetsDir, records.DefaultOrganization, demoStable), demoStable, rollout.AfterRollback,
		d.corpus(demoFirst), filepath.Join(d.dir, "blocked-pipeline.yaml"), filepath.Join(d.dir, "policy.yaml"))
}

const demoCorpus = "corpus"

func (d demo) corpus(version string) string {
	if version == demoFirst {
		return filepath.Join(d.dir, demoCorpus)
	}
	return filepath.Join(d.dir, demoCorpus+"-"+version)
}

// write puts the shipped files where a user can read and change them, and beside them
// the second corpus: the first with the radius of Phobos measured better.
func (d demo) write() error {
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return err
	}
	if err := writeFiles(files, d.dir); err != nil {
		return err
	}
	corpus, err := fs.Sub(files, demoCorpus)
	if err != nil {
		return err
	}
	second := d.corpus(demoSecond)
	if err := writeFiles(corpus, second); err != nil {
		return err
	}
	const file, before, after = "moons.csv", ",11.1,", ",11.08,"
	moons, err := fs.ReadFile(corpus, file)
	if err != nil {
		return err
	}
	corrected := bytes.Replace(moons, []byte(before), []byte(after), 1)
	if bytes.Equal(moons, corrected) {
		return fmt.Errorf("%s has no %q to correct", file, before)
	}
	return os.WriteFile(filepath.Join(second, file), corrected, 0o600)
}

// writeFiles writes a tree into a directory, over what is there.
func writeFiles(files fs.FS, dir string) error {
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, path)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		data, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
}
