package evidence

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/release"
)

// Released is what a bundle proves of a release: how it stood with the last of its
// entries. What came later, or was cut off, it cannot know.
type Released struct {
	ReleaseID  string              `json:"release_id"`
	Channel    records.ChannelName `json:"channel"`
	Version    string              `json:"version"`
	Phase      string              `json:"phase"`
	Code       string              `json:"reason_code,omitempty"`
	At         time.Time           `json:"at"` // of the newest version of its record
	Versions   int64               `json:"record_versions"`
	RecordHash records.Digest      `json:"release_record_hash"` // of the newest
	Decisions  int                 `json:"decisions"`
	Solo       bool                `json:"solo,omitempty"`
	BreakGlass bool                `json:"break_glass,omitempty"` // was used
	Pack       *records.Digest     `json:"pack,omitempty"`
	Attested   []AttestedVersion   `json:"attested"`
}

// AttestedVersion is a version of a Release Record that was signed.
type AttestedVersion struct {
	Version    int64    `json:"record_version"`
	Phase      string   `json:"phase"`
	KeyID      string   `json:"key_id"`
	KeyRetired *Retired `json:"key_retired,omitempty"` // after it signed
}

// life is what a release's own entries say of it.
type life struct {
	versions  []release.Record // 1, 2, …
	attested  []attestation
	decisions map[string]decided // by entry
}

// attestation is an entry that says that a version was signed.
type attestation struct {
	leaf int64
	body records.RecordAttested
}

// decided is what a Release Record repeats of a decision.
type decided struct {
	Gate    string         `json:"gate"`
	Verdict string         `json:"verdict"`
	Inputs  records.Digest `json:"inputs_digest"`
}

func (l life) newest() release.Record { return l.versions[len(l.versions)-1] }

// lifeOf reads the entries of a release that has closed well or ended.
func lifeOf(lines []line) (life, error) {
	l := life{decisions: map[string]decided{}}
	for _, line := range lines {
		var err error
		switch {
		case line.Entry.Type == records.TypeRecordWritten:
			var record release.Record
			err = json.Unmarshal(line.Entry.Body, &record)
			l.versions = append(l.versions, record)
		case line.Entry.Type == records.TypeRecordAttested:
			signed := attestation{leaf: line.Leaf}
			err = json.Unmarshal(line.Entry.Body, &signed.body)
			l.attested = append(l.attested, signed)
		case line.Entry.Kind == records.KindDecision:
			var d decided
			err = json.Unmarshal(line.Entry.Body, &d)
			l.decisions[line.Entry.ID] = d
		}
		if err != nil {
			return l, refusef("entry %s (%s): %v", line.Entry.ID, line.Entry.Type, err)
		}
	}
	switch {
	case len(l.versions) == 0:
		return l, refusef("the release has no record: it has not begun")
	case len(l.attested) == 0:
		return l, refusef("no record of the release is attested: it has neither closed well nor ended, or its worker had no signing key")
	default:
		return l, nil
	}
}

// keysOf are the keys that attested a build and, if it is of one, a release, each once.
func keysOf(end ending, l life) []string {
	keys := []string{end.attested.KeyID}
	for _, signed := range l.attested {
		if !slices.Contains(keys, signed.body.KeyID) {
			keys = append(keys, signed.body.KeyID)
		}
	}
	return keys
}

// requiredOf returns the documents that belong to the evidence: those of the build and,
// of a release, its policy, the nodes of its stages, and what was signed.
func requiredOf(end ending, l life) []records.Ref {
	list := end.required()
	if len(l.versions) == 0 {
		return list
	}
	record := l.newest()
	for _, ref := range []*records.Ref{record.Request.Policy, record.PolicyRef} {
		if ref != nil {
			list = append(list, *ref)
		}
	}
	if record.Nodes != nil {
		list = append(list, record.Nodes.List)
	}
	for _, stage := range record.Stages {
		for _, frozen := range stage.Frozen {
			list = append(list, frozen.List)
		}
	}
	for _, signed := range l.attested {
		for _, statement := range signed.body.Attestations {
			list = append(list, statement.Bundle)
		}
	}
	return distinct(list)
}

