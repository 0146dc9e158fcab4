package target_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/telemetry"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func channel() index.Channel {
	return index.Channel{Organization: records.DefaultOrganization, Environment: "production", Name: "main"}
}

type bench struct {
	root  string
	store *artifacts.Store
}

func setup(t *testing.T) bench {
	t.Helper()
	dir := t.TempDir()
	store, err := artifacts.Open(t.Context(), "file://"+filepath.Join(dir, "store"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return bench{filepath.Join(dir, "targets"), store}
}

func (b bench) open(t *testing.T, steps target.Steps) *target.Directory {
	t.Helper()
	dir, err := target.OpenDirectory(b.root, channel(), b.store, steps)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, dir.Close()) })
	return dir
}

func (b bench) path(parts ...string) string {
	return filepath.Join(append([]string{b.root, channel().String()}, parts...)...)
}

func (b bench) put(t *testing.T, text string) records.Ref {
	t.Helper()
	ref, err := b.store.PutBytes(t.Context(), "text/plain", []byte(text))
	require.NoError(t, err)
	return ref
}

// index is one whose cohorts both run the given release.
func (b bench) index(t *testing.T, sequence, number int64) index.Index {
	t.Helper()
	next := index.Index{Channel: channel(), Sequence: sequence, After: sequence - 1, PublishedAt: start.Add(time.Duration(sequence) * time.Minute)}
	for _, name := range []string{"canary", "stable"} {
		next.Cohorts = append(next.Cohorts, index.Cohort{
			Name: name, Percentage: 50, Since: start, Release: index.Release{ID: fmt.Sprintf("release-%d", number), Number: number},
			Pack: index.Pack{
				BuildID: "build", Version: fmt.Sprintf("1.%d.0", number), BuiltAt: start.Add(time.Duration(number) * time.Hour),
				Manifest: b.put(t, fmt.Sprintf("manifest %s %d", name, number)), Exchange: b.put(t, "exchange"),
				Files: []records.Artifact{{Name: "pack", Path: "data/pack.bin", Ref: b.put(t, fmt.Sprintf("pack %s %d", name, number))}},
			},
		})
	}
	return next
}

func packDigest(t *testing.T, p index.Pack) records.Digest {
	t.Helper()
	d, err := p.Digest()
	require.NoError(t, err)
	return d
}

func packs(i index.Index) []index.Pack {
	var all []index.Pack
	for _, cohort := range i.Cohorts {
		all = append(all, cohort.Pack)
	}
	return all
}

func publish(t *testing.T, dir *target.Directory, next index.Index) {
	t.Helper()
	require.NoError(t, dir.Distribute(t.Context(), packs(next)...))
	require.NoError(t, dir.Publish(t.Context(), next))
}

func observe(t *testing.T, dir *target.Directory) target.State {
	t.Helper()
	found, err := dir.Observe(t.Context())
	require.NoError(t, err)
	return found
}

func requireCode(t *testing.T, want gates.Code, err error) {
	t.Helper()
	var failure *runner.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, want, failure.Code, "%v", err)
}

func TestDistributingActivatesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	next := b.index(t, 1, 1)
	requireCode(t, gates.PackNotDistributed, dir.Publish(t.Context(), next))
	require.NoError(t, dir.Distribute(t.Context(), packs(next)...))
	found := observe(t, dir)
	require.Nil(t, found.Index)
	require.False(t, found.Fine())
	require.NoError(t, dir.Publish(t.Context(), next))
	require.True(t, observe(t, dir).Fine())
	content, err := os.ReadFile(b.path("cohorts", "canary", "files", "data", "pack.bin"))
	require.NoError(t, err)
	require.Equal(t, "pack canary 1", string(content))
}

func TestTheFence(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	first, second := b.index(t, 1, 1), b.index(t, 2, 2)
	publish(t, dir, first)
	publish(t, dir, second)
	require.NoError(t, dir.Publish(t.Context(), second), "the very same index again")
	before := observe(t, dir)

	other := b.index(t, 2, 3)
	require.NoError(t, dir.Distribute(t.Context(), packs(other)...))
	requireCode(t, gates.PublishFenced, dir.Publish(t.Context(), first))
	requireCode(t, gates.PublishFenced, dir.Publish(t.Context(), other))
	requireCode(t, gates.IndexRefused, dir.Publish(t.Context(), b.index(t, 4, 3)))
	requireCode(t, gates.IndexDowngrade, dir.Publish(t.Context(), b.index(t, 3, 1)))
	low := b.index(t, 3, 3)
	low.MinimumVersion = "1.3.1"
	requireCode(t, gates.BelowMinimum, dir.Publish(t.Context(), low))
	foreign := b.index(t, 3, 3)
	foreign.Name = "other"
	requireCode(t, gates.IndexRefused, dir.Publish(t.Context(), foreign))
	require.Equal(t, before, observe(t, dir))
}

