package validate

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/initkoa/orgo/activities/reference/snapshot"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// digest is a SHA-256 digest in 32 bytes.
type digest [32]byte

// sources is the set of files of a snapshot: sorted digests.
type sources []digest

func readSources(ctx context.Context, store runner.ArtifactStore, ref records.Ref) (sources, error) {
	manifest, err := snapshot.Read(ctx, store, ref)
	if err != nil {
		return nil, err
	}
	found := make(sources, 0, len(manifest.Files))
	for _, file := range manifest.Files {
		found = append(found, rawDigest(file.Digest))
	}
	slices.SortFunc(found, compareDigests)
	return slices.Compact(found), nil
}

// has reports whether a source id, "sha256:<hex>" and perhaps a fragment, is of
// a file of the snapshot.
func (s sources) has(sourceID string) bool {
	name, _, _ := strings.Cut(sourceID, "#")
	parsed, err := records.ParseDigest(name)
	if err != nil {
		return false
	}
	_, found := slices.BinarySearchFunc(s, rawDigest(parsed), compareDigests)
	return found
}

func rawDigest(d records.Digest) digest {
	var raw digest
	hex.Decode(raw[:], []byte(d.Value)) //nolint:errcheck // a valid digest is hex
	return raw
}

func compareDigests(a, b digest) int { return bytes.Compare(a[:], b[:]) }
