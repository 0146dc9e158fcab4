package releases

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/index"
	"github.com/initkoa/orgo/records/store"
)

// built is what was found, just now, of a build that passed, and of its pack.
type built struct {
	record   records.BuildRecord
	evidence gates.Evidence // of compile
	pack     index.Pack
	digest   records.Digest // of pack
	format   string         // of the pack, x.y.z
	problems problems
}

// retained reports whether everything that compile yielded is in the artifact store,
// whatever it has become there.
func (b built) retained() bool {
	return len(b.evidence.Outputs) > 0 && b.evidence.Declared == len(b.evidence.Outputs) &&
		!slices.ContainsFunc(b.evidence.Outputs, func(o gates.OutputEvidence) bool { return !o.Found.Valid() })
}

// build reads a build's record and what it made. With a problem, whatever follows
// from what is wrong is absent. An error says that something did not answer.
func (a *Activities) build(ctx context.Context, organization, buildID, version string) (b built, err error) {
	if err := a.readRecord(ctx, organization, buildID, &b); err != nil || len(b.problems) > 0 {
		return built{problems: b.problems}, err // nothing is taken from a record that is not believed
	}
	b.decided()
	if err := a.readOutputs(ctx, &b); err != nil {
		return b, err
	}
	if err := a.takePack(ctx, &b, version); err != nil {
		return b, err
	}
	return b, a.readAttested(ctx, organization, &b)
}

// readRecord reads the Build Record, and believes it only if it is of this build, is
// what its hash says, and is the one with which the build passed.
func (a *Activities) readRecord(ctx context.Context, organization, buildID string, b *built) error {
	view, err := a.store.Build(ctx, organization, buildID)
	if err != nil {
		return b.problems.take(err)
	}
	if view.State != records.BuildPassed {
		b.problems.add(gates.DependencyNotPassed, "build %s is %s, not %s", buildID, view.State, records.BuildPassed)
		return nil
	}
	subject := records.Subject{Kind: records.SubjectBuild, ID: buildID}
	stored, err := a.store.Entries(ctx, organization, subject, newestRecord)
	if err != nil {
		return err
	}
	if len(stored) == 0 {
		b.problems.add(gates.EvidenceMissing, "build %s has no record", buildID)
		return nil
	}
	entry := stored[0]
	if view.Record == nil || *view.Record != entry.Digest || records.DigestOf(entry.Body) != entry.Digest {
		b.problems.add(gates.LedgerTampered, "the record of build %s is not the one with which it ended", buildID)
		return nil
	}
	if err := json.Unmarshal(entry.Body, &b.record); err != nil {
		b.problems.add(gates.EvidenceMissing, "the record of build %s does not decode: %v", buildID, err)
		return nil
	}
	if err := b.record.VerifyHash(); err != nil {
		b.problems.add(gates.LedgerTampered, "%v", err)
	}
	if b.record.Organization != organization || b.record.BuildID != buildID || b.record.State != records.BuildPassed {
		b.problems.add(gates.LedgerTampered, "the record of build %s is that of build %s, %s", buildID, b.record.BuildID, b.record.State)
	}
	if b.record.Pins == nil {
		b.problems.add(gates.EvidenceMissing, "the record of build %s has no pins", buildID)
	}
	return nil
}

// decided holds the record to its own decisions: each gate that must let a stage's
// output pass did, and so did each other that decided on it. Those of generations
// that a retry voided do not matter.
func (b *built) decided() {
	decisions := make([]gates.Decision, len(b.record.Decisions))
	for i, raw := range b.record.Decisions {
		if err := json.Unmarshal(raw, &decisions[i]); err != nil {
			b.problems.add(gates.EvidenceMissing, "decision %d of build %s does not decode: %v", i, b.record.BuildID, err)
			return
		}
	}
	for _, spec := range records.BuildSpine() {
		at := slices.IndexFunc(b.record.Stages, func(s records.StageRecord) bool { return s.Stage == spec.Stage })
		if at < 0 || b.record.Stages[at].Status != records.StagePass {
			b.problems.add(gates.DependencyNotPassed, "stage %s of build %s did not pass", spec.Stage, b.record.BuildID)
			continue
		}
		about := slices.DeleteFunc(slices.Clone(decisions), func(d gates.Decision) bool {
			return d.Subject.BuildID != b.record.BuildID || d.Subject.Stage != spec.Stage || d.Subject.Generation != b.record.Stages[at].Generation
		})
		required := gates.ExitGates(spec.Stage)
		for _, d := range about {
			required = append(required, d.Gate)
		}
		slices.Sort(required)
		for _, gate := range slices.Compact(required) {
			if !permitted(gate, about, !slices.Contains(gates.ExitGates(spec.Stage), gate)) {
				b.problems.add(gates.DependencyNotPassed, "the %s gate did not let %s of build %s pass", gate, spec.Stage, b.record.BuildID)
			}
		}
	}
}

