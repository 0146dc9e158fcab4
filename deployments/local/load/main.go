// Command load plays the nodes of releases against a running Orgo.
//
//	go run ./deployments/local/load -data DIR -nodes N [-failures 0.2 -version 1.1.0]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/nodes"
)

func main() {
	os.Exit(mainCode(os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes of CONTRACTS §4.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// settings is what the command line says.
type settings struct {
	data  string
	fault nodes.Fault
	nodes.Options
}

func mainCode(args []string, out, errOut io.Writer) int {
	s, err := parse(args, errOut)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := play(ctx, s, out, errOut); err != nil {
		fmt.Fprintf(errOut, "load: %v\n", err)
		return exitFailed
	}
	return exitDone
}

func play(ctx context.Context, s settings, out, errOut io.Writer) error {
	options, err := client.FromDirectory(s.data)
	if err != nil {
		return err
	}
	connection, err := client.New(options)
	if err != nil {
		return err
	}
	s.API, s.Log = connection, slog.New(slog.NewTextHandler(errOut, nil))
	fleet, err := nodes.New(s.Options)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "playing the nodes of %s; Ctrl-C stops it\n", options.URL)
	fleet.Run(ctx)
	if refused := fleet.Refused(); len(refused) > 0 {
		fmt.Fprintf(out, "refused samples, by reason code: %v\n", refused)
	}
	return nil
}

func parse(args []string, errOut io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&s.data, "data", ".orgo", "the data `directory` of the local stack")
	flags.IntVar(&s.Nodes, "nodes", 0, "enroll `N` nodes on every channel that is released to and has none; 0 plays what is enrolled, or the channels' targets")
	flags.DurationVar(&s.Interval, "interval", 500*time.Millisecond, "how often a node uses its pack while a release is watched")
	flags.Float64Var(&s.fault.Failures, "failures", 0, "the `part` of the executions that fails, 0 to 1")
	flags.StringVar(&s.fault.Version, "version", "", "only with packs of this `version`, x.y.z")
	flags.StringVar(&s.fault.Channel, "channel", "", "only on this `channel`, environment/channel")
	flags.StringVar(&s.fault.Cohort, "cohort", "", "only in this `cohort`")
	flags.StringVar(&s.FaultsFile, "faults", "", "a `file` with a JSON list of {channel, version, cohort, failures}, read at each look")
	flags.Uint64Var(&s.Seed, "seed", 1, "the same seed has the same executions fail")
	flags.Usage = func() {
		fmt.Fprint(errOut, "Plays the nodes that releases reach, through Orgo's API.\n\nUsage: go run ./deployments/local/load [flags]\n\n")
		flags.PrintDefaults()
		fmt.Fprint(errOut, "\nExamples:\n"+
			"  go run ./deployments/local/load -nodes 100\n"+
			"  go run ./deployments/local/load -nodes 100 -failures 0.2 -version 1.1.0 -channel staging/stable\n")
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	err := s.fault.Check()
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.Nodes < 0:
		err = fmt.Errorf("-nodes %d: there cannot be less than none", s.Nodes)
	}
	if err != nil {
		fmt.Fprintf(errOut, "%v\n", err)
		flags.Usage()
		return s, err
	}
	if s.fault.Failures > 0 {
		s.Faults = []nodes.Fault{s.fault}
	}
	return s, nil
}
