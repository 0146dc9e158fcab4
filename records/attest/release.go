package attest

import (
	"fmt"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// PredicateRelease says what became of a release; see Release.
const PredicateRelease = "https://github.com/initkoa/orgo/predicates/release/v1"

// ReleaseSubject is the name of the Release Record among the subjects. Its digest is
// the record's hash, over its canonical form without the hash itself.
const ReleaseSubject = "release_record"

// Release is the predicate of PredicateRelease: what went where, by which policy and
// decisions, and how it stood when it was signed. It names no person.
type Release struct {
	ReleaseID    string                    `json:"release_id"`
	Version      int64                     `json:"record_version"`
	Channel      records.ChannelName       `json:"channel"`
	Phase        string                    `json:"phase"`
	Status       string                    `json:"status"`
	Code         string                    `json:"reason_code,omitempty"`
	Solo         bool                      `json:"solo,omitempty"`
	BreakGlass   bool                      `json:"break_glass,omitempty"`
	Intent       *release.Intent           `json:"intent,omitempty"`
	IntentDigest *records.Digest           `json:"intent_digest,omitempty"`
	Decisions    []release.DecisionSummary `json:"decisions"`
}

// OfRelease returns what is attested of a release that closed well or ended.
func OfRelease(record release.Record) (Statement, error) {
	predicate := Release{
		ReleaseID: record.ReleaseID, Version: record.Version, Channel: record.Request.Channel, Phase: record.Phase, Status: record.Status,
		Code: record.Code, Solo: record.Solo, BreakGlass: record.BreakGlass != nil && record.BreakGlass.Used,
		Intent: record.Intent, IntentDigest: record.IntentDigest, Decisions: append([]release.DecisionSummary{}, record.Decisions...),
	}
	canonical, err := records.Canonical(predicate)
	if err != nil {
		return Statement{}, fmt.Errorf("predicate %s of release %s: %w", PredicateRelease, record.ReleaseID, err)
	}
	subjects := []Resource{{Name: ReleaseSubject, Digest: map[string]string{record.Hash.Alg: record.Hash.Value}, MediaType: records.MediaJSON}}
	if record.Pack != nil {
		subjects = append(subjects, resource("runtime_pack_manifest", record.Pack.Manifest), resource("exchange_manifest", record.Pack.Exchange))
		for _, file := range record.Pack.Files {
			subjects = append(subjects, resource("runtime_pack/"+file.Ref.Digest.Value, file.Ref))
		}
	}
	return Statement{Type: StatementType, Subject: subjects, PredicateType: PredicateRelease, Predicate: canonical}, nil
}
