package stack

import (
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
)

// The gauges are what the store says, also of Cases that another process opened, and
// nothing once it cannot be asked.
func TestOpenCasesAreCounted(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.SQLiteDSN(filepath.Join(t.TempDir(), "orgo.db")))
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	var log strings.Builder
	registry := prometheus.NewRegistry()
	registry.MustRegister(newCaseGauges(s, activities.SystemClock{}, slog.New(slog.NewTextHandler(&log, nil))))
	_, err = s.Append(t.Context(), storetest.NewCaser(t, records.DefaultOrganization, "b").Opened(func(o *cases.Opened) { o.Route.Severity = "" }))
	require.NoError(t, err)
	told := scraped(registry)
	require.Contains(t, told, "orgo_cases_open{severity=\"none\"} 1\n")
	require.Contains(t, told, "orgo_cases_overdue{severity=\"none\"} 1\n")
	require.NoError(t, s.Close())
	require.Empty(t, scraped(registry))
	require.Contains(t, log.String(), "STORE_UNAVAILABLE")
}

// scraped returns what a registry tells who asks for metrics.
func scraped(registry *prometheus.Registry) string {
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}
