package stack

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/store"
)

// countTimeout bounds what a scrape waits for the store.
const countTimeout = 5 * time.Second

// caseGauges counts the open Cases whenever metrics are scraped, so that the numbers are
// those of the store and not of one process. All processes tell the same.
type caseGauges struct {
	count         func(ctx context.Context, at time.Time) ([]store.OpenCases, error)
	clock         activities.Clock
	log           *slog.Logger
	open, overdue *prometheus.Desc
}

var _ prometheus.Collector = (*caseGauges)(nil)

func newCaseGauges(s *store.Store, clock activities.Clock, log *slog.Logger) *caseGauges {
	return &caseGauges{
		count: s.CountOpenCases, clock: clock, log: log,
		open:    prometheus.NewDesc("orgo_cases_open", "Cases that have not ended, by severity.", []string{"severity"}, nil),
		overdue: prometheus.NewDesc("orgo_cases_overdue", "Cases with a deadline that is over and not met, by severity.", []string{"severity"}, nil),
	}
}

// Describe makes it a prometheus.Collector.
func (g *caseGauges) Describe(all chan<- *prometheus.Desc) { all <- g.open; all <- g.overdue }

// Collect makes it a prometheus.Collector. Without the store there is no number: zero
// would say that all is well.
func (g *caseGauges) Collect(all chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	counts, err := g.count(ctx, g.clock.Now())
	if err != nil {
		g.log.Warn("the open cases cannot be counted", "reason_code", gates.StoreUnavailable, "error", err)
		return
	}
	for _, c := range counts {
		severity := orNone(c.Severity)
		all <- prometheus.MustNewConstMetric(g.open, prometheus.GaugeValue, float64(c.Count), severity)
		all <- prometheus.MustNewConstMetric(g.overdue, prometheus.GaugeValue, float64(c.Overdue), severity)
	}
}
