package stack

import (
	"context"
	"errors"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/registry"
	"github.com/initkoa/orgo/activities/runner/command"
	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/records"
)

// runners is the set of runners of one worker.
type runners struct {
	registry *registry.Registry
	command  *command.Runner
	http     *httprunner.Runner
}

func newRunners(store *artifacts.Store, s Settings) (*runners, error) {
	programs, err := command.New(store, command.Options{Dir: s.Scratch, Log: s.Log})
	if err != nil {
		return nil, err
	}
	options := httprunner.Options{}
	if s.PublicURL != "" {
		options.CallbackURL, options.CallbackKey = s.PublicURL+"/v1/callbacks", s.CallbackKey
	}
	services, err := httprunner.New(store, options)
	if err != nil {
		return nil, errors.Join(err, programs.Close())
	}
	reference := registry.ReferenceStages(store, registry.ReferenceOptions{
		Clock: activities.SystemClock{}, InputRoots: s.InputRoots,
	})
	kinds := map[records.RunnerKind]registry.Kind{
		records.RunnerCommand:   {Runner: programs, Pin: pinCommand(programs)},
		records.RunnerHTTP:      {Runner: services, Pin: pinHTTP(services)},
		records.RunnerTaskQueue: {Pin: pinTaskQueue},
	}
	return &runners{registry.New(reference, kinds), programs, services}, nil
}

// Close removes what the runners left behind.
func (r *runners) Close() error { return errors.Join(r.command.Close(), r.http.Close()) }

func pinCommand(r *command.Runner) registry.Pinner {
	return func(ctx context.Context, settings records.RunnerSettings) (records.RunnerSettings, error) {
		pinned, err := r.Pin(ctx, *settings.Command)
		settings.Command = &pinned
		return settings, err
	}
}

func pinHTTP(r *httprunner.Runner) registry.Pinner {
	return func(ctx context.Context, settings records.RunnerSettings) (records.RunnerSettings, error) {
		pinned, err := r.Pin(ctx, *settings.HTTP)
		settings.HTTP = &pinned
		return settings, err
	}
}

// pinTaskQueue leaves nothing open: the schema demands queue and activity.
func pinTaskQueue(_ context.Context, settings records.RunnerSettings) (records.RunnerSettings, error) {
	return settings, nil
}
