package release

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// EventVerifyFailed is the type of the event of a verification that failed. A release
// whose record has one is never RELEASED (CONTRACTS §1).
const EventVerifyFailed = "VERIFY_FAILED"

const (
	released      = "RELEASED" // of gates/rollout.Status
	gateIntegrity = "integrity"
	verdictPass   = "PASS"
)

// Sealed returns the record with its hash, and its canonical form. Its error is that of
// a record that must not be written: one that has no canonical form, or is RELEASED after
// its pack did not verify.
func (r Record) Sealed() (Record, schemas.Form, error) {
	if r.Status == released {
		if why := r.unverified(); why != "" {
			return Record{}, nil, fmt.Errorf("record of release %s is %s: %s", r.ReleaseID, released, why)
		}
	}
	if r.Events == nil {
		r.Events = []Event{}
	}
	r.Hash = records.Digest{}
	unsealed, err := records.Canonical(r)
	if err != nil {
		return Record{}, nil, fmt.Errorf("hash of the record of release %s: %w", r.ReleaseID, err)
	}
	r.Hash = records.DigestOf(unsealed)
	form, err := r.sealedForm(unsealed)
	return r, form, err
}

// hashMember is the member of the canonical form that the hash is filled into. A string
// cannot contain it, since its quotes would be escaped.
const hashMember = `"release_record_hash":{"alg":%q,"value":%q}`

// sealedForm puts the hash into the canonical form without it: making the form again
// would cost as much as making it did.
func (r Record) sealedForm(unsealed []byte) (schemas.Form, error) {
	empty := fmt.Appendf(nil, hashMember, "", "")
	before, after, there := bytes.Cut(unsealed, empty)
	if !there || bytes.Contains(after, empty) {
		return records.Canonical(r)
	}
	return slices.Concat(before, fmt.Appendf(nil, hashMember, r.Hash.Alg, r.Hash.Value), after), nil
}

// unverified returns what says that the pack did not verify, or nothing. Of the
// decisions on a stage's integrity the newest counts: one that lacked evidence may
// have been made again.
func (r Record) unverified() string {
	for _, event := range r.Events {
		if event.Type == EventVerifyFailed {
			return fmt.Sprintf("it did not verify at %s", event.At.UTC().Format("2006-01-02T15:04:05Z"))
		}
	}
	for i, decision := range r.Decisions {
		if decision.Gate == gateIntegrity && decision.Verdict != verdictPass && !r.decidedAgain(i) {
			return fmt.Sprintf("the integrity gate refused stage %d", decision.Stage)
		}
	}
	return ""
}

func (r Record) decidedAgain(i int) bool {
	for _, later := range r.Decisions[i+1:] {
		if later.Gate == r.Decisions[i].Gate && later.Stage == r.Decisions[i].Stage {
			return true
		}
	}
	return false
}

// computeHash returns the digest of the record without its hash.
func (r Record) computeHash() (records.Digest, error) {
	r.Hash = records.Digest{}
	return records.CanonicalDigest(r)
}

// VerifyHash returns an error unless the record is what its hash says.
func (r Record) VerifyHash() error {
	actual, err := r.computeHash()
	if err != nil {
		return err
	}
	if actual != r.Hash {
		return fmt.Errorf("record of release %s has hash %s, states %s", r.ReleaseID, actual, r.Hash)
	}
	return nil
}
