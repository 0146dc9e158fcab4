package extract

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// AttachExclusions is the name of the attachment that lists what was left out.
const AttachExclusions = "exclusions"

// ExclusionsVersion is the version of the form of that attachment.
const ExclusionsVersion = "1.0.0"

// maxListed bounds how many records of one file are listed; all are counted.
const maxListed = 100

// leftOut is everything in the snapshot that made no claims, and why.
type leftOut struct {
	Kind          string           `json:"kind"` // AttachExclusions
	SchemaVersion string           `json:"schema_version"`
	Files         []excludedFile   `json:"files"`
	Records       []excludedRecord `json:"records"`
	Unused        []string         `json:"unused_mappings"`
	Counts        map[string]int64 `json:"counts"`
}

func newLeftOut() leftOut {
	return leftOut{
		Kind: AttachExclusions, SchemaVersion: ExclusionsVersion,
		Files: []excludedFile{}, Records: []excludedRecord{}, Unused: []string{},
	}
}

// excludedFile is a file that was left out whole.
type excludedFile struct {
	report
	Code      string `json:"code"` // UNSUPPORTED_MEDIA_TYPE or a reason code
	MediaType string `json:"media_type"`
}

// excludedRecord is a record that was left out.
type excludedRecord struct {
	Path   string `json:"path"`
	Place  string `json:"place"` // fragment, as in evidence
	Reason string `json:"reason"`
}

// codeUnsupported stands for files of a media type that nothing here reads. It
// is no failure, and so no reason code.
const codeUnsupported = "UNSUPPORTED_MEDIA_TYPE"

func (l *leftOut) unsupported(f records.SnapshotFile) {
	l.Files = append(l.Files, excludedFile{
		report: report{Path: f.Path, Error: "no reader for this media type"},
		Code:   codeUnsupported, MediaType: f.MediaType,
	})
}

func (l *leftOut) unparsable(f records.SnapshotFile, bad *problem) {
	l.Files = append(l.Files, excludedFile{
		report: report{Path: f.Path, position: bad.at, Error: bad.cause.Error()},
		Code:   string(bad.code), MediaType: f.MediaType,
	})
}

// result is the stage's result, with the attachment if anything was left out.
func (x *extraction) result(ctx context.Context, claims records.Ref) (runner.Result, error) {
	var unparsable int64
	for _, f := range x.left.Files {
		if f.Code == string(gates.InputUnparsable) {
			unparsable++
		}
	}
	metrics := map[string]int64{
		"files":                  x.tally.files,
		"documents":              x.tally.documents,
		"claims":                 x.tally.claims,
		"files_unsupported":      int64(len(x.left.Files)) - unparsable,
		"files_unparsable":       unparsable,
		"records_left_out":       x.tally.leftOut,
		"values_outside_records": x.tally.envelopes,
		"statements_outranked":   x.tally.ranked,
	}
	result := runner.Result{
		Outputs: []records.Artifact{{Name: records.OutClaims, Ref: claims}},
		Metrics: metrics,
	}
	for _, m := range x.settings.mappings {
		if !m.used {
			x.left.Unused = append(x.left.Unused, m.Files)
		}
	}
	if result.Notes = x.notes(unparsable); result.Notes == "" {
		return result, nil
	}
	x.left.Counts = metrics
	canonical, err := records.Canonical(x.left)
	if err != nil {
		return runner.Result{}, runner.Fail(gates.InputTooLarge, err, "the list of what was left out of %d files has no canonical form", len(x.left.Files))
	}
	ref, err := x.store.Put(ctx, records.MediaJSON, bytes.NewReader(canonical))
	if err != nil {
		return runner.Result{}, fmt.Errorf("store the exclusions: %w", err)
	}
	result.Attachments = []records.Artifact{{Name: AttachExclusions, Ref: ref}}
	return result, nil
}

// notes says in a sentence what was left out; it is empty if nothing was.
func (x *extraction) notes(unparsable int64) string {
	var parts []string
	for _, part := range []struct {
		count int64
		what  string
	}{
		{unparsable, "files do not parse"},
		{int64(len(x.left.Files)) - unparsable, "files are of no supported media type"},
		{x.tally.leftOut, "records are about nothing that can be named"},
		{x.tally.envelopes, "values stand outside of every record"},
		{x.tally.ranked, "statements are outranked"},
		{int64(len(x.left.Unused)), "mappings match no file"},
	} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.what))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "left out: " + strings.Join(parts, ", ")
}
