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
	"github.com/initkoa/orgo/schemas"
)

// storeContracts stores the contract set that was sent or named: each schema
// under its digest, then the manifest that refers to them.
func (s *server) storeContracts(ctx context.Context, sent json.RawMessage) (records.Ref, error) {
	set, err := chooseContracts(sent)
	if err != nil {
		return records.Ref{}, err
	}
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
		p := newProblem(gates.PinUnknown, fmt.Sprintf("no contract set %q is built in", *choice.Builtin))
		p.Errors = []client.ProblemError{{Location: "body.contracts.builtin", Message: "only " + builtin.Contracts + " is built in"}}
		return schemas.ContractSet{}, p
	}
	return schemas.BuiltinContractSet()
}

// sentContracts reads a contract set from the request. A set that cannot be used
// is refused now: no build could be pinned to it.
func sentContracts(sent json.RawMessage) (schemas.ContractSet, error) {
	var set client.ContractSet
	if err := decodeStrictly(sent, &set); err != nil {
		return schemas.ContractSet{}, invalid("body.contracts", "%v", err)
	}
	// JSON is YAML: the head goes where a directory of schemas has it.
	head, err := json.Marshal(set.ContractHead)
	if err != nil {
		return schemas.ContractSet{}, err
	}
	files := schemaFiles{"contract-set.yaml": head}
	for name, schema := range set.Schemas {
		if !fs.ValidPath(name) || path.Base(name) != name || !strings.HasSuffix(name, ".schema.json") {
			return schemas.ContractSet{}, invalid("body.contracts.schemas", "%q is not a file name that ends in .schema.json", name)
		}
		files[name] = schema
	}
	loaded, err := schemas.LoadContractSet(files, set.Name, set.Version)
	if err != nil {
		p := newProblem(gates.ContractsInvalid, "the contract set is not valid")
		p.Errors = []client.ProblemError{{Location: "body.contracts", Message: err.Error()}}
		return schemas.ContractSet{}, p
	}
	return loaded, nil
}
