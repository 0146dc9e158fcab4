package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
)

var telemetering = map[string]func(*testing.T, fixture){
	"samples are read as they were stored, in order":              testSamples,
	"a sample is stored once, however it comes again":             testSampleTwice,
	"an id that is taken is refused to another sample":            testSampleConflict,
	"a sample that was refused may count later":                   testSampleLater,
	"organizations do not meet in telemetry":                      testSampleIsolation,
	"samples of writers at once are all there, once, without gap": testSampleRaces,
	"samples can be neither changed nor removed":                  testSamplesAppendOnly,
	"what is not kept is not stored":                              testSampleNotKept,
}

// reported returns a sample about a release.
func reported(t testing.TB, release, node string, i int) store.TelemetryItem {
	t.Helper()
	at := epoch.Add(time.Duration(i) * time.Second)
	item, err := telemetry.Read(fmt.Appendf(nil, `{"release_id": %q, "cohort": "canary", "node_id": %q, "kind": "execution", "at": %q,
		"outcome": {"status": "SUCCEEDED", "duration_ms": %d}}`, release, node, at.Format(time.RFC3339Nano), i))
	require.NoError(t, err)
	return store.TelemetryItem{Item: item, ReceivedAt: epoch}
}

func report(t testing.TB, f fixture, organization string, items ...store.TelemetryItem) []store.TelemetryOutcome {
	t.Helper()
	return must(f.store.AppendTelemetry(t.Context(), organization, items))(t)
}

func testSamples(t *testing.T, f fixture) {
	var items []store.TelemetryItem
	for i := range 300 {
		items = append(items, reported(t, "r", "n", i))
	}
	items[7].Code = telemetry.SampleStale
	sampled := f.store.Sampled()
	report(t, f, acme, items...)
	<-sampled
	first := must(f.store.Telemetry(t.Context(), acme, "r", 0, 200))(t)
	rest := must(f.store.Telemetry(t.Context(), acme, "r", 200, 200))(t)
	for i, stored := range append(first, rest...) {
		require.Equal(t, telemetry.Stored{Position: int64(i + 1), Code: items[i].Code, Sample: items[i].Sample}, stored)
	}
	require.Len(t, rest, 100)
	require.Equal(t, []store.TelemetryHead{{Organization: acme, ReleaseID: "r", Position: 300}}, must(f.store.TelemetryHeads(t.Context()))(t))
}

func testSampleTwice(t *testing.T, f fixture) {
	a, b := reported(t, "r", "n", 1), reported(t, "r", "n", 2)
	require.Equal(t, []store.TelemetryOutcome{store.TelemetryStored, store.TelemetryDuplicate}, report(t, f, acme, a, a))
	stale := a
	stale.Code = telemetry.SampleStale // when it comes again, much later
	require.Equal(t, []store.TelemetryOutcome{store.TelemetryDuplicate, store.TelemetryStored, store.TelemetryDuplicate}, report(t, f, acme, stale, b, a))
	require.Len(t, must(f.store.Telemetry(t.Context(), acme, "r", 0, 10))(t), 2)
}

func testSampleConflict(t *testing.T, f fixture) {
	named := func(release string, i int) store.TelemetryItem {
		item := reported(t, release, "n", i)
		item.ID = "mine"
		return item
	}
	require.Equal(t, []store.TelemetryOutcome{store.TelemetryStored, store.TelemetryConflict}, report(t, f, acme, named("r", 1), named("r", 2)))
	require.Equal(t, []store.TelemetryOutcome{store.TelemetryConflict}, report(t, f, acme, named("another", 1)))
	require.Len(t, must(f.store.Telemetry(t.Context(), acme, "r", 0, 10))(t), 1)
	require.Empty(t, must(f.store.Telemetry(t.Context(), acme, "another", 0, 10))(t))
}

func testSampleLater(t *testing.T, f fixture) {
	early := reported(t, "r", "n", 1)
	early.Code = telemetry.SampleInFuture
	require.Equal(t, []store.TelemetryOutcome{store.TelemetryStored, store.TelemetryDuplicate}, report(t, f, acme, early, early))
	early.Code = telemetry.Counts
	require.Equal(t, []store.TelemetryOutcome{store.TelemetryStored, store.TelemetryDuplicate}, report(t, f, acme, early, early))
}

