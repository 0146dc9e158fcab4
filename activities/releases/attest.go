package releases

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/release"
)

// AttestInput names a release whose newest record is to be signed.
type AttestInput struct {
	Organization string `json:"organization"`
	ReleaseID    string `json:"release_id"`
}

// Attest signs what is said of a release, and records that. Without a key nothing is
// signed; a version is signed once.
func (a *Activities) Attest(ctx context.Context, in AttestInput) error {
	_, err := reported(ctx, struct{}{}, a.attest(ctx, in))
	return err
}

func (a *Activities) attest(ctx context.Context, in AttestInput) error {
	if a.signer == nil {
		return nil
	}
	subject := records.ReleaseSubject(in.ReleaseID)
	loaded, err := load(ctx, a.store, in.Organization, subject)
	if err != nil || !loaded.Found {
		return err
	}
	var record release.Record
	if err := json.Unmarshal(loaded.Body, &record); err != nil {
		return runner.Fail(gates.EvidenceMissing, err, "the record of release %s does not decode", in.ReleaseID)
	}
	if err := record.VerifyHash(); err != nil {
		return runner.Fail(gates.LedgerTampered, err, "the record of release %s is not what its hash says", in.ReleaseID)
	}
	statement, err := attest.OfRelease(record)
	if err != nil {
		return err
	}
	// The time and the bundle follow from the record, so that signing it again is the
	// same fact; only the signature differs, and the first counts.
	bundle, err := a.signer.Sign(statement)
	if err != nil {
		return err
	}
	ref, err := a.artifacts.PutBytes(ctx, attest.MediaBundle, bundle)
	if err != nil {
		return err
	}
	entry, err := records.NewEntry(records.Entry{
		Organization: in.Organization, Kind: records.KindRecord, Type: records.TypeRecordAttested, Subject: subject,
		At: record.UpdatedAt, Actor: records.SystemActor,
		Correlation: records.Correlation{ReleaseID: in.ReleaseID, BuildID: record.Request.BuildID, Channel: record.Request.Channel.String()},
	}, fmt.Sprintf("v%d", record.Version), records.RecordAttested{
		KeyID: a.signer.Key().ID(), Attestations: []records.Attestation{{PredicateType: statement.PredicateType, Bundle: ref}},
	})
	if err != nil {
		return err
	}
	_, err = a.append(ctx, entry)
	return err
}
