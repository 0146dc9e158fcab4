// Command local runs all of Orgo in one process, on one directory: a Temporal
// server with its Web UI, the worker, the HTTP API and the stores.
//
//	go run ./deployments/local [-data DIR] [-api ADDR] [-temporal ADDR] [-ui ADDR] [-demo] [-nodes N]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/initkoa/orgo/deployments/local/temporal"
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

func mainCode(args []string, out, errOut io.Writer) int {
	s, err := parse(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, out, errOut); err != nil {
		fmt.Fprintf(errOut, "orgo: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// settings is what the command line says.
type settings struct {
	data     string
	api      string
	temporal string
	ui       string
	demo     bool
	nodes    int
}

const apiFlag = "-api"

func parse(args []string, errOut io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.StringVar(&s.data, "data", ".orgo", "the `directory` that holds everything; removing it forgets everything")
	flags.StringVar(&s.api, apiFlag[1:], "127.0.0.1:7700", "loopback `address` of the API")
	flags.StringVar(&s.temporal, temporal.FrontendFlag[1:], "127.0.0.1:7233", "loopback `address` of the Temporal server")
	flags.StringVar(&s.ui, temporal.UIFlag[1:], "127.0.0.1:8233", "loopback `address` of the Temporal Web UI")
	flags.BoolVar(&s.demo, "demo", false, "build and release the shipped demo, take a bad release of it back, and stay up")
	flags.IntVar(&s.nodes, "nodes", 0, "play `N` nodes on every channel that is released to and has no nodes; 0 plays none, or with -demo the channels' targets")
	flags.Usage = func() {
		fmt.Fprint(errOut, "Runs all of Orgo in one process.\n\nUsage: go run ./deployments/local [flags]\n\n")
		flags.PrintDefaults()
		fmt.Fprint(errOut, "\nExamples:\n"+
			"  go run ./deployments/local -demo\n"+
			"  go run ./deployments/local -nodes 100\n"+
			"  go run ./deployments/local -data /tmp/orgo -api 127.0.0.1:7701\n")
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	var err error
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.nodes < 0:
		err = fmt.Errorf("-nodes %d: there cannot be less than none", s.nodes)
	}
	if err != nil {
		fmt.Fprintf(errOut, "%v\n", err)
		flags.Usage()
	}
	return s, err
}
