package target_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/target"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/telemetry"
)

// inSafeMode has published an index in which canary is inactive, after one in which
// it was active. The pack that canary had is not on the target any more.
func inSafeMode(t *testing.T) (bench, *target.Directory) {
	t.Helper()
	b := setup(t)
	dir := b.open(t, target.Unwatched{})
	publish(t, dir, b.index(t, 1, 1))
	next := b.index(t, 2, 1)
	next.Cohorts[0].Inactive = true
	require.NoError(t, os.RemoveAll(b.path("packs", packDigest(t, next.Cohorts[0].Pack).Value)))
	require.NoError(t, dir.Publish(t.Context(), next))
	return b, dir
}

func TestSafeMode(t *testing.T) {
	t.Parallel()
	b, dir := inSafeMode(t)
	require.NoFileExists(t, b.path("cohorts", "canary"))
	found := observe(t, dir)
	require.True(t, found.Fine(), "%+v", found)

	node, err := target.NodeStateOf(found, "canary", target.Stamp{})
	require.NoError(t, err)
	require.Equal(t, target.NoPack, node.Active.PackID)
	require.Nil(t, node.Active.ExchangeRef)
	require.Equal(t, telemetry.Succeeded, node.LastAttempt.Status)
	require.Equal(t, target.NoPack, node.LastAttempt.TargetPackID)
	require.NotNil(t, node.Installed)
	require.Empty(t, node.Installed, "nothing was verified")

	other, err := target.NodeStateOf(found, "stable", target.Stamp{})
	require.NoError(t, err)
	require.NotEqual(t, target.NoPack, other.Active.PackID)
}

// Whatever stands in the place of the link could make something active.
func TestSafeModeDrifts(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(t *testing.T, link, stable string){
		"the pack of another cohort": func(t *testing.T, link, stable string) {
			to, err := os.Readlink(stable)
			require.NoError(t, err)
			require.NoError(t, os.Symlink(to, link))
		},
		"dangling": func(t *testing.T, link, _ string) { require.NoError(t, os.Symlink("nowhere", link)) },
		"directory": func(t *testing.T, link, _ string) {
			require.NoError(t, os.Mkdir(link, 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, dir := inSafeMode(t)
			plant(t, b.path("cohorts", "canary"), b.path("cohorts", "stable"))
			found := observe(t, dir)
			require.False(t, found.Fine())
			require.Equal(t, gates.TargetLinkForeign, found.Cohorts[0].Drift[0].Code)
			node, err := target.NodeStateOf(found, "canary", target.Stamp{})
			require.NoError(t, err)
			require.Equal(t, telemetry.Failed, node.LastAttempt.Status)
			require.Equal(t, string(gates.TargetLinkForeign), node.LastAttempt.ReasonCode)
			require.Equal(t, telemetry.Unhealthy, node.Health.Status)
			if name == "the pack of another cohort" {
				require.Equal(t, packDigest(t, found.Cohorts[1].Pack).String(), node.Active.PackID)
			}
		})
	}
}

func TestSafeModeIsNotLeftWithoutAuthorization(t *testing.T) {
	t.Parallel()
	b, dir := inSafeMode(t)
	again := b.index(t, 3, 1)
	require.NoError(t, dir.Distribute(t.Context(), packs(again)...))
	requireCode(t, gates.IndexDowngrade, dir.Publish(t.Context(), again))
	publish(t, dir, b.index(t, 3, 2))
	require.True(t, observe(t, dir).Fine())
	require.FileExists(t, b.path("cohorts", "canary", "manifest.json"))
}
