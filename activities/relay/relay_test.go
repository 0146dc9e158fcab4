package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/relay"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/store/storetest"
	"github.com/initkoa/orgo/records/telemetry"
)

const (
	acme   = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	canary = "canary"
	nodes  = 100
)

var activated = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bundle is a relay over a store of its own, and all that it touches.
type bundle struct {
	store    *store.Store
	relay    *relay.Relay
	releases map[string]telemetry.Release
	now      time.Time
	signals  []signal
	refusing error
	bound    int64 // failures at which the threshold is crossed; 0: never
	counted  int
	behind   int64
	options  relay.Options
}

type signal struct {
	release relay.Release
	at      time.Time
	windows []telemetry.Window
}

func (b *bundle) Now() time.Time { return b.now }

func (b *bundle) Known(_ context.Context, organization, id string) (telemetry.Release, bool, error) {
	release, found := b.releases[id]
	return release, found && organization == acme, nil
}

func (b *bundle) Signal(_ context.Context, release relay.Release, windows []telemetry.Window) error {
	if b.refusing != nil {
		return b.refusing
	}
	b.signals = append(b.signals, signal{release, b.now, windows})
	return nil
}

func (b *bundle) Crossed(_ relay.Release, w telemetry.Window) bool {
	return b.bound > 0 && w.Metrics["execution"].Failures >= b.bound
}

func (b *bundle) Reduced(counted, _ int)       { b.counted += counted }
func (b *bundle) Signalled(relay.Reason, bool) {}
func (b *bundle) Behind(samples int64)         { b.behind = samples }

func release(id string) telemetry.Release {
	members := map[string]struct{}{}
	for i := range nodes {
		members[fmt.Sprint("n", i)] = struct{}{}
	}
	return telemetry.Release{ID: id, PackID: "pack-2", Cohorts: map[string]telemetry.Cohort{
		canary: {Members: members, ActivatedAt: activated}, "wide": {Members: members},
	}}
}

func setup(t testing.TB, change ...func(*relay.Options)) *bundle {
	return setupOn(t, newSQLite(t), change...)
}

func newSQLite(t testing.TB) string {
	return store.SQLiteDSN(filepath.Join(t.TempDir(), "orgo.db"))
}

func setupOn(t testing.TB, dsn string, change ...func(*relay.Options)) *bundle {
	s := storetest.Open(t, dsn)
	require.NoError(t, s.Migrate(t.Context()))
	b := &bundle{store: s, now: activated.Add(time.Minute), releases: map[string]telemetry.Release{}}
	for i := range 4 {
		id := fmt.Sprint("r", i)
		b.releases[id] = release(id)
	}
	b.options = relay.Options{Store: s, Directory: b, Signaller: b, Threshold: b, Observer: b, Clock: b, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&b.options)
	}
	b.restart(t)
	return b
}

// restart puts a relay in the old one's place that remembers nothing.
func (b *bundle) restart(t testing.TB) {
	var err error
	b.relay, err = relay.New(b.options)
	require.NoError(t, err)
}

// samples returns samples from..to of a cohort; one in ten is refused.
func samples(t testing.TB, release, cohort string, from, to int, status telemetry.Status) []store.TelemetryItem {
	items := make([]store.TelemetryItem, 0, to-from)
	for i := from; i < to; i++ {
		item, err := telemetry.Read(fmt.Appendf(nil, `{"sample_id":"%s-%s-%d","release_id":%q,"cohort":%q,"node_id":"n%d","kind":"execution","at":%q,
			"outcome":{"status":%q,"duration_ms":%d}}`, release, cohort, i, release, cohort, i%nodes,
			activated.Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano), status, i%5000))
		require.NoError(t, err)
		stored := store.TelemetryItem{Item: item, ReceivedAt: activated}
		if i%10 == 9 {
			stored.Code = telemetry.SampleStale
		}
		items = append(items, stored)
	}
	return items
}

