package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

// Organizations of the suite's tests.
const (
	acme  = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	other = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"
)

// epoch is when the builds of the tests begin.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// Builder makes the entries of one build.
type Builder struct {
	t            testing.TB
	Organization string
	BuildID      string
	At           time.Time
}

// NewBuilder returns a Builder for the build that an idempotency key names.
func NewBuilder(t testing.TB, organization, key string) Builder {
	return Builder{t: t, Organization: organization, BuildID: records.BuildID(organization, key), At: epoch}
}

// Subject returns the build as the subject of entries.
func (b Builder) Subject() records.Subject {
	return records.Subject{Kind: records.SubjectBuild, ID: b.BuildID}
}

func (b Builder) entry(kind records.EntryKind, typ, discriminator string, correlation records.Correlation, body any, codes ...string) records.Entry {
	b.t.Helper()
	correlation.BuildID = b.BuildID
	entry, err := records.NewEntry(records.Entry{
		Organization: b.Organization,
		Kind:         kind,
		Type:         typ,
		Subject:      b.Subject(),
		At:           b.At,
		Actor:        "user:ada",
		Codes:        codes,
		Correlation:  correlation,
	}, discriminator, body)
	require.NoError(b.t, err)
	return entry
}

// Requested begins the build.
func (b Builder) Requested() records.Entry {
	return b.entry(records.KindEvent, records.TypeBuildRequested, "", records.Correlation{}, records.BuildRequested{
		IdempotencyKey: b.BuildID,
		Request:        ref("request of " + b.BuildID),
		Trigger:        records.Trigger{Type: records.TriggerManual, Actor: "user:ada", Reason: "a test"},
	})
}

// Pinned ties the build to a pipeline.
func (b Builder) Pinned(pipeline string) records.Entry {
	return b.entry(records.KindEvent, records.TypeBuildPinned, "", records.Correlation{},
		records.BuildPinned{Pins: ref("pins"), PipelineID: pipeline})
}

// Started begins an attempt at a stage.
func (b Builder) Started(stage records.Stage, generation, attempt int) records.Entry {
	return b.entry(records.KindEvent, records.TypeStageStarted, fmt.Sprintf("%s/%d/%d", stage, generation, attempt),
		records.Correlation{Stage: stage, Generation: generation, Attempt: attempt},
		records.StageStarted{Key: b.Key(stage, generation), Inputs: artifacts("input"), Attempt: attempt})
}

// Failed ends an attempt without output.
func (b Builder) Failed(stage records.Stage, generation, attempt int, final bool) records.Entry {
	return b.entry(records.KindEvent, records.TypeStageFailed, fmt.Sprintf("%s/%d/%d", stage, generation, attempt),
		records.Correlation{Stage: stage, Generation: generation, Attempt: attempt},
		records.StageFailed{
			Message: "no <space> left & \u2028 more", Details: []byte(`{"path":"a<b>&c","n":1e2}`), Attempt: attempt, Final: final,
		},
		"INTERNAL_ERROR")
}

// Finished is the output of a stage; content is what the output consists of.
func (b Builder) Finished(stage records.Stage, generation int, content string, metric int64) records.Entry {
	return b.entry(records.KindOutput, records.TypeStageFinished, fmt.Sprintf("%s/%d", stage, generation),
		records.Correlation{Stage: stage, Generation: generation},
		records.StageFinished{
			Key:         b.Key(stage, generation),
			Inputs:      artifacts("input"),
			Outputs:     artifacts(content),
			Attachments: artifacts(fmt.Sprintf("log %d", metric)),
			Metrics:     map[string]int64{"rows": metric, "bytes": 2 * metric},
		})
}

// Gate is a decision about a stage.
func (b Builder) Gate(stage records.Stage, generation int, name string, codes ...string) records.Entry {
	typ := records.TypeGatePassed
	if len(codes) > 0 {
		typ = records.TypeGateFailed
	}
	return b.entry(records.KindDecision, typ, fmt.Sprintf("%s/%d/%s", stage, generation, name),
		records.Correlation{Stage: stage, Generation: generation}, map[string]any{"gate": name}, codes...)
}

// Waiting makes the build wait for an operator.
func (b Builder) Waiting(stage records.Stage, codes ...string) records.Entry {
	return b.entry(records.KindEvent, records.TypeBuildWaiting, string(stage), records.Correlation{Stage: stage},
		records.BuildWaits{Stage: stage, Until: epoch.Add(time.Hour), As: records.StageFail}, codes...)
}

// Retry is an operator's retry of a stage, which opens a generation.
func (b Builder) Retry(stage records.Stage, generation int) records.Entry {
	return b.entry(records.KindEvent, records.TypeOperatorAction, fmt.Sprintf("retry/%d", generation),
		records.Correlation{Stage: stage, Generation: generation},
		records.OperatorAction{Action: records.ActionRetry, Stage: stage, Before: records.BuildWaiting, After: records.BuildRunning})
}

// Passed ends the build.
func (b Builder) Passed() records.Entry {
	return b.entry(records.KindEvent, records.TypeBuildPassed, "", records.Correlation{},
		records.BuildEnded{State: records.BuildPassed, Record: records.DigestOf([]byte("record"))})
}

// Key is the idempotency key of a stage.
func (b Builder) Key(stage records.Stage, generation int) string {
	key, err := records.StageKey(b.BuildID, stage, generation, nil, records.DigestOf([]byte("pinned")))
	require.NoError(b.t, err)
	return key
}

// Life is the life of a build with everything that can happen in it, in the
// groups in which it is appended.
func (b Builder) Life() [][]records.Entry {
	life := [][]records.Entry{
		{b.Requested()},
		{b.Pinned("life")},
		{b.Started(records.Ingest, 1, 1), b.Failed(records.Ingest, 1, 1, false)},
		{b.Started(records.Ingest, 1, 2), b.Finished(records.Ingest, 1, "snapshot", 1), b.Gate(records.Ingest, 1, "integrity", "DIGEST_MISMATCH")},
		{b.Waiting(records.Ingest, "DIGEST_MISMATCH")},
		{b.Retry(records.Ingest, 2)},
	}
	for _, spec := range records.BuildSpine() {
		life = append(life, []records.Entry{
			b.Started(spec.Stage, 2, 1),
			b.Finished(spec.Stage, 2, "output of "+string(spec.Stage), 2),
			b.Gate(spec.Stage, 2, "contract"),
			b.Gate(spec.Stage, 2, "integrity"),
		})
	}
	return append(life, []records.Entry{b.Passed()})
}

// Note is an entry about a subject that has no read model.
func Note(t testing.TB, organization, kind, id, discriminator string) records.Entry {
	t.Helper()
	entry, err := records.NewEntry(records.Entry{
		Organization: organization,
		Kind:         records.KindEvent,
		Type:         "orgo.note.written",
		Subject:      records.Subject{Kind: kind, ID: id},
		At:           epoch,
		Actor:        "user:ada",
	}, discriminator, map[string]string{"note": discriminator})
	require.NoError(t, err)
	return entry
}

func ref(content string) records.Ref {
	return records.Ref{Digest: records.DigestOf([]byte(content)), MediaType: records.MediaJSON, Size: int64(len(content))}
}

func artifacts(contents ...string) []records.Artifact {
	var list []records.Artifact
	for _, content := range contents {
		list = append(list, records.Artifact{Name: "output", Ref: ref(content)})
	}
	return list
}
