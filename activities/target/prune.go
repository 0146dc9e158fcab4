package target

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// Prune removes packs and states, and what killed publishers left half made. What
// it does not know to be of a publisher's making it leaves alone.
func (d *Directory) Prune(ctx context.Context, keep []index.Pack) error {
	for _, pack := range keep {
		// Of a malformed pack the wrong directory would be kept.
		if err := pack.Check(); err != nil {
			return refused(err)
		}
	}
	return d.alone(func() error {
		kept, err := d.needed(keep)
		if err != nil {
			return err
		}
		for _, dir := range []string{".", packsDir, statesDir} {
			if err := d.pruneDir(ctx, dir, kept); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *Directory) pruneDir(ctx context.Context, dir string, kept map[string]bool) error {
	entries, err := fs.ReadDir(d.dir.FS(), dir)
	if err != nil {
		return unavailable(err)
	}
	for _, entry := range entries {
		if err := ended(ctx); err != nil {
			return err
		}
		name := path.Join(dir, entry.Name())
		if kept[name] || !made(entry.Name()) {
			continue
		}
		if err := d.remove(name); err != nil {
			return err
		}
	}
	if err := d.sync(dir); err != nil {
		return unavailable(err)
	}
	return nil
}

// made reports whether a publisher gives such names to what it may remove.
func made(name string) bool {
	return strings.HasSuffix(name, ".tmp") || records.Digest{Alg: records.SHA256, Value: name}.Valid()
}

// needed returns the paths of the packs to keep, and of the states and packs of the
// active index and of the fenced one, which may become active next.
func (d *Directory) needed(keep []index.Pack) (map[string]bool, error) {
	kept := make(map[string]bool)
	keep = slices.Clone(keep)
	for _, link := range []string{currentLink, fenceLink} {
		found, state, err := d.read(link)
		if err != nil {
			return nil, err
		}
		if found == nil {
			continue
		}
		kept[state] = true
		for _, cohort := range found.Cohorts {
			keep = append(keep, cohort.Pack)
		}
		if err := d.linked(state, kept); err != nil {
			return nil, err
		}
	}
	for _, pack := range keep {
		name, err := packOf(pack)
		if err != nil {
			return nil, err
		}
		kept[name] = true
	}
	return kept, nil
}

// linked adds the packs to which the links of a state lead. Where those have drifted
// they lead to others than the index names, which are active all the same.
func (d *Directory) linked(state string, kept map[string]bool) error {
	dir := path.Join(state, cohortsDir)
	entries, err := fs.ReadDir(d.dir.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // each cohort misses its link
	}
	if err != nil {
		return unavailable(err)
	}
	for _, entry := range entries {
		if to, err := d.dir.Readlink(path.Join(dir, entry.Name())); err == nil {
			kept[path.Join(packsDir, path.Base(to))] = true
		}
	}
	return nil
}
