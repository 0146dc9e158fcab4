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
	"github.com/initkoa/orgo/records/store"
)

// Observer turns what is recorded into metrics and log lines, so that the two
// cannot tell another story than the record. Labels come from closed tables.
type Observer struct {
	log       *slog.Logger
	registry  *prometheus.Registry
	entries   *prometheus.CounterVec
	decisions *prometheus.CounterVec
	reasons   *prometheus.CounterVec
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
			Name: "orgo_gate_decisions_total", Help: "Gate decisions recorded by this process, by gate, stage and verdict.",
		}, []string{"gate", "stage", "verdict"}),
		reasons: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_reason_codes_total", Help: "Reason codes recorded by this process, by code, class and stage.",
		}, []string{"code", "class", "stage"}),
	}
	o.registry.MustRegister(o.entries, o.decisions, o.reasons,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
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

// Observe is called for every new entry, after its commit.
func (o *Observer) Observe(s store.Stored) {
	stage := string(s.Correlation.Stage)
	o.entries.WithLabelValues(s.Type, stage).Inc()
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
		var decision gates.Decision
		if err := json.Unmarshal(s.Body, &decision); err == nil {
			o.decisions.WithLabelValues(string(decision.Gate), stage, string(decision.Verdict)).Inc()
		}
	}
	o.log.Info(s.Type,
		"organization", s.Organization, "entry_id", s.ID, "sequence", s.Sequence,
		"build_id", s.Correlation.BuildID, "stage", stage, "generation", s.Correlation.Generation,
		"attempt", s.Correlation.Attempt, "actor", s.Actor, "reason_codes", s.Codes)
}
