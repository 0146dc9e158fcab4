package attest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
)

// PEM block types.
const (
	privateBlock = "PRIVATE KEY" // PKCS #8
	publicBlock  = "PUBLIC KEY"  // SubjectPublicKeyInfo
)

// Key is a public key that verifies attestations.
type Key struct {
	public *ecdsa.PublicKey
	der    []byte
	id     string
}

func newKey(public crypto.PublicKey) (Key, error) {
	ec, ok := public.(*ecdsa.PublicKey)
	if !ok || ec.Curve != elliptic.P256() {
		return Key{}, errors.New("is not an ECDSA key on P-256")
	}
	der, err := x509.MarshalPKIXPublicKey(ec)
	if err != nil {
		return Key{}, err
	}
	sum := sha256.Sum256(der)
	return Key{public: ec, der: der, id: hex.EncodeToString(sum[:])}, nil
}

// ID names the key: the SHA-256 of its SubjectPublicKeyInfo, in lower-case hex.
func (k Key) ID() string { return k.id }

// PEM returns the key as a SubjectPublicKeyInfo in PEM.
func (k Key) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: k.der}))
}

// ParseKey reads what PEM writes, and nothing else.
func ParseKey(text string) (Key, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != publicBlock || len(rest) > 0 {
		return Key{}, fmt.Errorf("public key: not one PEM block of type %s", publicBlock)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("public key: %w", err)
	}
	key, err := newKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("public key %w", err)
	}
	return key, nil
}

// Signer signs attestations.
type Signer struct {
	private crypto.Signer
	key     Key
}

// NewSigner returns a signer with a key on P-256, which may lie elsewhere.
func NewSigner(private crypto.Signer) (*Signer, error) {
	key, err := newKey(private.Public())
	if err != nil {
		return nil, fmt.Errorf("signing key %w", err)
	}
	return &Signer{private: private, key: key}, nil
}

// Try signs something that is no statement, and says why the key cannot be used.
func (s *Signer) Try() error {
	_, err := s.sign([]byte("orgo tries its signing key v1\n"))
	return err
}

// sign returns a signature that the public half verifies. A key that lies elsewhere
// may have been replaced there under the same name: what that signs would prove
// nothing, as only this key is announced.
func (s *Signer) sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	sig, err := s.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", s.key.id, err)
	}
	if !ecdsa.VerifyASN1(s.key.public, digest[:], sig) {
		return nil, fmt.Errorf("key %s: its signature is another key's: if it was replaced or rotated where it lies, start the worker again, which announces the new one", s.key.id)
	}
	return sig, nil
}

// Generate makes a private key and returns it in PEM (PKCS #8).
func Generate(random io.Reader) (string, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return "", fmt.Errorf("signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", fmt.Errorf("signing key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: der})), nil
}

// ParseSigner reads a private key in PEM (PKCS #8).
func ParseSigner(text string) (*Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != privateBlock {
		return nil, fmt.Errorf("signing key: not a PEM block of type %s (PKCS #8)", privateBlock)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("signing key: cannot sign")
	}
	return NewSigner(signer)
}

// Key returns the public half.
func (s *Signer) Key() Key { return s.key }
