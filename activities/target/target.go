// Package target is where packs are distributed and made active.
//
// Distributing makes packs fetchable and nothing active. Publishing is one atomic
// switch. Neither proves that anything is active: only what is observed after the
// switch does.
package target

import (
	"context"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// Target takes the indexes of one channel. Failures are *runner.Failure.
type Target interface {
	// Runner says what the target is, of which version: what a release pins for its
	// stages distribute and activate. It reaches nothing.
	Runner() records.RunnerSettings
	// Distribute makes packs fetchable. Nothing becomes active.
	Distribute(ctx context.Context, packs ...index.Pack) error
	// Verify hashes a pack as it lies on the target, active or not. No drift means
	// that it is whole; one that was never distributed has drifted.
	Verify(ctx context.Context, pack index.Pack) ([]Drift, error)
	// Publish makes an index the active one, whole or not at all. Of the very index
	// that was published last it puts the links right, or changes nothing where they
	// are; any other whose sequence is not higher is gates.PublishFenced. A pack that
	// is not whole is gates.PackNotDistributed, and then nothing changes.
	Publish(ctx context.Context, next index.Index) error
	// Observe reads back what is active, content and all. Drift is no error: it is
	// in the state. An error means that nothing is known.
	Observe(ctx context.Context) (State, error)
	// Prune removes the packs and states that are not of the index that is active or
	// was published last, and are not to be kept: what was distributed for an index
	// to come, say, or may be gone back to. An index that cannot be read is
	// gates.TargetUnreadable, and then nothing is removed.
	Prune(ctx context.Context, keep []index.Pack) error
}
