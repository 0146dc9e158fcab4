package stack

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// Observer turns what is recorded into metrics and log lines, so that the two
// cannot tell another story than the record. Labels come from closed tables.
type Observer struct {
	log       *slog.Logger
	registry  *prometheus.Registry
	entries   *prometheus.CounterVec
	decisions *prometheus.CounterVec
	warnings  *prometheus.CounterVec
	reasons   *prometheus.CounterVec
	rollbacks *prometheus.CounterVec
	releases  *prometheus.CounterVec
	cases     *caseMetrics
	leaves    prometheus.Gauge
	inbox     prometheus.Gauge
	lag       prometheus.Gauge
	leader    prometheus.Gauge
	failures  prometheus.Counter
}

// NewObserver returns an observer with a metrics registry of its own.
func NewObserver(log *slog.Logger) *Observer {
	o := &Observer{
		log:      log,
		registry: prometheus.NewRegistry(),
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_entries_total", Help: "Entries recorded by this process, by type and stage.",
		}, []string{"type", "stage"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_gate_decisions_total", Help: "Gate decisions recorded by this process, by gate, stage and verdict; those about an override apart.",
		}, []string{"gate", "stage", "verdict"}),
		warnings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_gate_warnings_total", Help: "What rules of SHOULD policies object to, by gate, stage and code.",
		}, []string{"gate", "stage", "code"}),
		reasons: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_reason_codes_total", Help: "Reason codes recorded by this process, by code, class and stage.",
		}, []string{"code", "class", "stage"}),
		rollbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_rollbacks_total", Help: "Rollbacks recorded by this process, by what became of them and what triggered them.",
		}, []string{"event", "code"}),
		releases: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_release_moves_total", Help: "Moves of releases recorded by this process, by event and the phase that they led to.",
		}, []string{"event", "phase"}),
		cases: newCaseMetrics(),
		leaves: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_ledger_leaves", Help: "Leaves of the log, as far as this process knows.",
		}),
		inbox: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_ledger_inbox_entries", Help: "Committed entries that wait for their leaf.",
		}),
		lag: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_ledger_lag_seconds", Help: "How long the first entry of the last batch had waited for its leaf; 0 when none waits.",
		}),
		leader: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_ledger_leader", Help: "1 if this process had the log in its last round, else 0.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orgo_ledger_failures_total", Help: "Rounds of the sequencer that failed and are tried again.",
		}),
	}
	o.registry.MustRegister(o.entries, o.decisions, o.warnings, o.reasons, o.rollbacks, o.releases, o.leaves, o.inbox, o.lag, o.leader, o.failures,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	o.registry.MustRegister(o.cases.collectors()...)
	return o
}

// Registry is where the metrics of the process are registered.
func (o *Observer) Registry() *prometheus.Registry { return o.registry }

// TemporalMetrics takes the metrics of the Temporal SDK into the same registry.
func (o *Observer) TemporalMetrics() (client.MetricsHandler, error) {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(o.registry))
	if err != nil {
		return nil, fmt.Errorf("metrics of the temporal sdk: %w", err)
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter))
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: provider.Meter("temporal-sdk-go")}), nil
}

// Handler serves the metrics in the Prometheus text format.
func (o *Observer) Handler() http.Handler {
	return promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{})
}

// Sequenced is called after every round of the sequencer.
func (o *Observer) Sequenced(r store.Round) {
	if r.Err != nil {
		o.failures.Inc()
		o.log.Error("the ledger's sequencer failed and tries again", "reason_code", gates.StoreUnavailable, "error", r.Err)
		return
	}
	o.inbox.Set(float64(r.Waiting))
	o.lag.Set(r.Oldest.Seconds())
	if !r.Leader {
		o.leader.Set(0)
		return
	}
	o.leader.Set(1)
	o.leaves.Set(float64(r.Size))
	if r.Added > 0 {
		o.log.Debug("leaves were added to the ledger", "added", r.Added, "size", r.Size, "waiting", r.Waiting)
	}
}

// Observe is called for every new entry, after its commit.
func (o *Observer) Observe(s store.Stored) {
	stage := string(s.Correlation.Stage)
	o.entries.WithLabelValues(s.Type, stage).Inc()
	o.moved(s)
	o.cases.observe(s)
	for _, code := range s.Codes {
		class := "unknown"
		if reason, known := gates.Lookup(gates.Code(code)); known {
			class = string(reason.Class)
		} else {
			code = "unknown"
		}
		o.reasons.WithLabelValues(code, class, stage).Inc()
	}
	if s.Kind == records.KindDecision {
		o.decided(s, stage)
	}
	o.log.Info(s.Type,
		"organization", s.Organization, "entry_id", s.ID, "sequence", s.Sequence,
		"build_id", s.Correlation.BuildID, "release_id", s.Correlation.ReleaseID, "case_id", s.Correlation.CaseID, "channel", s.Correlation.Channel, "cohort", s.Correlation.Cohort, "stage", stage, "generation", s.Correlation.Generation,
		"attempt", s.Correlation.Attempt, "actor", s.Actor, "reason_codes", s.Codes)
}

// rollbackEvents are those that are counted by what triggered the rollback.
var rollbackEvents = map[string]string{
	release.TypeRollbackTriggered: "triggered", release.TypeRollbackCompleted: "completed", release.TypeRollbackFailed: "failed",
}

// moved counts what releases and rollbacks do.
func (o *Observer) moved(s store.Stored) {
	if event, is := rollbackEvents[s.Type]; is {
		code := "unknown"
		if len(s.Codes) > 0 {
			if _, known := gates.Lookup(gates.Code(s.Codes[0])); known {
				code = s.Codes[0]
			}
		}
		o.rollbacks.WithLabelValues(event, code).Inc()
	}
	if s.Type != release.TypeReleaseMoved {
		return
	}
	var moved release.Moved
	if err := json.Unmarshal(s.Body, &moved); err == nil { // its own workflow wrote it: both are of closed tables
		o.releases.WithLabelValues(moved.Event, moved.After).Inc()
	}
}

// decided counts a decision and its warnings. One about an override is another
// thing than one of the gate itself.
func (o *Observer) decided(s store.Stored, stage string) {
	var d gates.Decision
	if err := json.Unmarshal(s.Body, &d); err != nil {
		return
	}
	verdict := string(d.Verdict)
	if d.Override != nil {
		verdict = "OVERRIDE_" + verdict
	}
	o.decisions.WithLabelValues(string(d.Gate), stage, verdict).Inc()
	for _, f := range d.Findings {
		if f.Enforcement == gates.Should && f.Verdict != gates.Pass {
			o.warnings.WithLabelValues(string(d.Gate), stage, string(f.Code)).Inc()
			o.log.Warn("a rule that should hold does not", "build_id", d.Subject.BuildID, "stage", stage,
				"gate", d.Gate, "rule", f.RuleID, "reason_code", f.Code, "message", f.Message)
		}
	}
}
