package mandate

import (
	"encoding/json"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/signature"
	"github.com/initkoa/orgo/schemas"
)

// Trust says whose signatures count.
type Trust struct {
	Keys signature.Keyring
	// Unknown says that this is not known here, and that signatures are not looked at:
	// for a check on a desk, where nothing depends on the outcome.
	Unknown bool
}

// Bundle is a bundle that was found good.
type Bundle struct {
	Canonical []byte         // RFC 8785
	Digest    records.Digest // of Canonical
	Policy    gates.Policy
	Rules     gates.Ruleset // the policy, ready
	Signers   []string      // the keys that signed it, in its order
}

// Read reads a bundle as it was sent, in YAML or JSON. Its error is an *Error with
// everything that is wrong. A signature that is there must hold, whether one is
// required or not: a bundle with a bad one was changed by somebody.
func Read(sent []byte, trust Trust) (Bundle, error) {
	p := &problems{places: schemas.NewPlaces(sent), code: gates.PolicyInvalid}
	canonical, err := canonicalOf(sent)
	if err != nil {
		p.addError(err)
		return Bundle{}, p.err()
	}
	bundle := Bundle{Canonical: canonical, Digest: records.DigestOf(canonical)}
	if err := schemas.ValidateMandateBundle(canonical); err != nil {
		p.addError(err)
	}
	if bundle.Policy, err = gates.ParsePolicy(bundle.Digest, canonical); err != nil {
		p.addError(err)
	} else if bundle.Rules, err = bundle.Policy.Compile(); err != nil {
		p.addError(err)
	}
	if !trust.Unknown {
		bundle.Signers = p.signatures(canonical, trust.Keys)
	}
	return bundle, p.err()
}

// canonicalOf returns a YAML or JSON document in canonical form.
func canonicalOf(sent []byte) ([]byte, error) {
	document, err := schemas.DecodeYAML(sent)
	if err != nil {
		return nil, err
	}
	return schemas.CanonicalizeJSON(document)
}

// signatures checks the signatures of a bundle and returns whose they are.
func (p *problems) signatures(canonical []byte, keys signature.Keyring) []string {
	checked, err := keys.Check(canonical)
	if err != nil {
		if len(p.found) > 0 {
			return nil // the document is not even an object, and that was said
		}
		p.add(gates.PolicyUnsigned, "", "its signatures cannot be checked: %v", err)
		return nil
	}
	if keys.Required() && len(checked) == 0 {
		p.add(gates.PolicyUnsigned, "", "the bundle bears no signature, and must bear one of a trusted key")
	}
	var signers []string
	for _, c := range checked {
		if !c.Valid {
			p.add(gates.PolicyUnsigned, c.Pointer, "%s", c.Problem)
			continue
		}
		signers = append(signers, c.KeyID)
	}
	return signers
}

// Policies returns the policies of a bundle that was read, with their versions, as
// they stand in it.
func (b Bundle) Policies() []records.PolicyVersion {
	var document gates.Bundle
	if err := json.Unmarshal(b.Canonical, &document); err != nil {
		return nil // what was read decodes
	}
	versions := make([]records.PolicyVersion, 0, len(document.Policies))
	for _, policy := range document.Policies {
		versions = append(versions, records.PolicyVersion{PolicyID: policy.PolicyID, Version: policy.Version})
	}
	return versions
}
