package render

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/activities/reference/document"
	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// The files of a pack, as the reference compile stage lays it out.
const (
	statementsTable = "data/statements-"
	entitiesTable   = "dictionary/entities-"
	propertiesTable = "dictionary/properties-"
	shardsPath      = "metadata/shards.json"
)

// pack is a Runtime Pack whose manifests hold together. Files are sorted by path.
type pack struct {
	manifest                         records.Ref
	exchange                         exchangeManifest
	statements, entities, properties []records.Artifact
}

// exchangeManifest is what is said on the page of where the pack comes from.
type exchangeManifest struct {
	KristalID string `json:"kristal_id"`
	Inputs    struct {
		SnapshotID  string   `json:"source_snapshot_id"`
		ResolvedIDs []string `json:"resolved_claim_ir_ids"`
	} `json:"inputs"`
}

// packManifest is what binds the files of a pack and its Exchange to each other.
type packManifest struct {
	ExchangeRef struct {
		ExchangeID   string `json:"exchange_id"`
		ManifestHash string `json:"exchange_manifest_hash"`
	} `json:"exchange_ref"`
	Files []listedFile `json:"files"`
}

type listedFile struct {
	Path      string `json:"path"`
	SHA256    string `json:"sha256"`
	SizeBytes int64  `json:"size_bytes"`
}

// open reads the manifests of a pack, and refuses it unless the files are exactly
// those that the manifest lists.
func (s *Stage) open(ctx context.Context, req runner.Request) (pack, error) {
	var p pack
	exchange, err := stream.Input(req, records.OutExchangeManifest)
	if err != nil {
		return p, err
	}
	if p.manifest, err = stream.Input(req, records.OutRuntimePackManifest); err != nil {
		return p, err
	}
	if err := s.readJSON(ctx, exchange, &p.exchange); err != nil {
		return p, err
	}
	var manifest packManifest
	if err := s.readJSON(ctx, p.manifest, &manifest); err != nil {
		return p, err
	}
	if p.exchange.KristalID == "" || manifest.ExchangeRef.ExchangeID != p.exchange.KristalID || manifest.ExchangeRef.ManifestHash != exchange.Value {
		return p, runner.Fail(gates.ContractViolation, nil, "pack manifest %s is about another exchange than manifest %s", p.manifest.Digest, exchange.Digest)
	}
	files := slices.DeleteFunc(slices.Clone(req.Inputs), func(a records.Artifact) bool { return a.Name != records.OutPackFile })
	slices.SortFunc(files, func(a, b records.Artifact) int { return strings.Compare(a.Path, b.Path) })
	err = manifest.lists(files)
	if err == nil {
		err = p.arrange(files)
	}
	if err != nil {
		return p, runner.Fail(gates.ContractViolation, err, "pack manifest %s", p.manifest.Digest)
	}
	return p, nil
}

// lists returns nil only if files, sorted by path, are exactly those of the manifest.
func (m packManifest) lists(files []records.Artifact) error {
	listed := slices.Clone(m.Files)
	slices.SortFunc(listed, func(a, b listedFile) int { return strings.Compare(a.Path, b.Path) })
	if len(listed) != len(files) {
		return fmt.Errorf("lists %d files, and there are %d", len(listed), len(files))
	}
	for i, file := range files {
		if listed[i].Path != file.Path || listed[i].SHA256 != file.Ref.Value || listed[i].SizeBytes != file.Ref.Size {
			return fmt.Errorf("does not list %q as it is", document.Excerpt(file.Path))
		}
		if i > 0 && files[i-1].Path == file.Path {
			return fmt.Errorf("lists %q twice", document.Excerpt(file.Path))
		}
	}
	return nil
}

// arrange sorts files into tables. One that is of none would not be rendered, so it
// is refused.
func (p *pack) arrange(files []records.Artifact) error {
	for _, file := range files {
		var table *[]records.Artifact
		switch {
		case file.Path == shardsPath:
			continue
		case strings.HasPrefix(file.Path, statementsTable):
			table = &p.statements
		case strings.HasPrefix(file.Path, entitiesTable):
			table = &p.entities
		case strings.HasPrefix(file.Path, propertiesTable):
			table = &p.properties
		}
		if table == nil || !strings.HasSuffix(file.Path, ".jsonl") {
			return fmt.Errorf("has the file %q, which this stage does not know", document.Excerpt(file.Path))
		}
		*table = append(*table, file)
	}
	return nil
}

// maxManifestBytes is the largest manifest that is read.
const maxManifestBytes = 64 << 20

func (s *Stage) readJSON(ctx context.Context, ref records.Ref, into any) error {
	reader, err := s.store.Open(ctx, ref)
	if err != nil {
		return err
	}
	defer reader.Close() //nolint:errcheck // reading only
	text, err := io.ReadAll(io.LimitReader(reader, maxManifestBytes+1))
	if err != nil {
		return err
	}
	if len(text) > maxManifestBytes {
		err = fmt.Errorf("has more than %d bytes", maxManifestBytes)
	} else {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return runner.Fail(gates.ContractViolation, err, "manifest %s", ref.Digest)
	}
	return nil
}
