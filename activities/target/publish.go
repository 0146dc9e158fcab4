package target

import (
	"bytes"
	"context"
	"errors"
	"path"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/index"
)

// Publish prepares the state of an index beside the active one, and switches to it
// by one rename. Of the index that is active already it puts the links right.
func (d *Directory) Publish(ctx context.Context, next index.Index) error {
	if err := d.own(next); err != nil {
		return err
	}
	return d.alone(func() error { return d.publish(ctx, next) })
}

// own refuses indexes that are broken or of another channel.
func (d *Directory) own(next index.Index) error {
	if err := next.Check(); err != nil {
		return refused(err)
	}
	if next.Channel != d.channel {
		return runner.Fail(gates.IndexRefused, nil, "an index of %s is not for target %s", next.Channel, d.channel)
	}
	return nil
}

func (d *Directory) publish(ctx context.Context, next index.Index) error {
	newest, at, err := d.newest()
	if err != nil {
		return err
	}
	state, err := stateOf(next)
	if err != nil {
		return err
	}
	again := state == at
	if !again {
		if err := mayFollow(newest, next); err != nil {
			return err
		}
	}
	if err := d.distributed(ctx, next); err != nil {
		return err
	}
	if again {
		err = d.arrange(ctx, state, next)
	} else {
		err = d.prepare(ctx, state, next)
	}
	if err != nil {
		return err
	}
	return d.activate(state)
}

// distributed reads every pack again: what was whole when it was distributed may
// not be now.
func (d *Directory) distributed(ctx context.Context, next index.Index) error {
	for _, cohort := range next.Cohorts {
		if cohort.Inactive {
			continue
		}
		drift, err := d.inspect(ctx, cohort.Pack)
		if err != nil {
			return err
		}
		if len(drift) > 0 {
			return runner.Fail(gates.PackNotDistributed, nil, "cohort %s: %s: %s", cohort.Name, drift[0].Path, drift[0].Code)
		}
	}
	return nil
}

// prepare writes the state of an index, whole or, under its name, not at all.
func (d *Directory) prepare(ctx context.Context, state string, next index.Index) error {
	canonical, err := next.Canonical()
	if err != nil {
		return err
	}
	fresh := state + ".tmp"
	// A killed publisher may have left either; neither is active.
	if err := errors.Join(d.dir.RemoveAll(fresh), d.dir.RemoveAll(state)); err != nil {
		return unavailable(err)
	}
	if err := d.steps.Before("write index"); err != nil {
		return err
	}
	if err := d.write(path.Join(fresh, indexFile), bytes.NewReader(canonical)); err != nil {
		return unavailable(err)
	}
	if err := d.arrange(ctx, fresh, next); err != nil {
		return err
	}
	if err := d.steps.Before("name state"); err != nil {
		return err
	}
	if err := errors.Join(d.dir.Rename(fresh, state), d.sync(statesDir)); err != nil {
		return unavailable(err)
	}
	return nil
}

// activate makes a state the active one. The fence is set before the switch: from
// the first moment at which something is active, it stands.
func (d *Directory) activate(state string) error {
	for _, link := range append(fixedLinks(), fixedLink{fenceLink, state}, fixedLink{currentLink, state}) {
		if err := d.steps.Before("link " + link.name); err != nil {
			return err
		}
		if err := d.link(link.name, link.to); err != nil {
			return unavailable(err)
		}
	}
	return d.steps.Before("return")
}
