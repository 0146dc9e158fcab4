package target

import (
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/index"
)

// newest returns the index that the next one must follow, and its state; nil where
// nothing was ever published. The fence is set before the switch, so it holds also
// where somebody removed the current link or turned it back. What was fenced counts
// as published, although its publisher may have been killed before the switch: it
// cannot be told from an index that was active.
func (d *Directory) newest() (*index.Index, string, error) {
	active, current, err := d.read(currentLink)
	if err != nil {
		return nil, "", err
	}
	fenced, fence, err := d.read(fenceLink)
	if err != nil {
		return nil, "", err
	}
	if fenced == nil || active != nil && active.Sequence > fenced.Sequence {
		return active, current, nil
	}
	return fenced, fence, nil
}

// mayFollow is the fence.
func mayFollow(newest *index.Index, next index.Index) error {
	if newest == nil {
		return refused(index.Begins(next))
	}
	if next.Sequence <= newest.Sequence {
		return runner.Fail(gates.PublishFenced, nil, "sequence %d of %s is not above %d, which is published", next.Sequence, next.Channel, newest.Sequence)
	}
	return refused(index.Follows(*newest, next))
}

// fenceDrift finds a fence that is not at the active index, nor ahead of it.
func (d *Directory) fenceDrift(active index.Index) []Drift {
	fenced, _, err := d.read(fenceLink)
	switch {
	case err != nil:
		return []Drift{{gates.TargetLinkForeign, fenceLink}}
	case fenced == nil:
		return []Drift{{gates.TargetLinkMissing, fenceLink}}
	case fenced.Sequence < active.Sequence:
		return []Drift{{gates.TargetLinkForeign, fenceLink}}
	}
	return nil
}
