package stack

import (
	"context"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/casework"
	"github.com/initkoa/orgo/activities/follow"
	"github.com/initkoa/orgo/api/control"
)

// Followers returns what acts on what is recorded, and runs until its context ends.
// Every process of a deployment may run it.
func (k *Stack) Followers() (func(ctx context.Context), error) {
	observer := newFollowed(k.observer.Registry())
	var all []*follow.Follower
	for _, consumer := range []struct {
		name string
		follow.Consumer
	}{
		{"cases", casework.Consumer{
			Log: k.store, Router: casework.NewRules(k.store, activities.NewReader(k.artifacts, k.trust)), Logger: k.settings.Log,
		}},
		{"case-deadlines", control.CasePoke{Temporal: k.settings.Temporal, Cases: k.store}},
	} {
		f, err := follow.New(follow.Options{
			Name: consumer.name, Log: k.store, Consumer: consumer, Observer: observer, Logger: k.settings.Log,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return func(ctx context.Context) {
		var group sync.WaitGroup
		for _, f := range all {
			group.Go(func() { f.Run(ctx) })
		}
		group.Wait()
	}, nil
}

// followed turns what followers do into metrics.
type followed struct {
	entries *prometheus.CounterVec
	behind  *prometheus.GaugeVec
}

var _ follow.Observer = (*followed)(nil)

func newFollowed(registry prometheus.Registerer) *followed {
	f := &followed{
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_followed_entries_total", Help: "Entries of the log that a consumer was handed, by whether it could do its part.",
		}, []string{"consumer", "result"}),
		behind: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "orgo_followed_behind_leaves", Help: "Leaves of the log that a consumer has not been handed.",
		}, []string{"consumer"}),
	}
	registry.MustRegister(f.entries, f.behind)
	return f
}

// Consumed counts an entry.
func (f *followed) Consumed(consumer string, failed bool) {
	result := "done"
	if failed {
		result = "failed"
	}
	f.entries.WithLabelValues(consumer, result).Inc()
}

// Behind sets how far a consumer is behind.
func (f *followed) Behind(consumer string, leaves int64) {
	f.behind.WithLabelValues(consumer).Set(float64(leaves))
}
