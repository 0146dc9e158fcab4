// Command orgo is the one binary of Orgo: the server, the worker, and the
// command line that talks to them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"

	"github.com/initkoa/orgo/cmd/orgo/cli"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	streams := cli.Streams{
		Out: os.Stdout,
		Err: os.Stderr,
		// In CI a terminal is often pretended; its log should have plain lines.
		Live:  isatty.IsTerminal(os.Stdout.Fd()) && os.Getenv("CI") == "" && os.Getenv("TERM") != "dumb",
		Color: os.Getenv("NO_COLOR") == "",
	}
	return cli.Run(ctx, os.Args[1:], streams, verbs()...)
}
