package target

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/index"
)

// Directory is a target of local files:
//
//	<root>/<organization>/<environment>/<channel>/
//	    current     -> states/<index digest>     the one link that is switched
//	    fence       -> states/<index digest>     set before it
//	    index.json  -> current/index.json
//	    cohorts     -> current/cohorts
//	    packs/<pack digest>/{manifest.json,exchange.json,files/…}
//	    states/<index digest>/{index.json,cohorts/<cohort> -> ../../../packs/<pack digest>}
//
// One rename moves all cohorts and the index together, so there is no moment, and
// no crash, between two of them. It is safe for use by several processes.
type Directory struct {
	channel index.Channel
	dir     *os.Root
	store   runner.ArtifactStore
	steps   Steps
}

var _ Target = (*Directory)(nil)

// Steps is told of each step before it is taken, and stops there by returning an
// error. It exists to crash a publisher between any two steps.
type Steps interface{ Before(step string) error }

// Unwatched lets every step be taken.
type Unwatched struct{}

// Before returns nil.
func (Unwatched) Before(string) error { return nil }

const (
	directoryMode = 0o750
	fileMode      = 0o640

	currentLink = "current"
	fenceLink   = "fence"
	packsDir    = "packs"
	statesDir   = "states"
	cohortsDir  = "cohorts"
	indexFile   = "index.json"
)

// fixedLinks lead through the one that is switched.
func fixedLinks() []fixedLink {
	return []fixedLink{
		{indexFile, path.Join(currentLink, indexFile)},
		{cohortsDir, path.Join(currentLink, cohortsDir)},
	}
}

type fixedLink struct{ name, to string }

// OpenDirectory opens the target of a channel below root, made if it is not there.
// Packs come out of store. The caller closes it.
func OpenDirectory(root string, channel index.Channel, store runner.ArtifactStore, steps Steps) (*Directory, error) {
	if err := channel.Check(); err != nil {
		return nil, refused(err)
	}
	if err := os.MkdirAll(root, directoryMode); err != nil {
		return nil, unavailable(err)
	}
	top, err := os.OpenRoot(root)
	if err != nil {
		return nil, unavailable(err)
	}
	defer top.Close()
	for _, dir := range []string{packsDir, statesDir} {
		if err := top.MkdirAll(path.Join(channel.String(), dir), directoryMode); err != nil {
			return nil, unavailable(err)
		}
	}
	dir, err := top.OpenRoot(channel.String())
	if err != nil {
		return nil, unavailable(err)
	}
	return &Directory{channel, dir, store, steps}, nil
}

// Close releases the directory.
func (d *Directory) Close() error { return d.dir.Close() }

// read returns the index to which a link leads, and its state; nil where there is
// no link. An index that cannot be read is an error: with it the fence would be lost.
func (d *Directory) read(link string) (*index.Index, string, error) {
	to, err := d.dir.Readlink(link)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", d.unreadable(link, err)
	}
	if info, err := d.dir.Lstat(to); err != nil || !info.IsDir() {
		return nil, "", d.unreadable(link, err)
	}
	data, err := d.dir.ReadFile(path.Join(to, indexFile))
	if err != nil {
		return nil, "", d.unreadable(link, err)
	}
	found, err := index.Parse(data)
	if err != nil {
		return nil, "", d.unreadable(link, err)
	}
	state, err := stateOf(found)
	if err != nil {
		return nil, "", err
	}
	if state != to || found.Channel != d.channel {
		return nil, "", d.unreadable(link, fmt.Errorf("it is %s of %s, linked as %s", state, found.Channel, to))
	}
	return &found, state, nil
}

func (d *Directory) unreadable(link string, err error) error {
	return runner.Fail(gates.TargetUnreadable, err, "target %s: the index behind %s", d.channel, link)
}

// stateOf names the state directory of an index.
func stateOf(i index.Index) (string, error) {
	digest, err := i.Digest()
	return path.Join(statesDir, digest.Value), err
}

// packOf names the directory of a pack.
func packOf(p index.Pack) (string, error) {
	digest, err := p.Digest()
	return path.Join(packsDir, digest.Value), err
}

func ended(ctx context.Context) error { return context.Cause(ctx) }
