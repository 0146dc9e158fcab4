package records

import "time"

// Snapshot is what ingest yields: the exact files a build reads, by digest. It
// holds nothing that depends on where or when they were collected.
type Snapshot struct {
	Kind          string              `json:"kind"` // "input_snapshot"
	SchemaVersion string              `json:"schema_version"`
	Files         []SnapshotFile      `json:"files"`      // sorted by path
	Exclusions    []SnapshotExclusion `json:"exclusions"` // sorted by path
}

// SnapshotKind and SnapshotVersion identify the form of a Snapshot.
const (
	SnapshotKind    = "input_snapshot"
	SnapshotVersion = "1.0.0"
)

// SnapshotFile is one file. Path is slash-separated and relative to the
// snapshot: the input's base name, then the path below it.
type SnapshotFile struct {
	Path      string `json:"path"`
	Digest    Digest `json:"digest"`
	Size      int64  `json:"size"`
	MediaType string `json:"media_type"`
}

// Ref returns the reference to the file's stored content.
func (f SnapshotFile) Ref() Ref {
	return Ref{Digest: f.Digest, MediaType: f.MediaType, Size: f.Size}
}

// SnapshotExclusion is a path that was found and left out, and why.
type SnapshotExclusion struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Provenance says where a snapshot came from. It is an attachment of ingest:
// kept and recorded, but no part of any identity.
type Provenance struct {
	Kind             string           `json:"kind"` // "provenance"
	SchemaVersion    string           `json:"schema_version"`
	Snapshot         Digest           `json:"snapshot"`
	Collector        string           `json:"collector"`
	CollectorVersion string           `json:"collector_version"`
	CollectedAt      time.Time        `json:"collected_at"`
	Sources          []ProvenanceItem `json:"sources"`
}

// ProvenanceItem ties one file of the snapshot to its source.
type ProvenanceItem struct {
	Path   string `json:"path"`
	Source string `json:"source"` // where it was read: a URI
	Digest Digest `json:"digest"`
}
