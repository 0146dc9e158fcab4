package activities

import (
	"context"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// manifestLimit and schemaLimit bound the parts of a contract set, in bytes.
const (
	manifestLimit = 1 << 20
	schemaLimit   = 4 << 20
)

// contractSet is a pinned contract set, compiled.
type contractSet struct {
	set        schemas.ContractSet
	validators *schemas.Validators
}

// validator returns the validator of a role and the digest of its schema.
func (c *contractSet) validator(role string) (*schemas.Validator, records.Digest) {
	validator, found := c.validators.Validator(role)
	if !found {
		return nil, records.Digest{}
	}
	entry, found := c.set.Entry(role)
	if !found {
		return nil, records.Digest{}
	}
	return validator, records.Digest{Alg: entry.Digest.Alg, Value: entry.Digest.Value}
}

// complete returns a failure unless the set has a schema for every output that
// must be checked.
func (c *contractSet) complete() error {
	for _, spec := range records.BuildSpine() {
		for _, output := range spec.Outputs {
			if output.Role == "" {
				continue
			}
			if validator, _ := c.validator(output.Role); validator == nil {
				return runner.Fail(gates.ContractsInvalid, nil, "the contract set has no schema %q, which %s must satisfy",
					output.Role, output.Name)
			}
		}
	}
	return nil
}

// contractCache keeps compiled contract sets by digest.
type contractCache struct {
	artifacts *artifacts.Store
	sets      *Cache[records.Digest, *contractSet]
}

// contractCacheSize bounds how many compiled sets are kept.
const contractCacheSize = 16

func newContractCache(store *artifacts.Store) *contractCache {
	return &contractCache{artifacts: store, sets: NewCache[records.Digest, *contractSet](contractCacheSize)}
}

// get returns the contract set whose manifest ref refers to, every schema of it
// verified against its digest.
func (c *contractCache) get(ctx context.Context, ref records.Ref) (*contractSet, error) {
	return c.sets.Get(ref.Digest, func() (*contractSet, error) { return c.load(ctx, ref) })
}

func (c *contractCache) load(ctx context.Context, ref records.Ref) (*contractSet, error) {
	manifest, err := c.artifacts.ReadAll(ctx, ref, manifestLimit)
	if err != nil {
		return nil, err
	}
	set, err := schemas.OpenContractSet(manifest, func(hex string, size int64) ([]byte, error) {
		return c.artifacts.ReadAll(ctx, records.Ref{Digest: records.Digest{Alg: records.SHA256, Value: hex}, Size: size}, schemaLimit)
	})
	if err != nil {
		return nil, runner.Fail(gates.ContractsInvalid, err, "contract set %s cannot be opened", ref.Digest)
	}
	validators, err := set.Validators()
	if err != nil {
		return nil, runner.Fail(gates.ContractsInvalid, err, "contract set %s is refused", ref.Digest)
	}
	return &contractSet{set: set, validators: validators}, nil
}
