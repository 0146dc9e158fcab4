package stack

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/initkoa/orgo/api"
)

// streams turns what event streams do into metrics.
type streams struct {
	open  prometheus.Gauge
	sent  prometheus.Counter
	ended *prometheus.CounterVec
}

var _ api.StreamObserver = (*streams)(nil)

// newStreams registers the metrics of event streams.
func newStreams(registry prometheus.Registerer) *streams {
	s := &streams{
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orgo_event_streams_open", Help: "Event streams that are open.",
		}),
		sent: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orgo_events_sent_total", Help: "Events sent to the consumers of event streams.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgo_event_streams_ended_total", Help: "Event streams that ended, by how; slow: the consumer was cut off.",
		}, []string{"end"}),
	}
	registry.MustRegister(s.open, s.sent, s.ended)
	for _, end := range []api.StreamEnd{api.StreamLeft, api.StreamSlow, api.StreamStopped, api.StreamFailed} {
		s.ended.WithLabelValues(string(end))
	}
	return s
}

// StreamOpened counts an open stream.
func (s *streams) StreamOpened() { s.open.Inc() }

// EventSent counts an event.
func (s *streams) EventSent() { s.sent.Inc() }

// StreamEnded counts an end.
func (s *streams) StreamEnded(end api.StreamEnd) {
	s.open.Dec()
	s.ended.WithLabelValues(string(end)).Inc()
}
