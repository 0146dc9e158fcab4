package stack

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/api/serviceerror"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/relay"
	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/records/telemetry"
	"github.com/initkoa/orgo/workflows"
)

// Relay returns the relay that tells releases what was reported of them. One process
// of a deployment runs it.
func (k *Stack) Relay() (*relay.Relay, error) {
	return relay.New(relay.Options{
		Store: k.store, Directory: k.directory, Signaller: k, Clock: activities.SystemClock{}, Log: k.settings.Log,
		Threshold: releases.Threshold{Directory: k.directory, Clock: activities.SystemClock{}},
		Observer:  newRelayed(k.observer.Registry()), Interval: k.settings.RelayInterval,
	})
}

// Signal tells a release of windows. One whose workflow has ended waits for none.
func (k *Stack) Signal(ctx context.Context, release relay.Release, windows []telemetry.Window) error {
	err := k.settings.Temporal.SignalWorkflow(ctx, workflows.ReleaseWorkflowID(release.Organization, release.ID), "", workflows.SignalWindows, windows)
	if errors.As(err, new(*serviceerror.NotFound)) {
		return nil
	}
	return err
}

// relayed turns what the relay does into metrics.
type relayed struct {
	samples *prometheus.CounterVec
	signals *prometheus.CounterVec
	behind  prometheus.Gauge
}

var _ relay.Observer = (*relayed)(nil)

func newRelayed(registry prometheus.Registerer) *relayed {
	r := &relayed{
		samples: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_telemetry_samples_total", Help: "Samples of telemetry that the relay reduced, by whether they count.",
		}, []string{"counted"}),
		signals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_telemetry_signals_total", Help: "Signals to releases, by why and how they went.",
		}, []string{"reason", "result"}),
		behind: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_telemetry_behind_samples", Help: "Samples that are stored and not yet reduced.",
		}),
	}
	registry.MustRegister(r.samples, r.signals, r.behind)
	return r
}

// Reduced counts samples.
func (r *relayed) Reduced(counted, refused int) {
	r.samples.WithLabelValues("yes").Add(float64(counted))
	r.samples.WithLabelValues("no").Add(float64(refused))
}

// Signalled counts a signal.
func (r *relayed) Signalled(reason relay.Reason, failed bool) {
	result := "sent"
	if failed {
		result = "failed"
	}
	r.signals.WithLabelValues(string(reason), result).Inc()
}

// Behind sets how far the relay is behind.
func (r *relayed) Behind(samples int64) { r.behind.Set(float64(samples)) }
