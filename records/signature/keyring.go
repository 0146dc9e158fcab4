package signature

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/schemas"
)

// Keyring is the public keys that are trusted, by their names. The zero Keyring
// trusts nobody. It may be used by several goroutines at once.
type Keyring struct {
	keys    map[string]trusted
	require bool
}

type trusted struct {
	algorithm Algorithm
	public    crypto.PublicKey
}

// Required reports whether documents must bear a signature.
func (k Keyring) Required() bool { return k.require }

// Len returns how many keys are trusted.
func (k Keyring) Len() int { return len(k.keys) }

// keyringFile is the file that a keyring is read from.
type keyringFile struct {
	Require bool `json:"require"`
	Keys    []struct {
		KeyID     string    `json:"key_id"`
		Algorithm Algorithm `json:"alg"`
		PublicKey string    `json:"public_key"` // PEM, a SubjectPublicKeyInfo
	} `json:"keys"`
}

// ParseKeyring reads a keyring, in YAML or JSON: {require, keys: [{key_id, alg,
// public_key}]}. It refuses what it does not know, a key whose alg is another than
// its kind, a name that is there twice, and a file that requires signatures by
// nobody. All that is wrong is joined.
func ParseKeyring(data []byte) (Keyring, error) {
	document, err := schemas.DecodeYAML(data)
	if err != nil {
		return Keyring{}, err
	}
	var file keyringFile
	if err := jsonv2.Unmarshal(document, &file, jsonv2.RejectUnknownMembers(true)); err != nil {
		return Keyring{}, err
	}
	ring := Keyring{keys: map[string]trusted{}, require: file.Require}
	var problems []error
	for i, key := range file.Keys {
		public, err := parsePublic(key.PublicKey, key.Algorithm)
		_, twice := ring.keys[key.KeyID]
		switch {
		case key.KeyID == "":
			problems = append(problems, fmt.Errorf("keys[%d]: has no key_id", i))
		case twice:
			problems = append(problems, fmt.Errorf("keys[%d]: %q is there twice", i, key.KeyID))
		case err != nil:
			problems = append(problems, fmt.Errorf("keys[%d] %q: %w", i, key.KeyID, err))
		default:
			ring.keys[key.KeyID] = trusted{key.Algorithm, public}
		}
	}
	if len(file.Keys) == 0 {
		problems = append(problems, errors.New("has no keys"))
	}
	if err := errors.Join(problems...); err != nil {
		return Keyring{}, err
	}
	return ring, nil
}

// parsePublic reads a public key that is used with a given algorithm.
func parsePublic(text string, algorithm Algorithm) (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return nil, errors.New("public_key is not one PEM block of type PUBLIC KEY")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public_key: %w", err)
	}
	actual, err := algorithmOf(public)
	if err != nil {
		return nil, fmt.Errorf("public_key %w", err)
	}
	if actual != algorithm {
		return nil, fmt.Errorf("alg is %q, the key is one of %s", algorithm, actual)
	}
	return public, nil
}

// ParsePrivate reads a private key in PEM (PKCS #8).
func ParsePrivate(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("not a PEM block of type PRIVATE KEY (PKCS #8)")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	signer, can := private.(crypto.Signer)
	if !can {
		return nil, fmt.Errorf("a %T cannot sign", private)
	}
	if _, err := algorithmOf(signer.Public()); err != nil {
		return nil, fmt.Errorf("the key %w", err)
	}
	return signer, nil
}
