package index

import (
	"slices"

	"golang.org/x/mod/semver"

	"github.com/initkoa/orgo/records"
)

// exact reports whether v is x.y.z and nothing more.
func exact(v string) bool {
	v = "v" + v
	return semver.Canonical(v) == v && semver.Prerelease(v) == ""
}

// lower reports whether version a comes before b. The empty version comes before
// all others.
func lower(a, b string) bool { return semver.Compare("v"+a, "v"+b) < 0 }

// sameFacts refuses content that is given two versions or two times of build: it
// could pass as the one where it may not as the other.
func sameFacts(lists ...[]Cohort) error {
	packs := make(map[records.Digest]Pack)
	for _, cohort := range slices.Concat(lists...) {
		digest, err := cohort.Pack.Digest()
		if err != nil {
			return err
		}
		first, known := packs[digest]
		switch {
		case !known:
			packs[digest] = cohort.Pack
		case first.Version != cohort.Pack.Version:
			return fault(PackExchanged, cohort.Name, "pack %s has version %s and %s", digest, first.Version, cohort.Pack.Version)
		case !first.BuiltAt.Equal(cohort.Pack.BuiltAt):
			return fault(PackExchanged, cohort.Name, "pack %s has two times of build", digest)
		}
	}
	return nil
}
