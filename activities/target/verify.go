package target

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
)

// Verify hashes a pack on the target. It takes no lock: beside a publisher that
// distributes the same pack anew it may see it missing, but never whole when it is not.
func (d *Directory) Verify(ctx context.Context, pack index.Pack) ([]Drift, error) {
	if err := pack.Check(); err != nil {
		return nil, refused(err)
	}
	return d.inspect(ctx, pack)
}

// inspect hashes a pack on the target. Every file must be there with its content,
// and nothing else may be.
func (d *Directory) inspect(ctx context.Context, pack index.Pack) ([]Drift, error) {
	name, err := packOf(pack)
	if err != nil {
		return nil, err
	}
	missing := content(pack)
	var drift []Drift
	// A link in its place would lead to what somebody else can change.
	if info, err := d.dir.Lstat(name); err == nil && !info.IsDir() {
		return []Drift{{gates.TargetPackChanged, name}}, nil
	}
	err = fs.WalkDir(d.dir.FS(), name, func(p string, entry fs.DirEntry, err error) error {
		if err := ended(ctx); err != nil {
			return err
		}
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return nil
		}
		file := strings.TrimPrefix(p, name+"/")
		ref, known := missing[file]
		delete(missing, file)
		same := false
		if known && entry.Type().IsRegular() {
			if same, err = d.holds(p, ref); err != nil {
				return err
			}
		}
		if !same {
			drift = append(drift, Drift{gates.TargetPackChanged, p})
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, unavailable(err)
	}
	for file := range missing {
		drift = append(drift, Drift{gates.TargetPackMissing, path.Join(name, file)})
	}
	slices.SortFunc(drift, byPath)
	return drift, nil
}

// holds reports whether a file has the content of ref.
func (d *Directory) holds(name string, ref records.Ref) (bool, error) {
	file, err := d.dir.Open(name)
	if err != nil {
		return false, err
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return false, err
	}
	return size == ref.Size && hex.EncodeToString(hash.Sum(nil)) == ref.Value, nil
}
