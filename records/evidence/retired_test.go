package evidence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

func TestABundleSaysThatItsKeyWasRetired(t *testing.T) {
	t.Parallel()
	for name, dsn := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, dsn(t)).live(t)
			report, err := f.verify(f.export(t))
			require.NoError(t, err)
			require.Nil(t, report.KeyRetired)

			f.retire(t, "grace.hopper")
			files := f.export(t)
			report, err = f.verify(files)
			require.NoError(t, err)
			require.NotNil(t, report.KeyRetired)
			require.Equal(t, "grace.hopper", report.KeyRetired.Actor)
			require.Equal(t, "rotated", report.KeyRetired.Reason)
			lines := linesOf(t, files)
			lines[len(lines)-1].Entry.Reason = "compromised"
			f.refused(t, with(t, files, lines), "another reason")

			ids, err := f.store.EntriesAbout(t.Context(), records.DefaultOrganization, "grace.hopper")
			require.NoError(t, err)
			require.Len(t, ids, 1)
			f.eraseOne(t, ids[0])
			report, err = f.verify(f.export(t))
			require.NoError(t, err)
			require.Equal(t, records.Erased, report.KeyRetired.Actor, "who retired it can be erased, that it was cannot")
			require.Len(t, report.Erased, 1)
		})
	}
}

// TestAKeyThatWasRetiredBefore attested nothing that counts.
func TestAKeyThatWasRetiredBefore(t *testing.T) {
	t.Parallel()
	f := setup(t, databases()["sqlite"](t))
	f.retire(t, "grace.hopper")
	require.ErrorContains(t, f.refused(t, f.live(t).export(t), "retired before"), "was retired")
}
