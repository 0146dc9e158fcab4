package activities

import (
	"context"
	"fmt"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
	"github.com/initkoa/orgo/records/store"
)

// RecordInput asks to record entries that the workflow made, and nothing else:
// before a wait, for which there is no next activity to carry them.
type RecordInput struct {
	Entries []records.Entry `json:"entries"`
}

// Record records entries.
func (a *Activities) Record(ctx context.Context, in RecordInput) error {
	if _, err := a.store.Append(ctx, in.Entries...); err != nil {
		return Report(ctx, err)
	}
	return nil
}

// FinishInput says how a build ends.
type FinishInput struct {
	Organization string             `json:"organization"`
	BuildID      string             `json:"build_id"`
	Request      records.Ref        `json:"request"`
	Pins         *records.Pins      `json:"pins,omitempty"`
	State        records.BuildState `json:"state"`
	Codes        []string           `json:"reason_codes"`
	Stage        records.Stage      `json:"stage,omitempty"`
	Pending      []records.Entry    `json:"pending,omitempty"`
}

// Finished refers to the record that was written.
type Finished struct {
	Record records.Digest `json:"record"`
}

// decisionQuery selects the decisions of a build.
var decisionQuery = store.EntryQuery{Kinds: []records.EntryKind{records.KindDecision}}

// endTypes maps the terminal states of a build to the events that say so.
var endTypes = map[records.BuildState]string{
	records.BuildPassed:  records.TypeBuildPassed,
	records.BuildBlocked: records.TypeBuildBlocked,
	records.BuildFailed:  records.TypeBuildFailed,
	records.BuildStopped: records.TypeBuildStopped,
}

// Finish records the pending entries, writes the Build Record, and ends the
// build, in that order and in one transaction.
func (a *Activities) Finish(ctx context.Context, in FinishInput) (Finished, error) {
	finished, err := a.finish(ctx, in)
	if err != nil {
		return Finished{}, Report(ctx, err)
	}
	return finished, nil
}

func (a *Activities) finish(ctx context.Context, in FinishInput) (Finished, error) {
	view, err := a.store.Build(ctx, in.Organization, in.BuildID)
	if err != nil {
		return Finished{}, err
	}
	if view.State.Terminal() && view.Record != nil {
		return Finished{Record: *view.Record}, nil // a retry after the commit
	}
	record, err := a.assemble(ctx, in)
	if err != nil {
		return Finished{}, err
	}
	ending, err := a.endEntries(ctx, in, record)
	if err != nil {
		return Finished{}, err
	}
	if _, err := a.store.Append(ctx, append(in.Pending, ending...)...); err != nil {
		return Finished{}, err
	}
	return Finished{Record: ending[0].Digest}, nil
}

// history returns every entry of the build, the pending ones included, and the
// state that they come to.
func (a *Activities) history(ctx context.Context, in FinishInput) (view records.BuildView, entries []records.Entry, err error) {
	stored, err := a.store.Entries(ctx, in.Organization, buildSubject(in.BuildID), store.EntryQuery{})
	if err != nil {
		return view, nil, err
	}
	known := map[string]bool{}
	for _, s := range stored {
		known[s.ID] = true
		entries = append(entries, s.Entry)
	}
	for _, pending := range in.Pending {
		if !known[pending.ID] {
			entries = append(entries, pending)
		}
	}
	for i, entry := range entries {
		if view, err = records.ReduceBuild(view, entry, int64(i+1)); err != nil {
			return view, nil, err
		}
	}
	return view, entries, nil
}

