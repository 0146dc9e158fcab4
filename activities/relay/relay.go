// Package relay reduces the stored samples of telemetry to windows and signals them
// to releases.
//
// A release is signalled at most once each interval, with the windows that changed,
// and besides at once when a window crosses a threshold: for each cohort that is
// once. Windows are cumulative and made from the store alone, so a relay that
// restarts makes the same ones again, and their sequences never go back.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
)

// Store is where samples lie.
type Store interface {
	Telemetry(ctx context.Context, organization, releaseID string, after int64, limit int) ([]telemetry.Stored, error)
	TelemetryHeads(ctx context.Context) ([]store.TelemetryHead, error)
	// Sampled returns a channel that is closed when this process stores samples.
	Sampled() <-chan struct{}
}

// Release names a release.
type Release struct{ Organization, ID string }

// Signaller tells a release of windows. What it is told may repeat what it knows.
type Signaller interface {
	Signal(ctx context.Context, release Release, windows []telemetry.Window) error
}

// Threshold says of what a release must hear at once.
type Threshold interface {
	Crossed(release Release, window telemetry.Window) bool
}

// Clock tells the time.
type Clock interface{ Now() time.Time }

// Observer counts what a relay does. Every label that it is given is one of a few.
type Observer interface {
	Reduced(counted, refused int)         // samples
	Signalled(reason Reason, failed bool) // signals
	Behind(samples int64)                 // that are stored and not yet reduced, after each pass
}

// Reason is why a signal is sent.
type Reason string

// The reasons of signals.
const (
	ReasonInterval  Reason = "interval"
	ReasonThreshold Reason = "threshold"
)

// Options are what a relay works with. All must be given but the last four, of which
// zero means the default.
type Options struct {
	Store     Store
	Directory telemetry.Directory
	Signaller Signaller
	Threshold Threshold
	Observer  Observer
	Clock     Clock
	Log       *slog.Logger
	Interval  time.Duration // between signals to a release; 10 s
	Poll      time.Duration // between looks for samples that another process stored; 1 s
	Releases  int           // kept in memory at a time; 256
	Page      int           // samples read at a time; 2000
}

// Relay reduces and signals. One relay signals each release: two would each keep
// the interval on their own.
type Relay struct {
	Options
	states map[Release]*state
	// done is up to where the samples of a release were reduced and signalled whose
	// state is not kept: a number for each release that has samples.
	done map[Release]int64
}

// New returns a relay.
func New(o Options) (*Relay, error) {
	if o.Store == nil || o.Directory == nil || o.Signaller == nil || o.Threshold == nil || o.Observer == nil || o.Clock == nil || o.Log == nil {
		return nil, errors.New("relay: store, directory, signaller, threshold, observer, clock and log must all be given")
	}
	if o.Interval <= 0 {
		o.Interval = 10 * time.Second
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Releases <= 0 {
		o.Releases = 256
	}
	if o.Page <= 0 {
		o.Page = 2000
	}
	return &Relay{Options: o, states: map[Release]*state{}, done: map[Release]int64{}}, nil
}

// Run makes passes until ctx ends: when samples are stored, and each poll.
func (r *Relay) Run(ctx context.Context) {
	ticker := time.NewTicker(r.Poll)
	defer ticker.Stop()
	for {
		sampled := r.Store.Sampled()
		if err := r.Pass(ctx); err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "telemetry was not relayed, which is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-sampled:
		case <-ticker.C:
		}
	}
}

// Pass reduces what was stored since the last one, and sends the signals that are
// due. What fails for one release keeps no other waiting, and is tried again in the
// next pass.
func (r *Relay) Pass(ctx context.Context) error {
	heads, err := r.Store.TelemetryHeads(ctx)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	var errs []error
	behind := int64(0)
	for _, head := range heads {
		release := Release{Organization: head.Organization, ID: head.ReleaseID}
		if err := r.release(ctx, release, head.Position); err != nil {
			errs = append(errs, fmt.Errorf("relay: release %s of organization %s: %w", release.ID, release.Organization, err))
		}
		if reduced := r.reduced(release); reduced < head.Position {
			behind += head.Position - reduced
		}
	}
	r.forget()
	r.Observer.Behind(behind)
	return errors.Join(errs...)
}

// reduced returns up to where the samples of a release are reduced.
func (r *Relay) reduced(release Release) int64 {
	if s, kept := r.states[release]; kept {
		return s.position
	}
	return r.done[release]
}

func (r *Relay) release(ctx context.Context, release Release, head int64) error {
	s, kept := r.states[release]
	if !kept && r.done[release] == head {
		return nil
	}
	known, found, err := r.Directory.Known(ctx, release.Organization, release.ID)
	if err != nil {
		return err
	}
	if !found { // it ended: nobody waits for its windows
		delete(r.states, release)
		r.done[release] = head
		return nil
	}
	if !kept || s.outdated(known) {
		s = newState(release, known, s)
		r.states[release] = s
	}
	for s.position < head {
		page, err := r.Store.Telemetry(ctx, release.Organization, release.ID, s.position, r.Page)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		counted := s.add(page)
		r.Observer.Reduced(counted, len(page)-counted)
	}
	// Not before: after a restart, what was signalled lies further on.
	return r.signal(ctx, s)
}

// forget drops the states that were idle for longest beyond those that are kept.
// Their windows are made again from the store when they are asked for.
func (r *Relay) forget() {
	for len(r.states) > r.Releases {
		var idlest *state
		for _, s := range r.states {
			// What was not signalled yet stays until it was, and then for an interval, so
			// that the next signal does not come too early.
			if s.settled() && s.rested(r.Clock.Now(), r.Interval) && (idlest == nil || s.changed.Before(idlest.changed)) {
				idlest = s
			}
		}
		if idlest == nil {
			return
		}
		r.done[idlest.release] = idlest.position
		delete(r.states, idlest.release)
	}
}
