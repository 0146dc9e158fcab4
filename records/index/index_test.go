package index_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func ref(text string) records.Ref {
	return records.Ref{Digest: records.DigestOf([]byte(text)), Size: int64(len(text))}
}

func cohort(name string, number int64) index.Cohort {
	return index.Cohort{
		Name: name, Since: start, Percentage: 50,
		Release: index.Release{ID: fmt.Sprintf("release-%d", number), Number: number},
		Pack: index.Pack{
			BuildID: fmt.Sprintf("build-%d", number), Version: fmt.Sprintf("1.%d.0", number), BuiltAt: start.Add(time.Duration(number) * time.Hour),
			Manifest: ref(fmt.Sprintf("manifest %d", number)), Exchange: ref(fmt.Sprintf("exchange %d", number)),
		},
	}
}

// at is an index in which canary and stable run the given releases.
func at(sequence, canary, stable int64) index.Index {
	return index.Index{
		Channel:  index.Channel{Organization: records.DefaultOrganization, Environment: "production", Name: "main"},
		Sequence: sequence, After: sequence - 1, PublishedAt: start.Add(time.Duration(sequence) * time.Minute),
		Cohorts: []index.Cohort{cohort("canary", canary), cohort("stable", stable)}, MinimumVersion: "1.0.0",
		Revoked: []records.Digest{ref("revoked").Digest},
	}
}

func digest(t require.TestingT, p index.Pack) records.Digest {
	d, err := p.Digest()
	require.NoError(t, err)
	return d
}

func authorize(t require.TestingT, previous, next index.Index, n int) index.Downgrade {
	return index.Downgrade{
		Cohort: next.Cohorts[n].Name, From: digest(t, previous.Cohorts[n].Pack), To: digest(t, next.Cohorts[n].Pack),
		Release: next.Cohorts[n].Release.ID, Decision: ref("decision").Digest, Reason: "METRIC_OUT_OF_BOUNDS",
		Actor: "operator", Sequence: next.Sequence,
	}
}

func TestAnIndexFollows(t *testing.T) {
	t.Parallel()
	require.NoError(t, index.Begins(at(1, 1, 1)))
	require.NoError(t, index.Follows(at(1, 1, 1), at(2, 2, 1)))
}

// Trap 16: the sequence rises while the content goes back, with an authorization.
func TestTrap16AnAuthorizedRollbackFollows(t *testing.T) {
	t.Parallel()
	previous, next := at(7, 5, 4), at(8, 3, 4)
	next.Downgrades = []index.Downgrade{authorize(t, previous, next, 0)}
	require.NoError(t, index.Follows(previous, next))
}

