package stack

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/ledgercheck"
)

// LedgerCheck returns what checks the log again and again until its context ends. With an
// interval of 0 it does nothing.
func (k *Stack) LedgerCheck() (func(ctx context.Context), error) {
	if k.settings.LedgerCheckEvery == 0 {
		return func(context.Context) {}, nil
	}
	public, err := readPublicBeside(k.settings.LedgerKey)
	if err != nil {
		return nil, err
	}
	checker, err := ledgercheck.New(ledgercheck.Options{
		Store: k.store, Origin: public.origin, Verifiers: note.VerifierList(public.verifiers...), Organization: k.settings.Organization,
		Every: k.settings.LedgerCheckEvery, Clock: activities.SystemClock{}, Observer: newLedgerChecked(k.observer.Registry()), Log: k.settings.Log,
	})
	if err != nil {
		return nil, err
	}
	return checker.Run, nil
}

// ledgerChecked turns checks of the log into metrics.
type ledgerChecked struct {
	checks             *prometheus.CounterVec
	leaves, bad, since prometheus.Gauge
}

var _ ledgercheck.Observer = (*ledgerChecked)(nil)

func newLedgerChecked(registry prometheus.Registerer) *ledgerChecked {
	c := &ledgerChecked{
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_ledger_checks_total", Help: "Checks of the whole log by this process, by how they went.",
		}, []string{"result"}),
		leaves: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_ledger_checked_leaves", Help: "Leaves of the log when it was checked last.",
		}),
		bad: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_ledger_problems", Help: "What the last check found that is not what was recorded.",
		}),
		since: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_ledger_checked_timestamp_seconds", Help: "When the log was checked last, in seconds of Unix time.",
		}),
	}
	registry.MustRegister(c.checks, c.leaves, c.bad, c.since)
	return c
}

// Checked counts a check. One that failed says nothing of the log.
func (c *ledgerChecked) Checked(leaves int64, problems int, at time.Time, err error) {
	if err != nil {
		c.checks.WithLabelValues("failed").Inc()
		return
	}
	result := "whole"
	if problems > 0 {
		result = "tampered"
	}
	c.checks.WithLabelValues(result).Inc()
	c.leaves.Set(float64(leaves))
	c.bad.Set(float64(problems))
	c.since.Set(float64(at.Unix()))
}
