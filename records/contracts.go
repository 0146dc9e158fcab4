package records

import "github.com/initkoa/orgo/schemas"

// SubjectContracts is the subject kind of what happens to contract sets.
const SubjectContracts = "contracts"

// TypeContractsPinned is the type of the entry that says that a contract set was
// pinned.
const TypeContractsPinned = "orgo.contracts.pinned"

// PinnedContractSets is the one subject of all contract sets that an organization
// has pinned, so that its entries list them.
func PinnedContractSets() Subject { return Subject{Kind: SubjectContracts, ID: "pinned"} }

// ContractsPinned is the body of TypeContractsPinned. The digest of the manifest
// is the identity of the set; its name and version are what its author says.
type ContractsPinned struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Source   string   `json:"source,omitempty"`
	Commit   string   `json:"commit,omitempty"`
	Manifest Ref      `json:"manifest"` // it pins each schema by digest
	Roles    []string `json:"roles"`    // of the schemas, sorted
}

// DescribeContracts returns what is said of a contract set once it is pinned.
func DescribeContracts(set schemas.ContractSet) ContractsPinned {
	manifest := set.Manifest()
	described := ContractsPinned{
		Name: set.Name(), Version: set.Version(), Source: set.Source(), Commit: set.Commit(), Roles: []string{},
		Manifest: Ref{Digest: DigestOf(manifest), MediaType: MediaJSON, Size: int64(len(manifest))},
	}
	for _, entry := range set.Entries() {
		described.Roles = append(described.Roles, entry.Role)
	}
	return described
}
