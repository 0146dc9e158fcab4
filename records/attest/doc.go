// Package attest signs what Orgo decided and made, in forms that tools which know
// nothing of Orgo verify: an in-toto Statement v1, in a DSSE v1 envelope, in a
// Sigstore bundle v0.3, signed with ECDSA P-256 and SHA-256.
//
// It is pure: it holds no clock and no file, and the same statement under the same
// key is always the same bundle.
package attest
