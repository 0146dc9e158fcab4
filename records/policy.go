package records

// SubjectPolicy is the subject kind of what happens to a policy bundle; its id is
// PolicyID's.
const SubjectPolicy = "policy"

// TypePolicyRegistered is the type of the entry that says that a bundle may be used
// by its digest.
const TypePolicyRegistered = "orgo.policy.registered"

// PolicyID returns the id of the policy bundle that an organization calls bundleID:
// every version of it has the same.
func PolicyID(organization, bundleID string) string {
	return deriveID("policy", organization, bundleID)
}

// PolicyRegistered is the body of TypePolicyRegistered. It follows from the bundle
// alone, so that one that is registered twice is one entry.
type PolicyRegistered struct {
	BundleID string          `json:"bundle_id"`
	Bundle   Ref             `json:"bundle"` // in canonical form
	Policies []PolicyVersion `json:"policies"`
	Signers  []string        `json:"signers,omitempty"` // the keys that signed it
}

// PolicyVersion is a policy of a bundle.
type PolicyVersion struct {
	PolicyID string `json:"policy_id"`
	Version  string `json:"version"`
}
