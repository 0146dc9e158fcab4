package schemas

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed contracts
var builtinContracts embed.FS

const (
	// schemaSuffix ends the name of every schema file; what is before it is the
	// role of the schema.
	schemaSuffix = ".schema.json"
	// describedBy is the optional file that names a contract set.
	describedBy = "contract-set.yaml"

	builtinName    = "orgo-knowledge"
	builtinVersion = "1.0.0"
	// snapshotRole is the role of a document that Orgo itself defines. A set that
	// has no schema for it gets Orgo's own.
	snapshotRole = "input-snapshot"

	manifestKind    = "contract_set"
	manifestVersion = "1.0.0"
)

// ContractError says why a contract set is refused.
type ContractError struct {
	Set     string // name@version, as far as known
	Role    string // empty where it is not about one schema
	File    string // of the set, where it is about one
	Problem string
	Cause   error // may be nil
}

// Error names the set, the role and the problem.
func (e *ContractError) Error() string {
	if e.Role == "" {
		return fmt.Sprintf("contract set %q: %s", e.Set, e.Problem)
	}
	return fmt.Sprintf("contract set %q, schema %q: %s", e.Set, e.Role, e.Problem)
}

// Unwrap returns the cause.
func (e *ContractError) Unwrap() error { return e.Cause }

// PositionOf returns where in a contract set the fault lies that an error of this
// package tells of: the name of the file, and the JSON Pointer (RFC 6901) in it.
// Either is empty where it is not known; for the whole file the pointer is too.
func PositionOf(err error) (file, pointer string) {
	var (
		ofSet    *ContractError
		ofSchema *SchemaError
		ofJSON   *JSONError
	)
	switch {
	case errors.As(err, &ofSchema):
		return ofSchema.Schema + schemaSuffix, ofSchema.Pointer
	case errors.As(err, &ofSet):
		file = ofSet.File
	}
	if errors.As(err, &ofJSON) {
		pointer = ofJSON.Pointer
	}
	return file, pointer
}

// exactVersion is a version that means one thing (semver.org, without suffixes).
var exactVersion = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)

// ExactVersion reports whether a version is x.y.z, and so means one thing.
func ExactVersion(version string) bool { return exactVersion.MatchString(version) }

// Digest is the digest of a schema in canonical form.
type Digest struct {
	Alg   string `json:"alg"`   // "sha256"
	Value string `json:"value"` // lowercase hex
}

// Entry is one schema of a contract set.
type Entry struct {
	Role   string `json:"role"`
	File   string `json:"file"`
	Digest Digest `json:"digest"`
	Size   int64  `json:"size"` // of the schema in canonical form, in bytes
}

// ContractSet is a named, versioned set of schemas, by role. Its manifest pins
// each of them by digest.
type ContractSet struct {
	header   header
	entries  []Entry // in the order of roles
	files    map[string][]byte
	manifest []byte
	snapshot *snapshotSchema // nil where the set has its own
}

// header says what a contract set is.
type header struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Source  string `json:"source,omitempty"`
	Commit  string `json:"commit,omitempty"`
}

func (h header) String() string { return h.Name + "@" + h.Version }

func (h header) complete() error {
	if h.Name == "" || h.Version == "" {
		return &ContractError{Set: h.String(), Problem: "has no name or no version; give both"}
	}
	return nil
}

// manifest is the document that pins a contract set.
type manifest struct {
	Kind          string `json:"kind"`
	SchemaVersion string `json:"schema_version"`
	header
	Schemas []Entry `json:"schemas"`
}

// snapshotSchema is Orgo's own schema of input snapshots.
type snapshotSchema struct {
	entry     Entry
	canonical []byte
}

// BuiltinContractSet returns the contract set that Orgo ships.
func BuiltinContractSet() (ContractSet, error) {
	dir, err := fs.Sub(builtinContracts, path.Join("contracts", builtinName, builtinVersion))
	if err != nil {
		return ContractSet{}, err
	}
	return LoadContractSet(dir, builtinName, builtinVersion)
}

