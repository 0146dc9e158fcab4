package compile

import (
	"github.com/initkoa/orgo/records"
)

// The names under which the schemas know canonical JSON.
const (
	exchangeProfile        = "kristal.v3:jcs-rfc8785"
	exchangeProfileVersion = "1"
	packProfile            = "jcs-rfc8785@1"
)

const (
	compilerName           = "orgo-compile"
	exchangeManifestSchema = "3.0"
	packManifestVersion    = "3.0.0"
)

// exchangeManifest is an Exchange Manifest.
type exchangeManifest struct {
	SchemaVersion           string             `json:"schema_version"`
	CreatedAt               string             `json:"created_at"`
	KristalID               string             `json:"kristal_id"`
	CanonicalizationProfile string             `json:"canonicalization_profile"`
	CanonicalizationVersion string             `json:"canonicalization_version"`
	ContentHash             contentHash        `json:"content_hash"`
	Build                   exchangeBuild      `json:"build"`
	Inputs                  exchangeInputs     `json:"inputs"`
	Extensions              exchangeExtensions `json:"extensions"`
}

type contentHash struct {
	Algo  string `json:"algo"`
	Value string `json:"value"`
}

type exchangeBuild struct {
	BuildID         string `json:"build_id"`
	CompilerName    string `json:"compiler_name"`
	CompilerVersion string `json:"compiler_version"`
	ConfigHash      string `json:"config_hash"`
}

type exchangeInputs struct {
	SnapshotID  string   `json:"source_snapshot_id"`
	RecipeID    string   `json:"recipe_id"`
	ResolvedIDs []string `json:"resolved_claim_ir_ids"`
}

type exchangeExtensions struct {
	ValidationReport records.Digest `json:"validation_report"`
}

// packManifest is a Runtime Pack Manifest. Its id is the digest of the manifest
// without it.
type packManifest struct {
	ManifestVersion string       `json:"manifest_version"`
	RuntimePackID   string       `json:"runtime_pack_id,omitempty"`
	CreatedAt       string       `json:"created_at"`
	ExchangeRef     exchangeRef  `json:"exchange_ref"`
	Compiler        compiler     `json:"compiler"`
	Build           packBuild    `json:"build"`
	Policies        packPolicies `json:"policies"`
	Files           []listedFile `json:"files"`
}

type exchangeRef struct {
	ExchangeID   string `json:"exchange_id"`
	ManifestHash string `json:"exchange_manifest_hash"`
}

type compiler struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type packBuild struct {
	BuildID                 string `json:"build_id"`
	Deterministic           bool   `json:"deterministic"`
	CanonicalizationProfile string `json:"canonicalization_profile"`
	ConfigHash              string `json:"config_hash"`
}

type packPolicies struct {
	DataOrdering     policy       `json:"data_ordering"`
	RowGrouping      policy       `json:"row_grouping"`
	MembershipFilter filterPolicy `json:"membership_filter"`
	Bitmap           bitmapPolicy `json:"bitmap"`
}

type policy struct {
	Policy string `json:"policy"`
	Notes  string `json:"notes"`
}

type filterPolicy struct {
	Kind string `json:"kind"`
}

type bitmapPolicy struct {
	Format string `json:"format"`
	Notes  string `json:"notes"`
}

type listedFile struct {
	Path      string `json:"path"`
	Role      string `json:"role"`
	SHA256    string `json:"sha256"`
	SizeBytes int64  `json:"size_bytes"`
	MIMEType  string `json:"mime_type"`
}

// policies returns the choices that shape the files; they are not configurable.
func policies() packPolicies {
	return packPolicies{
		DataOrdering: policy{"qid_pid_statement_id_asc",
			"ids ascend by number; entities and properties without an id of their own follow, by hash"},
		RowGrouping:      policy{"fixed_rows_100k", "each file is JSON Lines with up to 100000 rows"},
		MembershipFilter: filterPolicy{"none"},
		Bitmap:           bitmapPolicy{"roaring", "the pack has no bitmap index"},
	}
}

// facts is what the manifests say about one compilation.
type facts struct {
	sources    sources
	recipe     records.Digest
	createdAt  string
	configHash string
	exchange   records.Digest
}

func (f facts) buildID() string { return "recipe:" + f.recipe.Value }

func (f facts) exchangeManifest() exchangeManifest {
	return exchangeManifest{
		SchemaVersion:           exchangeManifestSchema,
		CreatedAt:               f.createdAt,
		KristalID:               f.exchange.Value,
		CanonicalizationProfile: exchangeProfile,
		CanonicalizationVersion: exchangeProfileVersion,
		ContentHash:             contentHash{f.exchange.Alg, f.exchange.Value},
		Build:                   exchangeBuild{f.buildID(), compilerName, Version, f.configHash},
		Inputs:                  exchangeInputs{f.sources.snapshot.Digest.String(), f.buildID(), []string{f.sources.resolved.Digest.String()}},
		Extensions:              exchangeExtensions{f.sources.report.Digest},
	}
}

// packManifest returns the manifest of the given files, with its id.
func (f facts) packManifest(manifest records.Digest, files []packFile) (packManifest, error) {
	m := packManifest{
		ManifestVersion: packManifestVersion,
		CreatedAt:       f.createdAt,
		ExchangeRef:     exchangeRef{f.exchange.Value, manifest.Value},
		Compiler:        compiler{compilerName, Version},
		Build:           packBuild{f.buildID(), true, packProfile, f.configHash},
		Policies:        policies(),
	}
	for _, file := range files {
		m.Files = append(m.Files, listedFile{file.Path, file.role, file.ref.Value, file.ref.Size, file.ref.MediaType})
	}
	id, err := records.CanonicalDigest(m)
	m.RuntimePackID = id.Value
	return m, err
}