func (b *bundle) put(t testing.TB, items []store.TelemetryItem) {
	t.Helper()
	_, err := b.store.AppendTelemetry(t.Context(), acme, items)
	require.NoError(t, err)
}

// report stores samples and has the relay pass.
func (b *bundle) report(t testing.TB, items []store.TelemetryItem) {
	t.Helper()
	b.put(t, items)
	require.NoError(t, b.relay.Pass(t.Context()))
}

// account checks what a receiver of the signals relies on: each window extends the
// ones before, none goes back, the last has every sample of its cohort, and no
// interval had two signals that no threshold asked for.
func (b *bundle) account(release string, total int64) error {
	var kept telemetry.Window
	var last time.Time
	for _, s := range b.signals {
		if s.release != (relay.Release{Organization: acme, ID: release}) {
			continue
		}
		if !last.IsZero() && s.at.Before(last.Add(10*time.Second)) {
			return fmt.Errorf("signals at %s and %s", last, s.at)
		}
		last = s.at
		for _, w := range s.windows {
			if kept.Sequence == 0 {
				kept = w
			}
			merged, err := telemetry.Merge(kept, w)
			if err != nil {
				return err
			}
			if merged.Sequence != w.Sequence {
				return fmt.Errorf("sequence %d after %d", w.Sequence, merged.Sequence)
			}
			kept = merged
		}
	}
	if kept.Total() != total || kept.Sequence != total {
		return fmt.Errorf("%d samples, up to %d, of %d are in the last window", kept.Total(), kept.Sequence, total)
	}
	return nil
}

func TestEverySampleOfAHundredThousandIsAccountedFor(t *testing.T) {
	t.Parallel()
	total, batch := 100_000, 1000
	if testing.Short() {
		total = 10_000
	}
	b := setup(t)
	for from := 0; from < total; from += batch {
		items := samples(t, "r0", canary, from, from+batch, telemetry.Succeeded)
		b.report(t, items)
		b.report(t, items[:10]) // some come twice
		b.now = b.now.Add(3 * time.Second)
		if from%(10*batch) == 7*batch {
			b.restart(t)
			b.now = b.now.Add(10 * time.Second)
		}
	}
	b.now = b.now.Add(10 * time.Second)
	require.NoError(t, b.relay.Pass(t.Context()))
	require.NoError(t, b.account("r0", int64(total)))
	last := b.signals[len(b.signals)-1].windows[0]
	require.EqualValues(t, total/10, last.Refused[telemetry.SampleStale])
	require.EqualValues(t, total-total/10, last.Counted)
	require.EqualValues(t, nodes-nodes/10, last.Reporting)
	require.Zero(t, b.behind)
}

// faulty is a store that loses a sample, as a cursor does that passes one by which
// commits late.
type faulty struct {
	relay.Store
	lost int64
}

func (f *faulty) Telemetry(ctx context.Context, organization, release string, after int64, limit int) ([]telemetry.Stored, error) {
	page, err := f.Store.Telemetry(ctx, organization, release, after, limit)
	var kept []telemetry.Stored
	for _, s := range page {
		if s.Position != f.lost {
			kept = append(kept, s)
		}
	}
	return kept, err
}

// hasty is a clock by which every interval is over.
type hasty struct{ b *bundle }

func (h hasty) Now() time.Time { return h.b.now.Add(time.Duration(len(h.b.signals)) * time.Hour) }

func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(*bundle){
		"none":                func(*bundle) {},
		"a lost sample":       func(b *bundle) { b.options.Store = &faulty{b.store, 150} },
		"too many signals":    func(b *bundle) { b.options.Clock = hasty{b} },
		"samples not relayed": func(b *bundle) { b.releases = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			plant(b)
			b.restart(t)
			for from := 0; from < 300; from += 100 {
				b.report(t, samples(t, "r0", canary, from, from+100, telemetry.Succeeded))
			}
			b.now = b.now.Add(10 * time.Second)
			require.NoError(t, b.relay.Pass(t.Context()))
			require.Equal(t, name == "none", b.account("r0", 300) == nil, "%v", b.account("r0", 300))
		})
	}
}