// Every fault is planted into an index that follows, with an authorized step back.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want  index.Fault
		plant func(t *testing.T, next *index.Index)
	}{
		"other channel":     {index.OtherChannel, func(_ *testing.T, n *index.Index) { n.Name = "other" }},
		"same sequence":     {index.Malformed, func(_ *testing.T, n *index.Index) { n.Sequence = 7 }},
		"of an older one":   {index.SequenceNotNext, func(_ *testing.T, n *index.Index) { n.After = 6 }},
		"skipped sequence":  {index.SequenceNotNext, func(_ *testing.T, n *index.Index) { n.Sequence, n.After = 9, 8 }},
		"of the first":      {index.SequenceNotNext, func(_ *testing.T, n *index.Index) { n.After = 0 }},
		"of itself":         {index.Malformed, func(_ *testing.T, n *index.Index) { n.After = n.Sequence }},
		"clock":             {index.ClockWentBack, func(_ *testing.T, n *index.Index) { n.PublishedAt = start }},
		"minimum fell":      {index.MinimumFell, func(_ *testing.T, n *index.Index) { n.MinimumVersion = "0.9.9" }},
		"minimum lifted":    {index.MinimumFell, func(_ *testing.T, n *index.Index) { n.MinimumVersion = "" }},
		"below minimum":     {index.BelowMinimum, func(_ *testing.T, n *index.Index) { n.MinimumVersion = "1.3.1" }},
		"minimum by number": {index.BelowMinimum, func(_ *testing.T, n *index.Index) { n.MinimumVersion = "1.10.0" }},
		"vague minimum":     {index.Malformed, func(_ *testing.T, n *index.Index) { n.MinimumVersion = "1.1" }},
		"no version":        {index.Malformed, func(_ *testing.T, n *index.Index) { n.Cohorts[1].Pack.Version = "" }},
		"version candidate": {index.Malformed, func(_ *testing.T, n *index.Index) { n.Cohorts[1].Pack.Version = "1.4.0-rc.1" }},
		"version of build":  {index.Malformed, func(_ *testing.T, n *index.Index) { n.Cohorts[1].Pack.Version = "1.4.0+1" }},
		"version with v":    {index.Malformed, func(_ *testing.T, n *index.Index) { n.Cohorts[1].Pack.Version = "v1.4.0" }},
		"other version":     {index.PackExchanged, func(_ *testing.T, n *index.Index) { n.Cohorts[1].Pack.Version = "2.0.0" }},
		"other version in a new cohort": {index.PackExchanged, func(_ *testing.T, n *index.Index) {
			third := cohort("third", 5)
			third.Pack.Version = "2.0.0"
			n.Cohorts = append(n.Cohorts, third)
		}},
		"two versions at once": {index.PackExchanged, func(_ *testing.T, n *index.Index) {
			n.Cohorts[0] = cohort("canary", 4)
			n.Cohorts[0].Pack.Version = "2.0.0"
		}},
		"unrevoked":         {index.Unrevoked, func(_ *testing.T, n *index.Index) { n.Revoked = nil }},
		"revoked exchange":  {index.RevokedPack, func(_ *testing.T, n *index.Index) { n.Cohorts[0].Pack.Exchange = ref("revoked") }},
		"lost cohort":       {index.CohortLost, func(_ *testing.T, n *index.Index) { n.Cohorts = n.Cohorts[:1] }},
		"exchanged pack":    {index.PackExchanged, func(_ *testing.T, n *index.Index) { n.Cohorts[1].Pack.Manifest = ref("other") }},
		"number reused":     {index.PackExchanged, func(_ *testing.T, n *index.Index) { n.Cohorts[1].Release.ID = "other" }},
		"rebuilt later":     {index.PackExchanged, func(_ *testing.T, n *index.Index) { n.Cohorts[1].Pack.BuiltAt = start.Add(99 * time.Hour) }},
		"no authorization":  {index.NotAuthorized, func(_ *testing.T, n *index.Index) { n.Downgrades = nil }},
		"of other sequence": {index.NotAuthorized, func(_ *testing.T, n *index.Index) { n.Downgrades[0].Sequence = 7 }},
		"of other release":  {index.NotAuthorized, func(_ *testing.T, n *index.Index) { n.Downgrades[0].Release = "other" }},
		"from other pack":   {index.NotAuthorized, func(_ *testing.T, n *index.Index) { n.Downgrades[0].From = ref("x").Digest }},
		"to other pack":     {index.NotAuthorized, func(_ *testing.T, n *index.Index) { n.Downgrades[0].To = ref("x").Digest }},
		"old pack, new number": {index.NotAuthorized, func(_ *testing.T, n *index.Index) {
			n.Downgrades, n.Cohorts[0].Release = nil, index.Release{ID: "release-9", Number: 9}
		}},
		"standing permission": {index.NothingToAllow, func(t *testing.T, n *index.Index) {
			n.Downgrades = append(n.Downgrades, authorize(t, at(7, 5, 4), *n, 1))
		}},
		"anonymous":    {index.Malformed, func(_ *testing.T, n *index.Index) { n.Downgrades[0].Actor = "" }},
		"escaping":     {index.Malformed, func(_ *testing.T, n *index.Index) { n.Environment = ".." }},
		"cohort slash": {index.Malformed, func(_ *testing.T, n *index.Index) { n.Cohorts[0].Name = "a/b" }},
		"file escapes": {index.Malformed, func(_ *testing.T, n *index.Index) {
			n.Cohorts[0].Pack.Files = []records.Artifact{{Path: "../x", Ref: ref("x")}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			previous, next := at(7, 5, 4), at(8, 3, 4)
			next.Downgrades = []index.Downgrade{authorize(t, previous, next, 0)}
			require.NoError(t, index.Follows(previous, next))
			c.plant(t, &next)
			var refused *index.Error
			require.ErrorAs(t, index.Follows(previous, next), &refused)
			require.Equal(t, c.want, refused.Fault, "%v", refused)
		})
	}
}

// safe makes cohorts of an index inactive.
func safe(i index.Index, cohorts ...int) index.Index {
	for _, n := range cohorts {
		i.Cohorts[n].Inactive = true
	}
	return i
}

func TestNothingIsToBeActive(t *testing.T) {
	t.Parallel()
	require.NoError(t, index.Begins(safe(at(1, 1, 1), 0)))
	next := safe(at(8, 5, 4), 0)
	require.NoError(t, index.Follows(at(7, 5, 4), next))
	require.NoError(t, index.Follows(next, safe(at(9, 5, 4), 0)), "it stays so")

	next.Revoked = append(next.Revoked, next.Cohorts[0].Pack.Manifest.Digest)
	slices.SortFunc(next.Revoked, func(a, b records.Digest) int { return strings.Compare(a.String(), b.String()) })
	require.NoError(t, index.Follows(at(7, 5, 4), next), "with the pack revoked")
	next = safe(at(8, 5, 4), 0, 1)
	next.MinimumVersion = "1.6.0"
	require.NoError(t, index.Follows(at(7, 5, 4), next), "with the pack below the minimum")
}

