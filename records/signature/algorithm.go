package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
)

// Algorithm names how a signature is made.
type Algorithm string

// The algorithms.
const (
	Ed25519   Algorithm = "ed25519"
	ECDSAP256 Algorithm = "ecdsa-p256-sha256"
	RSAPSS    Algorithm = "rsa-pss-sha256"
)

// minRSABits is the size, in bits, of the smallest RSA key that counts.
const minRSABits = 2048

// pssOptions fixes the salt: its length is not the signer's to choose.
func pssOptions() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
}

// algorithmOf returns the one algorithm that a public key is used with.
func algorithmOf(public crypto.PublicKey) (Algorithm, error) {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return Ed25519, nil
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return ECDSAP256, nil
		}
		return "", fmt.Errorf("is an ECDSA key that is not on P-256")
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits {
			return "", fmt.Errorf("is an RSA key of %d bits, must have %d", bits, minRSABits)
		}
		return RSAPSS, nil
	default:
		return "", fmt.Errorf("is a %T, must be Ed25519, ECDSA on P-256, or RSA", public)
	}
}

// verify reports whether signature is the key's over message.
func verify(public crypto.PublicKey, message, signature []byte) bool {
	hash := sha256.Sum256(message)
	switch key := public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, hash[:], signature)
	case *rsa.PublicKey:
		return rsa.VerifyPSS(key, crypto.SHA256, hash[:], signature, pssOptions()) == nil
	default:
		return false
	}
}

func sign(private crypto.Signer, algorithm Algorithm, message []byte) ([]byte, error) {
	hash := sha256.Sum256(message)
	switch algorithm {
	case Ed25519:
		return private.Sign(rand.Reader, message, crypto.Hash(0))
	case RSAPSS:
		return private.Sign(rand.Reader, hash[:], pssOptions())
	default:
		return private.Sign(rand.Reader, hash[:], crypto.SHA256)
	}
}