func TestAThresholdIsSignalledAtOnceAndOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bound = 5
	b.report(t, samples(t, "r0", canary, 0, 10, telemetry.Succeeded))
	require.Len(t, b.signals, 1)
	b.report(t, samples(t, "r0", canary, 10, 14, telemetry.Failed))
	require.Len(t, b.signals, 1, "below the threshold, in the interval")
	b.report(t, samples(t, "r0", canary, 14, 17, telemetry.Failed))
	require.Len(t, b.signals, 2)
	require.EqualValues(t, 17, b.signals[1].windows[0].Sequence)
	b.report(t, samples(t, "r0", canary, 17, 20, telemetry.Failed))
	require.Len(t, b.signals, 2, "it was said")
	b.now = b.now.Add(10 * time.Second)
	require.NoError(t, b.relay.Pass(t.Context()))
	require.Len(t, b.signals, 3)
	require.NoError(t, b.relay.Pass(t.Context()))
	require.Len(t, b.signals, 3, "there is nothing new")
}

func TestASignalThatFailsIsSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.refusing = errors.New("away")
	b.put(t, samples(t, "r0", canary, 0, 10, telemetry.Succeeded))
	require.ErrorContains(t, b.relay.Pass(t.Context()), "release r0 of organization "+acme)
	b.refusing = nil
	require.NoError(t, b.relay.Pass(t.Context()))
	require.Empty(t, b.signals, "not at once")
	b.now = b.now.Add(10 * time.Second)
	require.NoError(t, b.relay.Pass(t.Context()))
	require.NoError(t, b.account("r0", 10))
}

// A cohort that is activated later begins with what was stored before, and one
// without activation has no window.
func TestCohortsAreSignalledFromTheirActivationOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.report(t, samples(t, "r0", "wide", 0, 10, telemetry.Succeeded))
	require.Empty(t, b.signals)
	known := release("r0")
	wide := known.Cohorts["wide"]
	wide.ActivatedAt = activated
	known.Cohorts["wide"] = wide
	b.releases["r0"] = known
	b.report(t, samples(t, "r0", canary, 0, 10, telemetry.Succeeded))
	require.Len(t, b.signals, 1)
	require.Len(t, b.signals[0].windows, 2, "one signal has all windows that changed")
	require.EqualValues(t, 20, b.signals[0].windows[0].Sequence)
	require.EqualValues(t, 10, b.signals[0].windows[1].Sequence)
	require.EqualValues(t, 9, b.signals[0].windows[1].Counted)
}

// With room for one release, each of four is reduced again whenever it is its turn.
func TestMemoryIsBoundedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *relay.Options) { o.Releases, o.Page = 1, 7 })
	for from := 0; from < 100; from += 20 {
		for i := range 4 {
			b.report(t, samples(t, fmt.Sprint("r", i), canary, from, from+20, telemetry.Succeeded))
		}
		for range 2 { // signalled, and then idle for an interval
			b.now = b.now.Add(10 * time.Second)
			require.NoError(t, b.relay.Pass(t.Context()))
		}
	}
	for i := range 4 {
		require.NoError(t, b.account(fmt.Sprint("r", i), 100))
	}
	require.Greater(t, b.counted, 4*90, "states were dropped, and made again")
}

func TestRunRelaysWhatIsStored(t *testing.T) {
	t.Parallel()
	heard := make(chan telemetry.Window, 16)
	b := setup(t, func(o *relay.Options) { o.Signaller, o.Poll = toChannel(heard), time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); b.relay.Run(ctx) }()
	b.put(t, samples(t, "r0", canary, 0, 10, telemetry.Succeeded))
	require.EqualValues(t, 10, (<-heard).Sequence)
	cancel()
	<-ended
}

type toChannel chan telemetry.Window

func (c toChannel) Signal(_ context.Context, _ relay.Release, windows []telemetry.Window) error {
	c <- windows[0]
	return nil
}
