package attest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/initkoa/orgo/records"
)

// Media types.
const (
	// MediaBundle is that of a Sigstore bundle v0.3.
	MediaBundle = "application/vnd.dev.sigstore.bundle.v0.3+json"
	// MediaStatement is that of an in-toto statement, the payload of the envelope.
	MediaStatement = "application/vnd.in-toto+json"
)

// bundle is a Sigstore bundle v0.3 that is verified with a key which the verifier
// has. It holds no transparency log entry: the ledger is where Orgo's are.
type bundle struct {
	MediaType    string   `json:"mediaType"`
	Verification material `json:"verificationMaterial"`
	Envelope     envelope `json:"dsseEnvelope"`
}

type material struct {
	PublicKey struct {
		Hint string `json:"hint"`
	} `json:"publicKey"`
}

// envelope is a DSSE envelope v1.
type envelope struct {
	Payload     string      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// preAuthentication is what DSSE v1 signs (PAE).
func preAuthentication(payloadType string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload)), payload...)
}

// Sign returns a bundle with a statement, in canonical JSON. A key in memory signs
// deterministically (RFC 6979), so that signing again yields the same bundle.
func (s *Signer) Sign(statement Statement) ([]byte, error) {
	payload, err := records.Canonical(statement)
	if err != nil {
		return nil, fmt.Errorf("statement %s: %w", statement.PredicateType, err)
	}
	sig, err := s.sign(preAuthentication(MediaStatement, payload))
	if err != nil {
		return nil, fmt.Errorf("sign statement %s: %w", statement.PredicateType, err)
	}
	return wrap(payload, s.key.id, sig)
}

func wrap(payload []byte, keyID string, sig []byte) ([]byte, error) {
	b := bundle{MediaType: MediaBundle, Envelope: envelope{
		Payload: base64.StdEncoding.EncodeToString(payload), PayloadType: MediaStatement,
		Signatures: []signature{{KeyID: keyID, Sig: base64.StdEncoding.EncodeToString(sig)}},
	}}
	b.Verification.PublicKey.Hint = keyID
	return records.Canonical(b)
}

// BadBundle says why a bundle is not accepted.
type BadBundle struct{ Err error }

// Error says why.
func (e *BadBundle) Error() string { return fmt.Sprintf("attestation: %v", e.Err) }

// Unwrap returns the cause.
func (e *BadBundle) Unwrap() error { return e.Err }

// Verify returns the statement in a bundle that one of the keys signed, and which
// key that was. It accepts exactly the bytes that Sign makes: another spelling of
// the same bundle is refused as *BadBundle, so that no byte of it can be changed.
func Verify(text []byte, keys map[string]Key) (Statement, Key, error) {
	statement, key, err := verify(text, keys)
	if err != nil {
		return Statement{}, Key{}, &BadBundle{err}
	}
	return statement, key, nil
}

func verify(text []byte, keys map[string]Key) (Statement, Key, error) {
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return Statement{}, Key{}, err
	}
	if len(b.Envelope.Signatures) != 1 {
		return Statement{}, Key{}, fmt.Errorf("it has %d signatures and must have one", len(b.Envelope.Signatures))
	}
	payload, err := base64.StdEncoding.DecodeString(b.Envelope.Payload)
	if err != nil {
		return Statement{}, Key{}, fmt.Errorf("payload: %w", err)
	}
	sig, err := base64.StdEncoding.DecodeString(b.Envelope.Signatures[0].Sig)
	if err != nil {
		return Statement{}, Key{}, fmt.Errorf("signature: %w", err)
	}
	id := b.Envelope.Signatures[0].KeyID
	again, err := wrap(payload, id, sig)
	if err != nil {
		return Statement{}, Key{}, err
	}
	if !bytes.Equal(again, text) {
		return Statement{}, Key{}, errors.New("it is not in the form that Orgo writes")
	}
	key, known := keys[id]
	if !known {
		return Statement{}, Key{}, fmt.Errorf("its key %q is none of those that may sign", id)
	}
	digest := sha256.Sum256(preAuthentication(MediaStatement, payload))
	if !ecdsa.VerifyASN1(key.public, digest[:], sig) {
		return Statement{}, Key{}, fmt.Errorf("its signature is not one of key %s", id)
	}
	var statement Statement
	if err := json.Unmarshal(payload, &statement); err != nil {
		return Statement{}, Key{}, fmt.Errorf("statement: %w", err)
	}
	if statement.Type != StatementType {
		return Statement{}, Key{}, fmt.Errorf("%q is not an in-toto statement", statement.Type)
	}
	return statement, key, nil
}
