package index

import (
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
)

// PackOf returns the pack that a build made, by its record, and whether it made one.
func PackOf(record records.BuildRecord, version string) (Pack, bool) {
	made := record.Outputs
	if made.RuntimePack == nil || made.ExchangeMeta == nil {
		return Pack{}, false
	}
	pack := Pack{
		BuildID: record.BuildID, Version: version, BuiltAt: record.EndedAt,
		Manifest: *made.RuntimePack, Exchange: *made.ExchangeMeta, Files: slices.Clone(made.PackFiles),
	}
	slices.SortFunc(pack.Files, func(a, b records.Artifact) int { return strings.Compare(a.Path, b.Path) })
	return pack, true
}