func (a *Activities) assemble(ctx context.Context, in FinishInput) (records.BuildRecord, error) {
	view, entries, err := a.history(ctx, in)
	if err != nil {
		return records.BuildRecord{}, err
	}
	src := records.RecordSources{
		View: view, Entries: entries, Pins: in.Pins, State: in.State, Codes: in.Codes, Stage: in.Stage,
		Environment: a.environment, EndedAt: a.clock.Now(),
		Correlation: correlation(ctx, in.BuildID, "", 0),
	}
	src.Correlation.Attempt = 0
	if err := a.reader.JSON(ctx, in.Request, &src.Request); err != nil {
		return records.BuildRecord{}, err
	}
	if src.EmptySnapshot, err = a.standIn(ctx, view, records.Ingest, emptySnapshot()); err != nil {
		return records.BuildRecord{}, err
	}
	if src.NotRunReport, err = a.standIn(ctx, view, records.Validate, notRunReport()); err != nil {
		return records.BuildRecord{}, err
	}
	return records.AssembleBuildRecord(src)
}

// standIn stores what stands in the record for the output of a stage that
// yielded none.
func (a *Activities) standIn(ctx context.Context, view records.BuildView, stage records.Stage, document any) (records.Ref, error) {
	if step := view.Step(stage); step != nil && len(step.Outputs) > 0 {
		return records.Ref{}, nil
	}
	return a.putJSON(ctx, document)
}

// endEntries returns the entries that end a build: its record, what is attested of
// it, and the end.
func (a *Activities) endEntries(ctx context.Context, in FinishInput, record records.BuildRecord) ([]records.Entry, error) {
	endType, known := endTypes[in.State]
	if !known {
		return nil, fmt.Errorf("build %s cannot end as %s", in.BuildID, in.State)
	}
	base := records.Entry{
		Organization: in.Organization, Subject: buildSubject(in.BuildID), At: record.EndedAt, Actor: records.SystemActor,
		Codes: record.Codes, Correlation: correlation(ctx, in.BuildID, in.Stage, 0),
	}
	base.Kind, base.Type = records.KindRecord, records.TypeRecordWritten
	written, err := records.NewEntry(base, record.RecordVersion, record)
	if err != nil {
		return nil, err
	}
	ending := []records.Entry{written}
	if a.signer != nil {
		base.Type = records.TypeRecordAttested
		attested, err := a.attest(ctx, record)
		if err != nil {
			return nil, err
		}
		entry, err := records.NewEntry(base, record.RecordVersion, attested)
		if err != nil {
			return nil, err
		}
		ending = append(ending, entry)
	}
	base.Kind, base.Type = records.KindEvent, endType
	ended, err := records.NewEntry(base, "ended", records.BuildEnded{State: in.State, Stage: in.Stage, Record: written.Digest})
	return append(ending, ended), err
}

// attest signs what is said of a build and stores it.
func (a *Activities) attest(ctx context.Context, record records.BuildRecord) (records.RecordAttested, error) {
	statements, err := attest.OfBuild(record)
	if err != nil {
		return records.RecordAttested{}, err
	}
	attested := records.RecordAttested{KeyID: a.signer.Key().ID()}
	for _, statement := range statements {
		bundle, err := a.signer.Sign(statement)
		if err != nil {
			return attested, err
		}
		ref, err := a.artifacts.PutBytes(ctx, attest.MediaBundle, bundle)
		if err != nil {
			return attested, err
		}
		attested.Attestations = append(attested.Attestations, records.Attestation{PredicateType: statement.PredicateType, Bundle: ref})
	}
	return attested, nil
}

// emptySnapshot stands for the inputs of a build that collected none.
func emptySnapshot() records.Snapshot {
	return records.Snapshot{
		Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion,
		Files: []records.SnapshotFile{}, Exclusions: []records.SnapshotExclusion{},
	}
}

// notRunReport is the validation report of a build that never validated. It
// says so, and can never look like a pass.
func notRunReport() any {
	type issue struct {
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Message  string `json:"message"`
	}
	reason, _ := gates.Lookup(gates.ValidationNotRun)
	return struct {
		SchemaVersion string  `json:"schema_version"`
		Status        string  `json:"validation_status"`
		Issues        []issue `json:"issues"`
	}{"3.0", string(gates.ReportFailed), []issue{{"ERROR", string(gates.ValidationNotRun), reason.Meaning}}}
}