// LoadContractSet reads a set from a directory of *.schema.json files. A file
// contract-set.yaml {name, version, source, commit} in it has precedence over
// the name and version given. The schemas are not compiled: Validators does it.
func LoadContractSet(fsys fs.FS, name, version string) (ContractSet, error) {
	described := header{Name: name, Version: version}
	if err := readHeader(fsys, &described); err != nil {
		return ContractSet{}, err
	}
	paths, err := fs.Glob(fsys, "*"+schemaSuffix)
	if err != nil {
		return ContractSet{}, &ContractError{Set: described.String(), Problem: "cannot be listed: " + err.Error(), Cause: err}
	}
	set := ContractSet{header: described, files: make(map[string][]byte, len(paths))}
	for _, file := range paths {
		role := strings.TrimSuffix(file, schemaSuffix)
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return ContractSet{}, &ContractError{Set: described.String(), Role: role, File: file, Problem: "cannot be read: " + err.Error(), Cause: err}
		}
		canonical, err := CanonicalizeJSON(data)
		if err != nil {
			return ContractSet{}, &ContractError{Set: described.String(), Role: role, File: file, Problem: "has no canonical form: " + err.Error(), Cause: err}
		}
		set.entries = append(set.entries, entryOf(role, canonical))
		set.files[role] = canonical
	}
	return set.complete()
}

func readHeader(fsys fs.FS, into *header) error {
	data, err := fs.ReadFile(fsys, describedBy)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		data, err = DecodeYAML(data)
	}
	if err == nil {
		err = decodeStrictly(data, into)
	}
	if err != nil {
		return &ContractError{Set: into.String(), File: describedBy, Problem: describedBy + " cannot be read: " + err.Error(), Cause: err}
	}
	return nil
}

func entryOf(role string, canonical []byte) Entry {
	sum := sha256.Sum256(canonical)
	return Entry{
		Role: role, File: role + schemaSuffix,
		Digest: Digest{Alg: "sha256", Value: hex.EncodeToString(sum[:])}, Size: int64(len(canonical)),
	}
}

// complete sorts the entries and writes the manifest.
func (s ContractSet) complete() (ContractSet, error) {
	if err := s.header.complete(); err != nil {
		return ContractSet{}, err
	}
	if len(s.entries) == 0 {
		return ContractSet{}, &ContractError{Set: s.header.String(), Problem: "has no *" + schemaSuffix + " file"}
	}
	slices.SortFunc(s.entries, func(a, b Entry) int { return strings.Compare(a.Role, b.Role) })
	var err error
	s.manifest, err = Canonical(manifest{
		Kind: manifestKind, SchemaVersion: manifestVersion, header: s.header, Schemas: s.entries,
	})
	if err != nil {
		return ContractSet{}, err
	}
	if s.files[snapshotRole] == nil {
		if s.snapshot, err = ownSnapshotSchema(); err != nil {
			return ContractSet{}, err
		}
	}
	return s, nil
}

func ownSnapshotSchema() (*snapshotSchema, error) {
	file := path.Join("contracts", builtinName, builtinVersion, snapshotRole+schemaSuffix)
	data, err := builtinContracts.ReadFile(file)
	if err != nil {
		return nil, err
	}
	canonical, err := CanonicalizeJSON(data)
	if err != nil {
		return nil, err
	}
	return &snapshotSchema{entry: entryOf(snapshotRole, canonical), canonical: canonical}, nil
}