func testSampleIsolation(t *testing.T, f fixture) {
	sample := reported(t, "r", "n", 1)
	require.Equal(t, []store.TelemetryOutcome{store.TelemetryStored}, report(t, f, acme, sample))
	require.Empty(t, must(f.store.Telemetry(t.Context(), other, "r", 0, 10))(t))
	require.Equal(t, []store.TelemetryOutcome{store.TelemetryStored}, report(t, f, other, sample), "of another organization it is another sample")
	require.Len(t, must(f.store.Telemetry(t.Context(), acme, "r", 0, 10))(t), 1)
	_, err := f.store.AppendTelemetry(t.Context(), "", []store.TelemetryItem{sample})
	require.ErrorContains(t, err, "no organization")
}

// testSampleRaces has writers send overlapping batches about two releases, while a
// reader follows: it must see every position once, in order, none late.
func testSampleRaces(t *testing.T, f fixture) {
	const each, overlap = 40, 2
	var all sync.WaitGroup
	stored := make([]int, writers)
	for writer := range writers {
		s := Open(t, f.DSN)
		all.Go(func() {
			for i := range each {
				batch := []store.TelemetryItem{
					reported(t, "b", fmt.Sprint("n", writer/overlap), i), reported(t, "a", fmt.Sprint("n", writer/overlap), i),
				}
				outcomes, err := s.AppendTelemetry(t.Context(), acme, batch)
				if err != nil {
					t.Errorf("writer %d: %v", writer, err)
					return
				}
				for _, outcome := range outcomes {
					if outcome == store.TelemetryStored {
						stored[writer]++
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	want := int64(each * writers / overlap)
	for at, ended := int64(0), false; !ended; {
		select {
		case <-done:
			ended = true // what is read after it is all there is
		default:
		}
		for _, sample := range must(f.store.Telemetry(t.Context(), acme, "a", at, 1000))(t) {
			at++
			require.Equal(t, at, sample.Position)
		}
		if ended {
			require.Equal(t, want, at)
		}
	}
	total := 0
	for _, n := range stored {
		total += n
	}
	require.EqualValues(t, 2*want, total, "each was stored for one of its senders")
}

func testSamplesAppendOnly(t *testing.T, f fixture) {
	report(t, f, acme, reported(t, "r", "n", 1))
	for _, statement := range []string{
		`UPDATE telemetry_samples SET code = 'SAMPLE_STALE'`, `UPDATE telemetry_samples SET body = body`, `DELETE FROM telemetry_samples`,
		`INSERT INTO telemetry_samples SELECT * FROM telemetry_samples WHERE true ON CONFLICT (release_id, organization, position) DO UPDATE SET code = 'x'`,
	} {
		_, err := f.Raw.Exec(statement)
		require.ErrorContains(t, err, "telemetry_samples is append-only", statement)
	}
	// Each of these is no SQL, or refused, on either database.
	for _, statement := range []string{
		`TRUNCATE telemetry_samples`, `SET session_replication_role = replica; DELETE FROM telemetry_samples`,
		`INSERT OR REPLACE INTO telemetry_samples SELECT organization, release_id, 9, sample_id, code, 'x', received_at, body FROM telemetry_samples`,
		`INSERT OR REPLACE INTO telemetry_samples SELECT organization, release_id, position, 'x', code, 'x', received_at, body FROM telemetry_samples`,
	} {
		_, err := f.Raw.Exec(statement)
		require.Error(t, err, statement)
	}
	require.Len(t, must(f.store.Telemetry(t.Context(), acme, "r", 0, 10))(t), 1)
}

func testSampleNotKept(t *testing.T, f fixture) {
	item := reported(t, "r", "n", 1)
	item.Code = telemetry.ReleaseUnknown
	_, err := f.store.AppendTelemetry(t.Context(), acme, []store.TelemetryItem{item})
	require.ErrorContains(t, err, "not stored")
}
