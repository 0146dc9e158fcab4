package target

import (
	"context"
	"errors"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// content returns the files of a pack, by their paths below its directory.
func content(p index.Pack) map[string]records.Ref {
	files := map[string]records.Ref{"manifest.json": p.Manifest, "exchange.json": p.Exchange}
	for _, file := range p.Files {
		files[path.Join("files", file.Path)] = file.Ref
	}
	return files
}

// Distribute fetches the packs that are not whole on the target.
func (d *Directory) Distribute(ctx context.Context, packs ...index.Pack) error {
	for _, pack := range packs {
		// Its paths become names of files: nothing is written before they are known
		// to stay below the pack.
		if err := pack.Check(); err != nil {
			return refused(err)
		}
	}
	return d.alone(func() error {
		for _, pack := range packs {
			if err := d.fetch(ctx, pack); err != nil {
				return err
			}
		}
		return nil
	})
}

// fetch makes a pack whole. What is there and is not whole is moved aside only
// once its replacement is complete.
func (d *Directory) fetch(ctx context.Context, pack index.Pack) error {
	drift, err := d.inspect(ctx, pack)
	if err != nil || len(drift) == 0 {
		return err
	}
	name, err := packOf(pack)
	if err != nil {
		return err
	}
	fresh := name + ".tmp"
	if err := d.dir.RemoveAll(fresh); err != nil {
		return unavailable(err)
	}
	files := content(pack)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if err := d.steps.Before("fetch file"); err != nil {
			return err
		}
		if err := d.fetchFile(ctx, path.Join(fresh, file), files[file]); err != nil {
			return err
		}
	}
	if err := d.steps.Before("sync pack"); err != nil {
		return err
	}
	if err := d.syncTree(ctx, fresh); err != nil {
		return unavailable(err)
	}
	if err := d.dir.RemoveAll(name); err != nil {
		return unavailable(err)
	}
	if err := d.steps.Before("name pack"); err != nil {
		return err
	}
	if err := d.dir.Rename(fresh, name); err != nil {
		return unavailable(err)
	}
	if err := d.sync(packsDir); err != nil {
		return unavailable(err)
	}
	return nil
}

// fetchFile copies one artifact; the store's reader verifies it on the way.
func (d *Directory) fetchFile(ctx context.Context, name string, ref records.Ref) (err error) {
	r, err := d.store.Open(ctx, ref)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := d.write(name, io.Reader(r)); err != nil {
		var known *runner.Failure
		if errors.As(err, &known) || ctx.Err() != nil {
			return err
		}
		return unavailable(err)
	}
	return nil
}
