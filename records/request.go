package records

import "time"

// TriggerType says what caused a build.
type TriggerType string

// The types of triggers.
const (
	TriggerManual   TriggerType = "manual"
	TriggerSchedule TriggerType = "schedule"
	TriggerWebhook  TriggerType = "webhook"
	TriggerIncident TriggerType = "incident"
	TriggerRelease  TriggerType = "release"
	TriggerOther    TriggerType = "other"
)

// Trigger is who or what asked for a build, and why.
type Trigger struct {
	Type      TriggerType `json:"type"`
	Actor     string      `json:"actor"`
	Reason    string      `json:"reason,omitempty"`
	SourceRef string      `json:"source_ref,omitempty"`
}

// Input is one input of a build: a place to read, or a snapshot taken before.
type Input struct {
	// URI is a file: URL of a file or directory that the worker can read.
	URI string `json:"uri,omitempty"`
	// Snapshot is an input snapshot that Orgo already holds.
	Snapshot *Ref `json:"snapshot,omitempty"`
}

// BuildRequest is everything a build was asked to do. It is stored as an
// artifact, whose digest tells whether two requests under one idempotency key
// are the same; so it does not say when it was made. The documents it refers to
// are as they were sent; pinning checks and canonicalizes them.
type BuildRequest struct {
	Organization   string  `json:"organization"`
	BuildID        string  `json:"build_id"`
	IdempotencyKey string  `json:"idempotency_key"`
	Inputs         []Input `json:"inputs"`
	Pipeline       Ref     `json:"pipeline"`
	Policy         Ref     `json:"policy"`
	Contracts      Ref     `json:"contracts"`
	Trigger        Trigger `json:"trigger"`
	// ReproduceOf is the build whose outputs this one must repeat; its pins are
	// then taken as they are.
	ReproduceOf string `json:"reproduce_of,omitempty"`
}

// Pins is everything a build was tied to before its first stage, each by
// digest. Two builds with equal pins and equal snapshots have equal outputs.
type Pins struct {
	SchemaVersion   string        `json:"schema_version"`
	PipelineID      string        `json:"pipeline_id"`
	PipelineVersion string        `json:"pipeline_version"`
	Pipeline        Ref           `json:"pipeline"`
	Policy          Ref           `json:"policy"`
	PolicyID        string        `json:"policy_id"`
	Contracts       Ref           `json:"contracts"`
	SourceDate      time.Time     `json:"source_date"`
	WaitForOperator Duration      `json:"wait_for_operator"`
	Stages          []PinnedStage `json:"stages"`
}

// PinnedStage is one stage with every choice made.
type PinnedStage struct {
	Stage     Stage          `json:"stage"`
	Runner    RunnerSettings `json:"runner"`
	Digest    Digest         `json:"digest"` // of runner and config: what shapes the output
	Execution Execution      `json:"execution"`
	Timeout   Duration       `json:"timeout"`
	Heartbeat Duration       `json:"heartbeat"`
	Retry     RetrySettings  `json:"retry"`
	Config    Ref            `json:"config"`
}

// Stage returns the pinned form of stage.
func (p Pins) Stage(stage Stage) (PinnedStage, bool) {
	for _, pinned := range p.Stages {
		if pinned.Stage == stage {
			return pinned, true
		}
	}
	return PinnedStage{}, false
}

// StageKey returns the idempotency key of a stage: the digest of the build, the
// stage, its generation, its inputs and what shapes its output. The first
// output recorded under a key is the only one.
func StageKey(buildID string, stage Stage, generation int, inputs []Artifact, pinned Digest) (string, error) {
	digest, err := CanonicalDigest(struct {
		BuildID    string     `json:"build_id"`
		Stage      Stage      `json:"stage"`
		Generation int        `json:"generation"`
		Inputs     []Artifact `json:"inputs"`
		Pinned     Digest     `json:"pinned"`
	}{buildID, stage, generation, identities(inputs), pinned})
	if err != nil {
		return "", err
	}
	return digest.String(), nil
}

// OutputsDigest returns the identity of a stage's outputs: the digest of their
// names, paths, digests, sizes and media types.
func OutputsDigest(outputs []Artifact) (Digest, error) {
	return CanonicalDigest(identities(outputs))
}

// identities strips from artifacts all that is not identity.
func identities(artifacts []Artifact) []Artifact {
	stripped := make([]Artifact, len(artifacts))
	for i, a := range artifacts {
		a.Ref = Ref{Digest: a.Ref.Digest, MediaType: a.Ref.MediaType, Size: a.Ref.Size}
		stripped[i] = a
	}
	return stripped
}