// OpenContractSet opens a set by its manifest. open returns the canonical bytes
// of a schema, given its digest in hex and its size in bytes; their digest and
// size are verified here, whatever open did. A manifest that says more, less or
// other than Manifest writes is refused.
func OpenContractSet(data []byte, open func(digestHex string, size int64) ([]byte, error)) (ContractSet, error) {
	var told manifest
	if err := decodeStrictly(data, &told); err != nil {
		return ContractSet{}, &ContractError{Problem: "the manifest cannot be read: " + err.Error(), Cause: err}
	}
	set := ContractSet{header: told.header, files: make(map[string][]byte, len(told.Schemas))}
	for _, entry := range told.Schemas {
		if sum, err := hex.DecodeString(entry.Digest.Value); err != nil || len(sum) != sha256.Size {
			return ContractSet{}, &ContractError{Set: told.String(), Role: entry.Role, Problem: "its digest is not a sha256 in hex"}
		}
		canonical, err := open(entry.Digest.Value, entry.Size)
		if err != nil {
			return ContractSet{}, &ContractError{Set: told.String(), Role: entry.Role, Problem: "cannot be opened: " + err.Error(), Cause: err}
		}
		if actual := entryOf(entry.Role, canonical); actual != entry {
			return ContractSet{}, &ContractError{Set: told.String(), Role: entry.Role, Problem: fmt.Sprintf(
				"is not what the manifest pins: %s %s of %d bytes, found %s of %d bytes",
				entry.Digest.Alg, entry.Digest.Value, entry.Size, actual.Digest.Value, actual.Size)}
		}
		set.entries = append(set.entries, entry)
		set.files[entry.Role] = canonical
	}
	set, err := set.complete()
	if err != nil {
		return ContractSet{}, err
	}
	// Roles twice, another order or kind, and text that is not canonical all end here.
	if !bytes.Equal(set.manifest, data) {
		return ContractSet{}, &ContractError{Set: told.String(), Problem: "the manifest is not the canonical manifest of its schemas"}
	}
	return set, nil
}

// decodeStrictly reads one JSON document into a struct, and refuses keys that it
// does not have.
func decodeStrictly(data []byte, into any) error {
	canonical, err := CanonicalizeJSON(data)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(canonical))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// Name returns the name of the set.
func (s ContractSet) Name() string { return s.header.Name }

// Version returns the version of the set.
func (s ContractSet) Version() string { return s.header.Version }

// Source returns where the set comes from, if its author says so.
func (s ContractSet) Source() string { return s.header.Source }

// Commit returns the commit of the source, if its author says so.
func (s ContractSet) Commit() string { return s.header.Commit }

// Entries returns the schemas that the manifest pins, in the order of roles.
func (s ContractSet) Entries() []Entry { return slices.Clone(s.entries) }

// Manifest returns the canonical JSON document that pins the set.
func (s ContractSet) Manifest() []byte { return bytes.Clone(s.manifest) }

// Files returns the canonical bytes of each schema, in the order of roles.
func (s ContractSet) Files() [][]byte {
	files := make([][]byte, len(s.entries))
	for i, entry := range s.entries {
		files[i] = bytes.Clone(s.files[entry.Role])
	}
	return files
}

// Entry returns what is known of the schema of a role. For input snapshots that
// may be Orgo's own schema, which the manifest then does not list.
func (s ContractSet) Entry(role string) (Entry, bool) {
	for _, entry := range s.entries {
		if entry.Role == role {
			return entry, true
		}
	}
	if s.snapshot != nil && role == snapshotRole {
		return s.snapshot.entry, true
	}
	return Entry{}, false
}

// Validators compiles the set. The names are the roles. Errors are a
// *SchemaError.
func (s ContractSet) Validators() (*Validators, error) {
	set := make(map[string][]byte, len(s.files)+1)
	for role, canonical := range s.files {
		set[role] = canonical
	}
	if s.snapshot == nil {
		return Compile(set)
	}
	// Orgo's own schema is compiled apart, so that no schema of the set can refer
	// to it, or clash with its $id.
	compiled, err := Compile(set)
	if err != nil {
		return nil, err
	}
	own, err := Compile(map[string][]byte{snapshotRole: s.snapshot.canonical})
	if err != nil {
		return nil, err
	}
	compiled.byName[snapshotRole] = own.byName[snapshotRole]
	return compiled, nil
}
