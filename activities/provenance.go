package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"github.com/initkoa/orgo/activities/reference/ingest"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

const (
	// provenanceLimit bounds the size of a provenance document, in bytes.
	provenanceLimit = 256 << 20
	// maxOrigins bounds how many origins evidence tells apart.
	maxOrigins = 1000
)

// readProvenance reads what ingest attached of where its files come from, as
// evidence. None, or one that cannot be read, is no provenance: a gate that asks
// for it refuses.
func (a *Activities) readProvenance(ctx context.Context, finished records.StageFinished) (*gates.Provenance, error) {
	for _, attachment := range finished.Attachments {
		if attachment.Name != ingest.AttachProvenance {
			continue
		}
		data, err := a.artifacts.ReadAll(ctx, attachment.Ref, provenanceLimit)
		var failure *runner.Failure
		if errors.As(err, &failure) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var document records.Provenance
		if json.Unmarshal(data, &document) != nil {
			return nil, nil
		}
		files, err := a.filesOf(ctx, finished)
		return provenanceEvidence(document, attachment.Ref.Digest, files), err
	}
	return nil, nil
}

// filesOf returns how many files the snapshot that ingest yielded has.
func (a *Activities) filesOf(ctx context.Context, finished records.StageFinished) (int64, error) {
	for _, output := range finished.Outputs {
		if output.Name != records.OutSnapshot {
			continue
		}
		data, err := a.artifacts.ReadAll(ctx, output.Ref, provenanceLimit)
		var failure *runner.Failure
		if errors.As(err, &failure) {
			return 0, nil // the integrity gate says why
		}
		if err != nil {
			return 0, err
		}
		var snapshot records.Snapshot
		if err := json.Unmarshal(data, &snapshot); err != nil {
			return 0, fmt.Errorf("snapshot %s: %w", output.Ref.Digest, err)
		}
		return int64(len(snapshot.Files)), nil
	}
	return 0, nil
}

func provenanceEvidence(document records.Provenance, digest records.Digest, files int64) *gates.Provenance {
	evidence := &gates.Provenance{
		Snapshot: document.Snapshot, Document: digest, Files: files,
		Collector: document.Collector, CollectorVersion: document.CollectorVersion, Origins: map[string]int64{},
	}
	seen := map[string]bool{}
	for _, item := range document.Sources {
		if item.Source == "" || seen[item.Path] {
			continue
		}
		seen[item.Path] = true
		origin := folderOf(item.Source)
		if _, known := evidence.Origins[origin]; !known && len(evidence.Origins) == maxOrigins {
			evidence.Truncated = true
			continue
		}
		evidence.Origins[origin]++
	}
	return evidence
}

// folderOf returns the URI of the folder that a file's URI lies in, with a slash
// at its end.
func folderOf(uri string) string {
	folder, _ := path.Split(uri)
	return folder
}
