package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/initkoa/orgo/api/builtin"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/schemas"
)

// storeContracts returns the contract set that a build of an organization was
// asked to be held to: one that it pinned before, or one that is stored now.
func (s *server) storeContracts(ctx context.Context, organization string, sent json.RawMessage) (records.Ref, error) {
	var choice struct {
		Pinned *string `json:"pinned"`
	}
	if isObject(sent) && json.Unmarshal(sent, &choice) == nil && choice.Pinned != nil {
		if err := decodeStrictly(sent, &choice); err != nil {
			return records.Ref{}, invalid("body.contracts", "%v", err)
		}
		return s.pinnedContracts(ctx, organization, *choice.Pinned)
	}
	set, err := chooseContracts(sent)
	if err != nil {
		return records.Ref{}, err
	}
	return s.storeSet(ctx, set)
}

// pinnedContracts returns the set of a digest that an organization has pinned.
func (s *server) pinnedContracts(ctx context.Context, organization, digest string) (records.Ref, error) {
	entries, err := s.reader.Entries(ctx, organization, records.PinnedContractSets(),
		store.EntryQuery{Types: []string{records.TypeContractsPinned}})
	if err != nil {
		return records.Ref{}, err
	}
	for _, stored := range entries {
		pinned, err := pinnedOf(stored)
		if err != nil {
			return records.Ref{}, err
		}
		if pinned.Manifest.Digest.String() == digest {
			return pinned.Manifest, nil
		}
	}
	return records.Ref{}, badContracts(gates.PinUnknown, "body.contracts.pinned",
		fmt.Sprintf("no contract set %s was pinned; orgo contracts list shows those that were", digest))
}

// storeSet stores a contract set: each schema under its digest, then the manifest
// that refers to them.
func (s *server) storeSet(ctx context.Context, set schemas.ContractSet) (records.Ref, error) {
	for _, schema := range set.Files() {
		if _, err := s.artifacts.PutBytes(ctx, records.MediaJSON, schema); err != nil {
			return records.Ref{}, err
		}
	}
	return s.artifacts.PutBytes(ctx, records.MediaJSON, set.Manifest())
}

func chooseContracts(sent json.RawMessage) (schemas.ContractSet, error) {
	var choice struct {
		Builtin *string `json:"builtin"`
	}
	switch {
	case absent(sent):
		return schemas.BuiltinContractSet()
	case !isObject(sent) || json.Unmarshal(sent, &choice) != nil:
		return schemas.ContractSet{}, invalid("body.contracts", "is neither a contract set nor {\"builtin\": \"name@version\"}")
	case choice.Builtin == nil:
		return sentContracts(sent)
	}
	if err := decodeStrictly(sent, &choice); err != nil {
		return schemas.ContractSet{}, invalid("body.contracts", "%v", err)
	}
	if *choice.Builtin != builtin.Contracts {
		return schemas.ContractSet{}, badContracts(gates.PinUnknown, "body.contracts.builtin",
			fmt.Sprintf("no contract set %q is built in; only %s is", *choice.Builtin, builtin.Contracts))
	}
	return schemas.BuiltinContractSet()
}

// sentContracts reads a contract set from a request for a build.
func sentContracts(sent json.RawMessage) (schemas.ContractSet, error) {
	var set client.ContractSet
	if err := decodeStrictly(sent, &set); err != nil {
		return schemas.ContractSet{}, invalid("body.contracts", "%v", err)
	}
	return checkContracts(set, "body.contracts")
}

// checkContracts loads a contract set that was sent at a place. One that cannot be
// used is refused now: no build could be pinned to it.
func checkContracts(set client.ContractSet, at string) (schemas.ContractSet, error) {
	if !schemas.ExactVersion(set.Version) {
		return schemas.ContractSet{}, badContracts(gates.PinFloating, at+".version",
			fmt.Sprintf("%q is not an exact version, x.y.z", set.Version))
	}
	files, err := filesOf(set, at)
	if err != nil {
		return schemas.ContractSet{}, err
	}
	loaded, err := schemas.LoadContractSet(files, set.Name, set.Version)
	if err == nil {
		_, err = loaded.Validators()
	}
	if err != nil {
		return schemas.ContractSet{}, badContracts(gates.ContractsInvalid, placeInSet(at, err), err.Error())
	}
	return loaded, nil
}

// placeInSet returns the place of a fault: the schema, and the JSON Pointer in it
// as a fragment.
func placeInSet(at string, err error) string {
	file, pointer := schemas.PositionOf(err)
	if file == "" {
		return at
	}
	return fmt.Sprintf("%s.schemas[%q]#%s", at, file, pointer)
}

// filesOf returns a set as the directory that contract sets are loaded from.
func filesOf(set client.ContractSet, at string) (schemaFiles, error) {
	// JSON is YAML: the head goes where a directory of schemas has it.
	head, err := json.Marshal(set.ContractHead)
	if err != nil {
		return nil, err
	}
	files := schemaFiles{"contract-set.yaml": head}
	for name, schema := range set.Schemas {
		if !fs.ValidPath(name) || path.Base(name) != name || !strings.HasSuffix(name, ".schema.json") {
			return nil, invalid(at+".schemas", "%q is not a file name that ends in .schema.json", name)
		}
		files[name] = schema
	}
	return files, nil
}

func badContracts(code gates.Code, location, message string) *problem {
	p := newProblem(code, "the contract set cannot be used")
	p.Errors = []client.ProblemError{{Location: location, Message: message}}
	return p
}
