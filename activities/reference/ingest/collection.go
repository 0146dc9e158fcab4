package ingest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// collection gathers everything that goes into one snapshot: first what there
// is, then its content.
type collection struct {
	store    runner.ArtifactStore
	config   Config
	progress runner.Progress

	roots   []*os.Root
	entries int
	pending []pending
	total   int64 // bytes, as far as known before reading

	reading sync.Mutex
	done    int64 // bytes read, under reading

	files      []records.SnapshotFile
	exclusions []records.SnapshotExclusion
	sources    []records.ProvenanceItem
}

// pending is a file to be read: through its root, or from the store when a
// snapshot holds it already.
type pending struct {
	path   string // in the snapshot
	source string // URI, for the provenance

	root *os.Root
	name string // below root

	stored *records.SnapshotFile
}

func newCollection(store runner.ArtifactStore, config Config, progress runner.Progress) *collection {
	return &collection{store: store, config: config, progress: progress}
}

// close releases the opened inputs. They were only read.
func (c *collection) close() {
	for _, root := range c.roots {
		_ = root.Close()
	}
}

// addPath finds the files of one input.
func (c *collection) addPath(ctx context.Context, at location, allowedRoots []string) error {
	opened, err := at.open(allowedRoots)
	if err != nil {
		return err
	}
	c.roots = append(c.roots, opened.root)
	uri := fileURI("file://", at.path)
	switch {
	case opened.info.IsDir():
		w := &walker{c: c, root: opened.root, base: at.base, uri: uri}
		// The directory itself is the first that links may lead back to.
		self, err := opened.root.Stat(".")
		if err != nil {
			return at.failure(err)
		}
		return w.directory(ctx, ".", []os.FileInfo{self})
	case opened.info.Mode().IsRegular():
		c.find(at.base, opened.root, opened.name, opened.info.Size(), uri)
		return nil
	default:
		return inputFailure(gates.InputUnreadable, at.base, nil, "input %s is neither a file nor a directory but a %s", uri, kindOf(opened.info.Mode()))
	}
}

// count admits one more entry of a directory.
func (c *collection) count(path string) error {
	c.entries++
	if c.entries > c.config.MaxEntries {
		return inputFailure(gates.InputTooLarge, path, nil,
			"more than %d files and directories, the first too many is %s; exclude some or raise max_entries", c.config.MaxEntries, path)
	}
	return nil
}

func (c *collection) find(path string, root *os.Root, name string, size int64, source string) {
	c.total += size
	c.pending = append(c.pending, pending{path: path, root: root, name: name, source: source})
}

func (c *collection) leaveOut(path, reason string) {
	c.exclusions = append(c.exclusions, records.SnapshotExclusion{Path: path, Reason: reason})
}

// manifest returns the snapshot of what was collected.
func (c *collection) manifest() (records.Snapshot, error) {
	if len(c.files) == 0 {
		return records.Snapshot{}, runner.Fail(gates.InputEmpty, nil,
			"the inputs hold no file; %d entries were excluded", len(c.exclusions))
	}
	// Never nil: canonical JSON tells an empty list from none.
	exclusions := append([]records.SnapshotExclusion{}, c.exclusions...)
	slices.SortFunc(exclusions, func(a, b records.SnapshotExclusion) int {
		if order := strings.Compare(a.Path, b.Path); order != 0 {
			return order
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	return records.Snapshot{
		Kind:          records.SnapshotKind,
		SchemaVersion: records.SnapshotVersion,
		Files:         c.files,
		Exclusions:    slices.Compact(exclusions),
	}, nil
}

// provenance returns the provenance of what was collected.
func (c *collection) provenance(manifest records.Digest, collector Collector, at time.Time) records.Provenance {
	return records.Provenance{
		Kind:             AttachProvenance,
		SchemaVersion:    records.SnapshotVersion,
		Snapshot:         manifest,
		Collector:        collector.Name,
		CollectorVersion: collector.Version,
		CollectedAt:      at.UTC().Truncate(time.Microsecond),
		Sources:          c.sources,
	}
}

// complete returns a failure with gates.ProvenanceIncomplete that names the
// first field that p lacks, or nil.
func complete(p records.Provenance) error {
	for _, field := range []struct {
		name  string
		empty bool
	}{
		{"collector", p.Collector == ""},
		{"collector_version", p.CollectorVersion == ""},
		{"collected_at", p.CollectedAt.IsZero()},
		{"snapshot", p.Snapshot.IsZero()},
		{"sources", len(p.Sources) == 0},
	} {
		if field.empty {
			return runner.Fail(gates.ProvenanceIncomplete, nil, "provenance of the inputs lacks %s", field.name)
		}
	}
	for _, source := range p.Sources {
		if source.Source == "" || source.Path == "" || !source.Digest.Valid() {
			return runner.Fail(gates.ProvenanceIncomplete, nil, "provenance of %q lacks its source or digest", source.Path)
		}
	}
	return nil
}

// putCanonical stores v as canonical JSON.
func putCanonical(ctx context.Context, store runner.ArtifactStore, what string, v any) (records.Ref, error) {
	canonical, err := records.Canonical(v)
	if err != nil {
		return records.Ref{}, runner.Fail(gates.InputTooLarge, err, "the %s of so many files has no canonical form; split the input", what)
	}
	ref, err := store.Put(ctx, records.MediaJSON, strings.NewReader(string(canonical)))
	if err != nil {
		return records.Ref{}, fmt.Errorf("store the %s: %w", what, err)
	}
	return ref, nil
}
