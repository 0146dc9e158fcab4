package release

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
)

// KOARecord is the interop form of a Release Record (CONTRACTS §1): exactly these
// keys, at every level but in conditions and details, which are open.
type KOARecord struct {
	ReleaseID    string         `json:"release_id"`
	CreatedAt    time.Time      `json:"created_at"`
	CreatedBy    string         `json:"created_by"`
	BuildRef     records.KOARef `json:"build_ref"`
	Artifacts    []KOAArtifact  `json:"artifacts"`
	Channels     []KOAChannel   `json:"channels"`
	Strategy     KOAStrategy    `json:"strategy"`
	Status       string         `json:"status"`
	StatusReason string         `json:"status_reason,omitempty"`
	UpdatedAt    time.Time      `json:"updated_at"`
	Events       []KOAEvent     `json:"events"`
}

// KOAArtifact is one thing that is released.
type KOAArtifact struct {
	Type string         `json:"artifact_type"`
	Ref  records.KOARef `json:"artifact_ref"`
	Hash records.Digest `json:"artifact_hash"`
}

// The types of artifacts. Before the check has found a pack, what is released is known
// by its build alone.
const (
	ArtifactRuntimePack = "runtime_pack_manifest"
	ArtifactExchange    = "exchange_manifest"
	ArtifactBuildRecord = "build_record"
	ArtifactBuild       = "build"
)

// KOAChannel is where it goes: ChannelID is "environment/channel".
type KOAChannel struct {
	ChannelID     string   `json:"channel_id"`
	TargetCohorts []string `json:"target_cohorts,omitempty"`
}

// KOAStrategy is how it goes out. Percentage is there in mode percentage, and Stages
// in mode staged.
type KOAStrategy struct {
	Mode       Mode       `json:"mode"`
	Percentage *int       `json:"percentage,omitempty"`
	Stages     []KOAStage `json:"stages,omitzero"`
}

// KOAStage is a stage of mode staged.
type KOAStage struct {
	Name          string         `json:"name"`
	TargetCohorts []string       `json:"target_cohorts,omitempty"`
	Conditions    *KOAConditions `json:"conditions,omitempty"`
}

// KOAConditions are what a stage must meet to be left.
type KOAConditions struct {
	Observe  records.Duration `json:"observe"`
	Deadline records.Duration `json:"deadline"`
	Manual   bool             `json:"manual"`
}

// KOAEvent is one thing that happened.
type KOAEvent struct {
	At      time.Time       `json:"at"`
	Type    string          `json:"type"`
	Actor   string          `json:"actor"`
	Details json.RawMessage `json:"details,omitempty"`
}

// KOA returns the interop form of the record.
func (r Record) KOA() KOARecord {
	koa := KOARecord{
		ReleaseID: r.ReleaseID, CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy,
		Channels: []KOAChannel{{ChannelID: r.Request.Channel.String(), TargetCohorts: r.cohorts()}},
		Strategy: r.koaStrategy(),
		Status:   r.Status, StatusReason: cmp.Or(r.Code, strings.Join(r.Codes, " ")),
		UpdatedAt: r.UpdatedAt, Events: make([]KOAEvent, 0, len(r.Events)),
	}
	koa.BuildRef, koa.Artifacts = r.koaArtifacts()
	for _, event := range r.Events {
		koa.Events = append(koa.Events, KOAEvent(event))
	}
	return koa
}

// koaArtifacts refers to the build and to what it made. The build is named by the
// digest of its record and, before the check has found that, by the digest of its id;
// the URI has the id.
func (r Record) koaArtifacts() (build records.KOARef, artifacts []KOAArtifact) {
	kind, digest := ArtifactBuild, records.DigestOf([]byte(r.Request.BuildID))
	if r.Intent != nil {
		kind, digest = ArtifactBuildRecord, r.Intent.Record
	}
	build = koaRef(digest, "urn:uuid:"+r.Request.BuildID)
	if r.Pack == nil {
		return build, []KOAArtifact{{Type: kind, Ref: build, Hash: digest}}
	}
	manifest, exchange := r.Pack.Manifest, r.Pack.Exchange
	return build, []KOAArtifact{
		{Type: ArtifactRuntimePack, Ref: koaRef(manifest.Digest, manifest.URI), Hash: manifest.Digest},
		{Type: ArtifactExchange, Ref: koaRef(exchange.Digest, exchange.URI), Hash: exchange.Digest},
	}
}

func koaRef(d records.Digest, uri string) records.KOARef {
	return records.KOARef{Alg: d.Alg, Value: d.Value, URI: uri}
}

// cohorts returns those of the channel, as soon as the plan names them.
func (r Record) cohorts() []string {
	if r.Intent == nil {
		return nil
	}
	var names []string
	for _, c := range r.Intent.Plan.Cohorts {
		names = append(names, c.Cohort)
	}
	return names
}

// koaStrategy returns the strategy as it was asked for, and in mode staged its stages
// as they are planned.
func (r Record) koaStrategy() KOAStrategy {
	asked := r.Request.Strategy
	koa := KOAStrategy{Mode: asked.Mode}
	switch {
	case asked.Mode == Percentage:
		koa.Percentage = &asked.Percentage
	case asked.Mode == Staged && r.Intent != nil:
		koa.Stages = []KOAStage{}
		for _, part := range r.Intent.Plan.Parts {
			koa.Stages = append(koa.Stages, KOAStage{Name: part.Name, TargetCohorts: part.Cohorts,
				Conditions: &KOAConditions{Observe: part.Observe, Deadline: part.Deadline, Manual: part.Manual}})
		}
	case asked.Mode == Staged:
		koa.Stages = []KOAStage{}
		for _, stage := range asked.Stages {
			koa.Stages = append(koa.Stages, KOAStage{Name: stage.Name, TargetCohorts: stage.Cohorts})
		}
	}
	return koa
}
