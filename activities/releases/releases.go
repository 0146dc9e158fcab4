// Package releases has the side effects of the workflows of releases, channels and
// rollbacks: it reads their state and what they are asked, gathers what is decided
// on, and works on targets. It decides nothing.
//
// What is absent, malformed or not what it claims is told as a problem, or as a
// failure that is final: it would never get better. Only what does not answer is
// tried again.
package releases

import (
	"context"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/mandate"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
)

// Store is what the activities need of the record store.
type Store interface {
	Append(ctx context.Context, entries ...records.Entry) ([]store.Stored, error)
	Build(ctx context.Context, organization, buildID string) (records.BuildView, error)
	Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error)
	Output(ctx context.Context, organization, key string) (records.Entry, bool, error)
	Answer(ctx context.Context, organization string, subject records.Subject, command string) (records.CommandOutcome, bool, error)
	Across(ctx context.Context, organization string, span store.Span, q store.AcrossQuery) ([]store.Stored, string, error)
	AppendTelemetry(ctx context.Context, organization string, items []store.TelemetryItem) ([]store.TelemetryOutcome, error)
	Telemetry(ctx context.Context, organization, releaseID string, after int64, limit int) ([]telemetry.Stored, error)
	TelemetryHeads(ctx context.Context) ([]store.TelemetryHead, error)
}

// Targets finds the target of a channel. Its failures are *runner.Failure.
type Targets interface {
	Target(ctx context.Context, organization string, channel records.ChannelName) (target.Target, error)
}

// Channels has the workflow of a channel act on an entry, and starts it if it does
// not run.
type Channels interface {
	Act(ctx context.Context, organization string, channel records.ChannelName, entryID string) (records.CommandOutcome, error)
}

// Options are the parts that the activities work with. All but Signer and Runners are
// required.
type Options struct {
	Store     Store
	Artifacts *artifacts.Store
	Clock     activities.Clock
	Trust     mandate.Trust // whose signatures count
	Targets   Targets
	Channels  Channels
	Callers   Callers
	// Signer attests the records of releases; without one they are not attested.
	Signer *attest.Signer
	// Runners render; without them nothing is rendered.
	Runners activities.Runners
}

// Activities are registered with a worker by their methods.
type Activities struct {
	store     Store
	artifacts *artifacts.Store
	clock     activities.Clock
	targets   Targets
	channels  Channels
	callers   Callers
	signer    *attest.Signer
	runners   activities.Runners
	reader    *activities.Reader
	directory *Directory
	stages    activities.StageLog
}

// New returns activities over the given parts.
func New(o Options) *Activities {
	reader := activities.NewReader(o.Artifacts, o.Trust)
	return &Activities{
		store: o.Store, artifacts: o.Artifacts, clock: o.Clock, targets: o.Targets, channels: o.Channels, callers: o.Callers, signer: o.Signer,
		runners: o.Runners, stages: activities.NewStageLog(o.Store, o.Clock),
		reader: reader, directory: NewDirectory(o.Store, o.Artifacts, reader),
	}
}

// reported returns an activity's result, and its error as Temporal is told of it.
func reported[T any](ctx context.Context, result T, err error) (T, error) {
	if err != nil {
		var none T
		return none, activities.Report(ctx, err)
	}
	return result, nil
}

// Problem is one thing that is wrong as a matter of fact, whatever a policy says.
type Problem struct {
	Code    gates.Code `json:"code"`
	Message string     `json:"message"`
}

// problems gathers what is wrong.
type problems []Problem

func (p *problems) add(code gates.Code, format string, args ...any) {
	*p = append(*p, Problem{code, fmt.Sprintf(format, args...)})
}

// take makes a problem of an error that will not pass, and returns any other.
func (p *problems) take(err error) error {
	var failure *runner.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure) && failure.Final:
		p.add(failure.Code, "%s", failure.Text())
	case errors.Is(err, store.ErrNotFound):
		p.add(gates.NotFound, "%v", err)
	default:
		return err
	}
	return nil
}
