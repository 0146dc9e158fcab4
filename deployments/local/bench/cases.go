package main

import (
	"context"

	"github.com/initkoa/orgo/deployments/local/temporal"
	"github.com/initkoa/orgo/records"
)

// environment is what every case runs on.
type environment struct {
	server *temporal.Server
	dir    string // for the files of a case
}

// benchCase is one line of the comparison.
type benchCase struct {
	name string
	// open prepares the case on the environment: its worker, stores and client.
	open func(context.Context, environment) (opened, error)
}

// opened is a case that is ready to be measured.
type opened struct {
	// run does one whole run and returns when its caller has the result. It is called from as many
	// goroutines as the concurrency says, with a number that is never used twice.
	run   func(ctx context.Context, number int) error
	close func()
}

// cases lists what is measured, in order. The first is what the others are compared with.
func cases() []benchCase {
	return []benchCase{
		{name: "bare workflow, 7 activities", open: openBare(remoteSteps)},
		{name: "orgo build, remote stages", open: openOrgo(records.ExecuteRemote)},
		{name: "orgo build, inline stages", open: openOrgo(records.ExecuteInline)},
		{name: "bare workflow, 7 local activities", open: openBare(localSteps)},
	}
}