// checkRelease checks that the versions of a Release Record say what the entries say, that
// it brings the build, and that what was signed is what the record says.
func (v *verifier) checkRelease(lines []line, l life, end ending, contents map[records.Digest][]byte) error {
	if err := v.checkVersions(lines, l); err != nil {
		return err
	}
	record := l.newest()
	if err := bringsBuild(record, end.record); err != nil {
		return err
	}
	v.report.Release = &Released{
		ReleaseID: record.ReleaseID, Channel: record.Request.Channel, Version: record.Request.Version,
		Phase: record.Phase, Code: record.Code, At: record.UpdatedAt, Versions: record.Version, RecordHash: record.Hash,
		Decisions: len(l.decisions), Solo: record.Solo, BreakGlass: record.BreakGlass != nil && record.BreakGlass.Used,
	}
	if record.Intent != nil {
		v.report.Release.Pack = &record.Intent.Pack
	}
	for _, signed := range l.attested {
		version, err := v.checkSigned(l, signed, contents)
		if err != nil {
			return err
		}
		v.report.Release.Attested = append(v.report.Release.Attested, version)
	}
	return nil
}

// checkVersions checks that no version is missing, that each is what its hash says, stands
// where the moves before it lead, and sums up decisions that are there.
func (v *verifier) checkVersions(lines []line, l life) error {
	phase, at := "", 0
	for _, line := range lines {
		switch line.Entry.Type {
		case release.TypeReleaseMoved:
			var moved release.Moved
			if err := json.Unmarshal(line.Entry.Body, &moved); err != nil {
				return refusef("entry %s: %v", line.Entry.ID, err)
			}
			if phase != "" && moved.Before != phase {
				return refusef("entry %s: the release moved from %s, and was %s", line.Entry.ID, moved.Before, phase)
			}
			phase = moved.After
		case records.TypeRecordWritten:
			record := l.versions[at]
			at++
			if err := record.VerifyHash(); err != nil {
				return refusef("%v", err)
			}
			if record.Version != int64(at) || record.ReleaseID != v.header.ReleaseID || record.Organization != v.header.Organization ||
				record.Request.BuildID != v.header.BuildID || record.Phase != phase {
				return refusef("entry %s: version %d of the Release Record does not say what the entries of release %s say", line.Entry.ID, at, v.header.ReleaseID)
			}
			if err := l.sums(record); err != nil {
				return err
			}
		}
	}
	return nil
}

// sums returns an error unless every decision that a record sums up is an entry that says
// the same.
func (l life) sums(record release.Record) error {
	for _, d := range record.Decisions {
		made, found := l.decisions[d.EntryID]
		if !found || made != (decided{d.Gate, d.Verdict, d.Inputs}) {
			return refusef("version %d of the Release Record sums up decision %s, which is not there or says something else", record.Version, d.EntryID)
		}
	}
	return nil
}

// bringsBuild returns an error unless what a release brings is what its build made.
func bringsBuild(record release.Record, build records.BuildRecord) error {
	if record.Intent == nil {
		return nil // it was never settled what it brings
	}
	pack, made := index.PackOf(build, record.Intent.Version)
	if !made {
		return refusef("the release brings pack %s, and the build made none", record.Intent.Pack)
	}
	digest, err := pack.Digest()
	if err != nil {
		return refusef("%v", err)
	}
	if record.Intent.BuildID != build.BuildID || record.Intent.Record != build.Hash || record.Intent.Pack != digest {
		return refusef("the release brings pack %s of build %s, which is not the one that the build made", record.Intent.Pack, record.Intent.BuildID)
	}
	return nil
}

// checkSigned checks one attestation of a release: it is of a version that is there.
func (v *verifier) checkSigned(l life, signed attestation, contents map[records.Digest][]byte) (AttestedVersion, error) {
	key, retired, err := v.keyOf(signed.body.KeyID, signed.leaf)
	if err != nil {
		return AttestedVersion{}, err
	}
	if len(signed.body.Attestations) != 1 {
		return AttestedVersion{}, refusef("%d statements are attested of a version of the Release Record, not one", len(signed.body.Attestations))
	}
	statement, _, err := attest.Verify(contents[signed.body.Attestations[0].Bundle.Digest], map[string]attest.Key{key.ID(): key})
	if err != nil {
		return AttestedVersion{}, refusef("%v", err)
	}
	var says attest.Release
	if err := json.Unmarshal(statement.Predicate, &says); err != nil || says.Version < 1 || says.Version > int64(len(l.versions)) {
		return AttestedVersion{}, refusef("what is attested is no version of the Release Record that is here")
	}
	record := l.versions[says.Version-1]
	expected, err := attest.OfRelease(record)
	if err != nil {
		return AttestedVersion{}, refusef("%v", err)
	}
	if err := same(statement, expected); err != nil {
		return AttestedVersion{}, refusef("attestation %s does not say what version %d of the Release Record says: %v", signed.body.Attestations[0].PredicateType, says.Version, err)
	}
	return AttestedVersion{Version: says.Version, Phase: record.Phase, KeyID: key.ID(), KeyRetired: retired}, nil
}