// Trap 16: with the authorization in the index, the content goes back.
func TestTrap16AnAuthorizedRollbackIsPublished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	publish(t, dir, b.index(t, 1, 1))
	second, back := b.index(t, 2, 2), b.index(t, 3, 1)
	publish(t, dir, second)
	for n := range back.Cohorts {
		back.Downgrades = append(back.Downgrades, index.Downgrade{
			Cohort: back.Cohorts[n].Name, From: packDigest(t, second.Cohorts[n].Pack), To: packDigest(t, back.Cohorts[n].Pack),
			Release: "release-1", Decision: records.DigestOf(nil), Reason: "METRIC_OUT_OF_BOUNDS", Actor: "operator", Sequence: 3,
		})
	}
	publish(t, dir, back)
	require.True(t, observe(t, dir).Fine())
}

// Trap 13: what was switched proves nothing; what is read back afterwards does.
func TestTrap13DriftIsSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want  gates.Code
		plant func(t *testing.T, b bench)
	}{
		"changed byte": {gates.TargetPackChanged, func(t *testing.T, b bench) {
			require.NoError(t, os.WriteFile(b.path("cohorts", "canary", "files", "data", "pack.bin"), []byte("pack canary 9"), 0o600))
		}},
		"added file": {gates.TargetPackChanged, func(t *testing.T, b bench) {
			require.NoError(t, os.WriteFile(b.path("cohorts", "canary", "more"), nil, 0o600))
		}},
		"removed file": {gates.TargetPackMissing, func(t *testing.T, b bench) {
			require.NoError(t, os.Remove(b.path("cohorts", "canary", "manifest.json")))
		}},
		"dangling link": {gates.TargetPackMissing, func(t *testing.T, b bench) {
			pack, err := filepath.EvalSymlinks(b.path("cohorts", "canary"))
			require.NoError(t, err)
			require.NoError(t, os.RemoveAll(pack))
		}},
		"pack is a link": {gates.TargetPackChanged, func(t *testing.T, b bench) {
			pack, err := filepath.EvalSymlinks(b.path("cohorts", "canary"))
			require.NoError(t, err)
			require.NoError(t, os.Rename(pack, pack+".moved"))
			require.NoError(t, os.Symlink(filepath.Base(pack)+".moved", pack))
		}},
		"link elsewhere": {gates.TargetLinkForeign, func(t *testing.T, b bench) {
			require.NoError(t, os.Remove(b.path("cohorts", "canary")))
			require.NoError(t, os.Symlink("/etc", b.path("cohorts", "canary")))
		}},
		"link to the other pack": {gates.TargetLinkForeign, func(t *testing.T, b bench) {
			to, err := os.Readlink(b.path("cohorts", "stable"))
			require.NoError(t, err)
			require.NoError(t, os.Remove(b.path("cohorts", "canary")))
			require.NoError(t, os.Symlink(to, b.path("cohorts", "canary")))
		}},
		"no link": {gates.TargetLinkMissing, func(t *testing.T, b bench) {
			require.NoError(t, os.Remove(b.path("cohorts", "canary")))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := b.open(t, target.Unwatched{})
			publish(t, dir, b.index(t, 1, 1))
			require.True(t, observe(t, dir).Fine())
			c.plant(t, b)
			found := observe(t, dir)
			require.False(t, found.Fine())
			require.Equal(t, "canary", found.Cohorts[0].Name)
			require.NotEmpty(t, found.Cohorts[0].Drift)
			require.Equal(t, c.want, found.Cohorts[0].Drift[0].Code)
			require.Empty(t, found.Cohorts[1].Drift)

			node, err := target.NodeStateOf(found, "canary", target.Stamp{})
			require.NoError(t, err)
			require.Equal(t, telemetry.Failed, node.LastAttempt.Status)
			require.Equal(t, string(c.want), node.LastAttempt.ReasonCode)
			require.Equal(t, telemetry.Unhealthy, node.Health.Status)
		})
	}
}

func TestDriftOfTheTargetIsSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want  gates.Code
		plant func(t *testing.T, b bench)
	}{
		"index changed": {gates.TargetUnreadable, func(t *testing.T, b bench) {
			data, err := os.ReadFile(b.path("index.json"))
			require.NoError(t, err)
			data[len(data)/2]++
			require.NoError(t, os.WriteFile(b.path("index.json"), data, 0o600))
		}},
		"another whole index": {gates.TargetUnreadable, func(t *testing.T, b bench) {
			// Not what its name says: whoever lowers the sequence would lower the fence.
			other := b.index(t, 1, 1)
			other.PublishedAt = start.Add(time.Hour)
			data, err := other.Canonical()
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(b.path("index.json"), data, 0o600))
		}},
		"stranger": {gates.TargetLinkForeign, func(t *testing.T, b bench) {
			require.NoError(t, os.Symlink("/etc", b.path("cohorts", "stranger")))
		}},
		"state is a link": {gates.TargetUnreadable, func(t *testing.T, b bench) {
			to, err := filepath.EvalSymlinks(b.path("current"))
			require.NoError(t, err)
			require.NoError(t, os.Rename(to, to+".moved"))
			require.NoError(t, os.Symlink(filepath.Base(to)+".moved", to))
		}},
		"index unlinked": {gates.TargetLinkMissing, func(t *testing.T, b bench) { require.NoError(t, os.Remove(b.path("index.json"))) }},
		"cohorts is a directory": {gates.TargetLinkForeign, func(t *testing.T, b bench) {
			require.NoError(t, os.Remove(b.path("cohorts")))
			require.NoError(t, os.Mkdir(b.path("cohorts"), 0o700))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := b.open(t, target.Unwatched{})
			publish(t, dir, b.index(t, 1, 1))
			c.plant(t, b)
			found := observe(t, dir)
			require.False(t, found.Fine())
			require.Equal(t, c.want, found.Drift[0].Code)
		})
	}
}

func TestNothingIsPublishedOverAnUnreadableIndex(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	publish(t, dir, b.index(t, 1, 1))
	require.NoError(t, os.WriteFile(b.path("index.json"), []byte("{}"), 0o600))
	requireCode(t, gates.TargetUnreadable, dir.Publish(t.Context(), b.index(t, 2, 2)))
}

// crash stops at the nth step and leaves everything as it is then.
type crash struct{ left int }

var errCrash = errors.New("crash")

func (c *crash) Before(string) error {
	if c.left == 0 {
		return errCrash
	}
	c.left--
	return nil
}

func TestACrashLeavesTheOldIndexOrTheNew(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		b := setup(t)
		publish(t, b.open(t, target.Unwatched{}), b.index(t, 1, 1))
		next := b.index(t, 2, 2)
		crashing := b.open(t, &crash{left: n})
		err := crashing.Distribute(t.Context(), packs(next)...)
		if err == nil {
			err = crashing.Publish(t.Context(), next)
		}
		dir := b.open(t, target.Unwatched{})
		found := observe(t, dir)
		require.True(t, found.Fine(), "step %d: %+v", n, found)
		if err == nil {
			require.Equal(t, int64(2), found.Index.Sequence)
			require.Greater(t, n, 10, "steps")
			return
		}
		require.ErrorIs(t, err, errCrash)
		publish(t, dir, next)
		after := observe(t, dir)
		require.True(t, after.Fine())
		require.Equal(t, int64(2), after.Index.Sequence)
	}
}

// pausing holds a publisher at its first step until it may go on.
type pausing struct {
	once             sync.Once
	reached, proceed chan struct{}
}

func (p *pausing) Before(string) error {
	p.once.Do(func() { close(p.reached); <-p.proceed })
	return nil
}

// Pruned beside a publisher, a pack could go between its verification and the switch.
func TestPublishersDoNotInterleave(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.index(t, 1, 1)
	dir := b.open(t, target.Unwatched{})
	require.NoError(t, dir.Distribute(t.Context(), packs(first)...))
	steps := &pausing{reached: make(chan struct{}), proceed: make(chan struct{})}
	slow := b.open(t, steps)
	ended := make(chan error, 1)
	go func() { ended <- slow.Publish(context.WithoutCancel(t.Context()), first) }()
	<-steps.reached
	requireCode(t, gates.TargetBusy, dir.Publish(t.Context(), first))
	requireCode(t, gates.TargetBusy, dir.Distribute(t.Context(), packs(first)...))
	requireCode(t, gates.TargetBusy, dir.Prune(t.Context(), nil))
	close(steps.proceed)
	require.NoError(t, <-ended)
	require.True(t, observe(t, dir).Fine())
}

func TestAPackThatIsNotWhatItSaysIsNotDistributed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	next := b.index(t, 1, 1)
	next.Cohorts[0].Pack.Manifest.Size++
	requireCode(t, gates.DigestMismatch, dir.Distribute(t.Context(), packs(next)...))
	requireCode(t, gates.PackNotDistributed, dir.Publish(t.Context(), next))
}

func TestNoPathEscapes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"..", ".", "", "a/b", "../x"} {
		c := channel()
		c.Name = name
		_, err := target.OpenDirectory(b.root, c, b.store, target.Unwatched{})
		requireCode(t, gates.IndexRefused, err)
	}
}

func requireOneOf(t *testing.T, want []gates.Code, err error) {
	t.Helper()
	var failure *runner.Failure
	require.ErrorAs(t, err, &failure)
	require.Contains(t, want, failure.Code, "%v", err)
}
