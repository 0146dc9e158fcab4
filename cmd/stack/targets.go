package stack

import (
	"context"
	"errors"
	"sync"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// directories are the targets below one directory, opened when they are first needed.
type directories struct {
	root      string
	artifacts *artifacts.Store
	mutex     sync.Mutex
	open      map[index.Channel]*target.Directory
}

var _ releases.Targets = (*directories)(nil)

// Target returns the target of a channel.
func (d *directories) Target(_ context.Context, organization string, channel records.ChannelName) (target.Target, error) {
	if d.root == "" {
		return nil, runner.Fail(gates.TargetUnavailable, nil, "this worker has no targets: start it with --targets DIR")
	}
	name := index.Channel{Organization: organization, Environment: channel.Environment, Name: channel.Name}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if opened, there := d.open[name]; there {
		return opened, nil
	}
	opened, err := target.OpenDirectory(d.root, name, d.artifacts, target.Unwatched{})
	if err != nil {
		return nil, err
	}
	d.open[name] = opened
	return opened, nil
}

// Close closes what was opened.
func (d *directories) Close() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	var errs []error
	for _, opened := range d.open {
		errs = append(errs, opened.Close())
	}
	return errors.Join(errs...)
}
