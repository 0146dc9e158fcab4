// Command local runs all of Orgo in one process, on one directory: a Temporal
// server with its Web UI, the worker, the HTTP API and the stores.
//
//	go run ./deployments/local [-data DIR] [-api ADDR] [-temporal ADDR] [-ui ADDR] [-demo]
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
	flags.BoolVar(&s.demo, "demo", false, "build the shipped demo, print its spine and record, and stay up")
	flags.Usage = func() {
		fmt.Fprint(errOut, "Runs all of Orgo in one process.\n\nUsage: go run ./deployments/local [flags]\n\n")
		flags.PrintDefaults()
		fmt.Fprint(errOut, "\nExamples:\n"+
			"  go run ./deployments/local -demo\n"+
			"  go run ./deployments/local -data /tmp/orgo -api 127.0.0.1:7701\n")
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", flags.Arg(0))
		fmt.Fprintf(errOut, "%v\n", err)
		flags.Usage()
		return s, err
	}
	return s, nil
}