// permitted reports whether a gate let its subject pass: it permitted, or where it
// refused and can be, it was overridden. A permission beside a refusal is none.
func permitted(gate gates.Gate, about []gates.Decision, overridable bool) bool {
	permits, refused, overridden := false, false, false
	for _, d := range about {
		switch {
		case d.Gate != gate:
		case d.Override != nil:
			overridden = overridden || overridable && d.Permits()
		case d.Permits():
			permits = true
		default:
			refused = true
		}
	}
	return overridden || permits && !refused
}

// readOutputs reads back what compile yielded and tells all that is wrong with it
// under any policy.
func (a *Activities) readOutputs(ctx context.Context, b *built) error {
	var outputs []records.Artifact
	generation := 0
	for _, stage := range b.record.Stages {
		if stage.Stage == records.Compile {
			outputs, generation = stage.Outputs, stage.Generation
		}
	}
	var err error
	b.evidence, err = a.reader.Outputs(ctx, records.Compile, b.record.Pins.Contracts, outputs)
	if err != nil {
		return b.problems.take(err)
	}
	none, err := gates.Policy{Digest: b.record.MandateBundle.Digest}.Compile()
	if err != nil {
		return err
	}
	c := gates.Context{
		Subject: gates.Subject{BuildID: b.record.BuildID, Stage: records.Compile, Generation: generation},
		Rules:   none, At: a.clock.Now(), Actor: records.SystemActor, Evaluator: gates.EvaluatorVersion,
	}
	for _, output := range b.evidence.Outputs {
		if !output.Found.Valid() {
			b.problems.add(gates.ArtifactMissing, "%s of build %s is not in the artifact store", output.Artifact.Ref.Digest, b.record.BuildID)
		}
	}
	for _, decision := range []gates.Decision{gates.Integrity(c, b.evidence), gates.Contract(c, b.evidence)} {
		for _, unmet := range gates.WhyNot(decision) {
			b.problems.add(unmet.Code, "%s", strings.Join(unmet.Messages, "; "))
		}
	}
	return nil
}

// takePack makes a pack of what the record says that the build made.
func (a *Activities) takePack(ctx context.Context, b *built, version string) error {
	pack, made := index.PackOf(b.record, version)
	if !made {
		b.problems.add(gates.OutputMissing, "build %s made no runtime pack, or no exchange", b.record.BuildID)
		return nil
	}
	b.pack = pack
	if err := b.pack.Check(); err != nil {
		b.problems.add(gates.IndexRefused, "the pack of build %s: %v", b.record.BuildID, err)
		return nil
	}
	var err error
	if b.digest, err = b.pack.Digest(); err != nil {
		return err
	}
	b.format, err = a.formatOf(ctx, b.pack)
	return b.problems.take(err)
}

// readAttested looks whether everything that was signed about the record is there and
// whole. Whose signatures count is checked by whoever relies on them; a build of a
// worker without a key has none.
func (a *Activities) readAttested(ctx context.Context, organization string, b *built) error {
	stored, err := a.store.Entries(ctx, organization, records.Subject{Kind: records.SubjectBuild, ID: b.record.BuildID},
		store.EntryQuery{Types: []string{records.TypeRecordAttested}, Newest: true, Limit: 1})
	if err != nil || len(stored) == 0 {
		return err
	}
	var attested records.RecordAttested
	if json.Unmarshal(stored[0].Body, &attested) != nil || len(attested.Attestations) == 0 {
		b.problems.add(gates.EvidenceMissing, "what was attested of build %s is not told by entry %s", b.record.BuildID, stored[0].ID)
		return nil
	}
	for _, attestation := range attested.Attestations {
		if err := b.problems.take(a.artifacts.Verify(ctx, attestation.Bundle)); err != nil {
			return err
		}
	}
	return nil
}

// exact returns a version with up to three parts as x.y.z, and whether it is one.
func exact(version string) (string, bool) {
	v := "v" + version
	if semver.Prerelease(v)+semver.Build(v) != "" || !semver.IsValid(v) {
		return "", false
	}
	return strings.TrimPrefix(semver.Canonical(v), "v"), true
}
