// Package signature signs JSON documents and checks the signatures that they
// bear. It is pure cryptography: it knows no document by name, and reads no file.
//
// A document bears signatures in its top-level member "signatures", a list of
// {key_id, alg, signature, signed_fields?}. Each is over the canonical form (RFC
// 8785) of the document without that member, whole: a signature that leaves
// anything out proves nothing of what it leaves out, and does not count.
//
// The algorithms are a closed table: ed25519 (RFC 8032), ecdsa-p256-sha256 (FIPS
// 186-5, the signature in ASN.1 DER), and rsa-pss-sha256 (RFC 8017 §8.1, with a salt
// of 32 bytes and keys of 2048 bits or more). A signature's alg must be that of the
// key that it names: it never chooses how it is checked.
package signature
