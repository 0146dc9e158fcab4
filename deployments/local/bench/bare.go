package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const (
	bareQueue   = "bench-bare"
	steps       = 7    // what a five-stage build costs: pin, five stages, finish
	payloadSize = 1024 // bytes that each step takes and returns
	pollers     = 32
)

// workerOptions are those of the local stack: with few pollers, polls wait for each other under load.
func workerOptions() worker.Options {
	return worker.Options{MaxConcurrentWorkflowTaskPollers: pollers, MaxConcurrentActivityTaskPollers: pollers}
}

// openBare prepares a workflow that takes its payload through the steps and does nothing else.
func openBare(w func(workflow.Context, string) (string, error)) func(context.Context, environment) (opened, error) {
	return func(ctx context.Context, env environment) (opened, error) {
		c, err := client.DialContext(ctx, client.Options{
			HostPort: env.server.FrontendAddr(), Namespace: env.server.Namespace(), Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			return opened{}, err
		}
		bare := worker.New(c, bareQueue, workerOptions())
		bare.RegisterWorkflow(w)
		bare.RegisterActivity(step)
		if err := bare.Start(); err != nil {
			c.Close()
			return opened{}, err
		}
		payload := strings.Repeat("x", payloadSize)
		return opened{
			run: func(ctx context.Context, number int) error {
				run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
					ID: fmt.Sprintf("bare-%d", number), TaskQueue: bareQueue,
				}, w, payload)
				if err != nil {
					return err
				}
				return run.Get(ctx, nil)
			},
			close: func() {
				bare.Stop()
				c.Close()
			},
		}, nil
	}
}

func step(_ context.Context, payload string) (string, error) { return payload, nil }

func remoteSteps(ctx workflow.Context, payload string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for range steps {
		if err := workflow.ExecuteActivity(ctx, step, payload).Get(ctx, &payload); err != nil {
			return "", err
		}
	}
	return payload, nil
}

func localSteps(ctx workflow.Context, payload string) (string, error) {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
	for range steps {
		if err := workflow.ExecuteLocalActivity(ctx, step, payload).Get(ctx, &payload); err != nil {
			return "", err
		}
	}
	return payload, nil
}
