package target

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// Observe reads every link and hashes all that they lead to. It takes no lock: what
// is active changes only towards what its index says, so a switch meanwhile cannot
// mix two.
func (d *Directory) Observe(ctx context.Context) (State, error) {
	found, err := d.observeActive(ctx)
	if err != nil {
		return State{}, err
	}
	// Where it cannot be read, that is drift already.
	if newest, _, err := d.newest(); err == nil {
		found.Newest = newest
	}
	return found, nil
}

func (d *Directory) observeActive(ctx context.Context) (State, error) {
	present, active, err := d.read(currentLink)
	var unreadable *runner.Failure
	if errors.As(err, &unreadable) && unreadable.Code == gates.TargetUnreadable {
		return State{Drift: []Drift{{gates.TargetUnreadable, currentLink}}}, nil
	}
	if err != nil {
		return State{}, err
	}
	if present == nil {
		return d.unpublished(), nil
	}
	digest, err := present.Digest()
	if err != nil {
		return State{}, err
	}
	found := State{Index: present, Digest: digest}
	for _, link := range fixedLinks() {
		found.Drift = append(found.Drift, d.follow(link.name, link.to)...)
	}
	found.Drift = append(found.Drift, d.fenceDrift(*present)...)
	strangers, err := d.strangers(path.Join(active, cohortsDir), *present)
	if err != nil {
		return State{}, err
	}
	found.Drift = append(found.Drift, strangers...)
	slices.SortFunc(found.Drift, byPath)
	for _, cohort := range present.Cohorts {
		seen, err := d.observe(ctx, path.Join(active, cohortsDir, cohort.Name), cohort)
		if err != nil {
			return State{}, err
		}
		found.Cohorts = append(found.Cohorts, seen)
	}
	return found, nil
}

// unpublished is the state without an active index. Behind a fence there should be one.
func (d *Directory) unpublished() State {
	if _, err := d.dir.Lstat(fenceLink); errors.Is(err, fs.ErrNotExist) {
		return State{}
	}
	return State{Drift: []Drift{{gates.TargetLinkMissing, currentLink}}}
}

// follow compares a link with where it must lead.
func (d *Directory) follow(name, want string) []Drift {
	to, err := d.dir.Readlink(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Drift{{gates.TargetLinkMissing, name}}
	case err != nil || to != want: // also what is no link
		return []Drift{{gates.TargetLinkForeign, name}}
	}
	return nil
}

// absent finds whatever stands where nothing may.
func (d *Directory) absent(name string) []Drift {
	if _, err := d.dir.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return []Drift{{gates.TargetLinkForeign, name}}
	}
	return nil
}

// strangers are links for cohorts that the index does not have, or what stands in
// the place of the directory of links.
func (d *Directory) strangers(dir string, present index.Index) ([]Drift, error) {
	if info, err := d.dir.Lstat(dir); err == nil && !info.IsDir() {
		return []Drift{{gates.TargetLinkForeign, dir}}, nil
	}
	entries, err := fs.ReadDir(d.dir.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // each cohort misses its link
	}
	if err != nil {
		return nil, unavailable(err)
	}
	var drift []Drift
	for _, entry := range entries {
		if _, known := present.Cohort(entry.Name()); !known {
			drift = append(drift, Drift{gates.TargetLinkForeign, path.Join(dir, entry.Name())})
		}
	}
	return drift, nil
}

func (d *Directory) observe(ctx context.Context, link string, cohort index.Cohort) (Cohort, error) {
	want, err := cohortLink(cohort.Pack)
	if err != nil {
		return Cohort{}, err
	}
	seen := Cohort{Cohort: cohort}
	if cohort.Inactive {
		seen.Drift = d.absent(link)
	} else {
		seen.Drift = d.follow(link, want)
	}
	if to, err := d.dir.Readlink(link); err == nil && path.Dir(to) == path.Dir(want) {
		if found := (records.Digest{Alg: records.SHA256, Value: path.Base(to)}); found.Valid() {
			seen.Found = found
		}
	}
	if len(seen.Drift) > 0 || cohort.Inactive {
		return seen, nil
	}
	seen.Drift, err = d.inspect(ctx, cohort.Pack)
	return seen, err
}

func byPath(a, b Drift) int { return strings.Compare(a.Path, b.Path) }