// What follows safe mode is compared with what was there before it. Where a step
// needs an authorization, that one lets it pass.
func TestSafeModeIsNoWayAround(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want index.Fault // none where it is empty
		next index.Index
		back bool // an authorization lets it pass
	}{
		"forward":            {"", at(8, 6, 4), false},
		"back":               {index.NotAuthorized, at(8, 3, 4), true},
		"the same again":     {index.NotAuthorized, at(8, 5, 4), true},
		"lowered meanwhile":  {index.InactiveMoved, safe(at(8, 3, 4), 0), false},
		"raised meanwhile":   {index.InactiveMoved, safe(at(8, 6, 4), 0), false},
		"gone meanwhile":     {index.CohortLost, func() index.Index { i := at(8, 5, 4); i.Cohorts = i.Cohorts[1:]; return i }(), false},
		"revoked meanwhile":  {index.RevokedPack, func() index.Index { i := at(8, 5, 4); i.Cohorts[0].Pack.Manifest = ref("revoked"); return i }(), false},
		"too low for active": {index.BelowMinimum, func() index.Index { i := at(8, 5, 6); i.MinimumVersion = "1.6.0"; return i }(), false},
		"exchanged": {index.PackExchanged, func() index.Index {
			i := safe(at(8, 5, 4), 0)
			i.Cohorts[0].Pack.Manifest = ref("other")
			return i
		}(), false},
		"built earlier": {index.PackExchanged, func() index.Index {
			i := safe(at(8, 5, 4), 0)
			i.Cohorts[0].Pack.BuiltAt = start
			return i
		}(), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			previous, next := safe(at(7, 5, 4), 0), c.next
			err := index.Follows(previous, next)
			if c.want == "" {
				require.NoError(t, err)
			} else {
				var refused *index.Error
				require.ErrorAs(t, err, &refused)
				require.Equal(t, c.want, refused.Fault, "%v", refused)
			}
			next.Downgrades = []index.Downgrade{authorize(t, previous, next, 0)}
			require.Equal(t, c.back, index.Follows(previous, next) == nil, "authorized")
		})
	}
}

// To take a cohort's pack away is no step back, so it takes no authorization that
// could be meant for another.
func TestSafeModeTakesNoAuthorization(t *testing.T) {
	t.Parallel()
	previous, next := at(7, 5, 4), safe(at(8, 5, 4), 0)
	next.Downgrades = []index.Downgrade{authorize(t, previous, next, 0)}
	var refused *index.Error
	require.ErrorAs(t, index.Follows(previous, next), &refused)
	require.Equal(t, index.NothingToAllow, refused.Fault)
}

// However two indexes lie, a step back passes with its authorization and with no
// other, and a sequence that is not the next never passes.
func TestStepsBackNeedTheirAuthorization(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Range(1, 6)
		sequence := rapid.Int64Range(1, 5).Draw(t, "previous")
		previous := at(sequence, number.Draw(t, "canary"), number.Draw(t, "stable"))
		next := at(rapid.Int64Range(1, 7).Draw(t, "next"), number.Draw(t, "canary next"), number.Draw(t, "stable next"))
		back := 0
		for n := range next.Cohorts {
			if next.Cohorts[n].Release.Number < previous.Cohorts[n].Release.Number {
				back++
				next.Downgrades = append(next.Downgrades, authorize(t, previous, next, n))
			}
		}
		err := index.Follows(previous, next)
		require.Equal(t, next.Sequence == previous.Sequence+1, err == nil, "%v", err)
		if back > 0 {
			next.Downgrades = next.Downgrades[1:]
			require.Error(t, index.Follows(previous, next))
		}
	})
}

func TestParseReadsOnlyTheCanonicalForm(t *testing.T) {
	t.Parallel()
	canonical, err := at(3, 2, 1).Canonical()
	require.NoError(t, err)
	parsed, err := index.Parse(canonical)
	require.NoError(t, err)
	again, err := parsed.Canonical()
	require.NoError(t, err)
	require.Equal(t, canonical, again)
	for name, bad := range map[string]string{
		"space":    " " + string(canonical),
		"unknown":  `{"aaa":1,` + string(canonical[1:]),
		"repeated": `{"channel":"x",` + string(canonical[1:]),
		"empty":    "",
		"null":     "null",
	} {
		_, err := index.Parse([]byte(bad))
		require.Error(t, err, name)
	}
}
