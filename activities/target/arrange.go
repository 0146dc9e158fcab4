package target

import (
	"context"
	"path"

	"github.com/initkoa/orgo/records/index"
)

// arrange makes the links of a state those of its index, one by one, and leaves
// alone those that are right: the state may be the active one.
func (d *Directory) arrange(ctx context.Context, state string, of index.Index) error {
	dir := path.Join(state, cohortsDir)
	strangers, err := d.strangers(dir, of)
	if err != nil {
		return err
	}
	for _, stranger := range strangers {
		if err := d.remove(stranger.Path); err != nil {
			return err
		}
	}
	if err := d.dir.MkdirAll(dir, directoryMode); err != nil {
		return unavailable(err)
	}
	for _, cohort := range of.Cohorts {
		if err := d.arrangeCohort(path.Join(dir, cohort.Name), cohort); err != nil {
			return err
		}
	}
	if err := d.syncTree(ctx, state); err != nil {
		return unavailable(err)
	}
	return nil
}

func (d *Directory) arrangeCohort(link string, cohort index.Cohort) error {
	if cohort.Inactive {
		return d.remove(link)
	}
	if err := d.steps.Before("link cohort"); err != nil {
		return err
	}
	to, err := cohortLink(cohort.Pack)
	if err != nil {
		return err
	}
	if err := d.link(link, to); err != nil {
		return unavailable(err)
	}
	return nil
}

// cohortLink is where the link of a cohort leads, seen from its state.
func cohortLink(p index.Pack) (string, error) {
	pack, err := packOf(p)
	return path.Join("..", "..", "..", pack), err
}

// remove takes away what may not be there, if anything is. It follows no link.
func (d *Directory) remove(name string) error {
	if err := d.steps.Before("remove"); err != nil {
		return err
	}
	if err := d.dir.RemoveAll(name); err != nil {
		return unavailable(err)
	}
	return nil
}
