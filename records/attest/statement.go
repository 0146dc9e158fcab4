package attest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/initkoa/orgo/records"
)

// Types of statements and predicates.
const (
	// StatementType is the type of an in-toto Statement v1.
	StatementType = "https://in-toto.io/Statement/v1"
	// PredicateProvenance is SLSA Provenance v1.
	PredicateProvenance = "https://slsa.dev/provenance/v1"
	// PredicateDecisions lists what the gates decided; see Decisions.
	PredicateDecisions = "https://github.com/initkoa/orgo/predicates/gate-decisions/v1"
	// BuildType says how to read the parameters of a provenance; see docs/evidence.md.
	BuildType = "https://github.com/initkoa/orgo/builds/v1"
	// BuilderID names Orgo as a builder. Which Orgo it was is said by the key.
	BuilderID = "https://github.com/initkoa/orgo"
)

// Statement is an in-toto Statement v1: a predicate about subjects.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Resource      `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Resource is an in-toto ResourceDescriptor v1.
type Resource struct {
	Name      string            `json:"name"`
	Digest    map[string]string `json:"digest"` // lower-case hex by algorithm
	MediaType string            `json:"mediaType,omitempty"`
}

func resource(name string, ref records.Ref) Resource {
	return Resource{Name: name, Digest: map[string]string{ref.Digest.Alg: ref.Digest.Value}, MediaType: ref.MediaType}
}

// RecordSubject is the name of the Build Record among the subjects. Its digest is
// the record's hash, over its canonical form without the hash itself.
const RecordSubject = "build_record"

// subjects are the artifacts that a build made, and its record. A build that made
// none has its record alone.
func subjects(record records.BuildRecord) []Resource {
	list := []Resource{{
		Name: RecordSubject, Digest: map[string]string{record.Hash.Alg: record.Hash.Value}, MediaType: records.MediaJSON,
	}}
	for _, output := range []struct {
		name string
		ref  *records.Ref
	}{
		{"exchange", record.Outputs.Exchange},
		{"exchange_manifest", record.Outputs.ExchangeMeta},
		{"runtime_pack_manifest", record.Outputs.RuntimePack},
	} {
		if output.ref != nil {
			list = append(list, resource(output.name, *output.ref))
		}
	}
	for _, file := range record.Outputs.PackFiles {
		list = append(list, resource("runtime_pack/"+file.Ref.Digest.Value, file.Ref))
	}
	return list
}

// Provenance is the predicate of SLSA Provenance v1.
type Provenance struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition is everything that went in.
type BuildDefinition struct {
	BuildType            string             `json:"buildType"`
	ExternalParameters   ExternalParameters `json:"externalParameters"`
	InternalParameters   InternalParameters `json:"internalParameters"`
	ResolvedDependencies []Resource         `json:"resolvedDependencies"`
}

// ExternalParameters is what the caller chose.
type ExternalParameters struct {
	Request     Resource `json:"request"`
	ReproduceOf string   `json:"reproduceOf,omitempty"`
}

// InternalParameters is what Orgo chose.
type InternalParameters struct {
	Organization string              `json:"organization"`
	Environment  string              `json:"environment"`
	Toolchain    records.Toolchain   `json:"toolchain"`
	State        records.BuildState  `json:"state"`
	Codes        []string            `json:"reasonCodes"`
	Validation   records.StageStatus `json:"validation"`
}

// RunDetails is about this run.
type RunDetails struct {
	Builder    Builder     `json:"builder"`
	Metadata   RunMetadata `json:"metadata"`
	Byproducts []Resource  `json:"byproducts"`
}

// Builder is who built.
type Builder struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version"`
}

// RunMetadata tells runs apart.
type RunMetadata struct {
	InvocationID string    `json:"invocationId"`
	StartedOn    time.Time `json:"startedOn"`
	FinishedOn   time.Time `json:"finishedOn"`
}

// OfBuild returns what is attested of every build that ended: its provenance, and
// what its gates decided. Neither names a person.
func OfBuild(record records.BuildRecord) ([]Statement, error) {
	provenance, err := statement(record, PredicateProvenance, provenanceOf(record))
	if err != nil {
		return nil, err
	}
	attested := Decisions{BuildID: record.BuildID, State: record.State, Codes: record.Codes, Decisions: []json.RawMessage{}}
	for _, decision := range record.Decisions {
		nameless, err := withoutNames(decision)
		if err != nil {
			return nil, fmt.Errorf("decision of build %s: %w", record.BuildID, err)
		}
		attested.Decisions = append(attested.Decisions, nameless)
	}
	decisions, err := statement(record, PredicateDecisions, attested)
	if err != nil {
		return nil, err
	}
	return []Statement{provenance, decisions}, nil
}

// withoutNames returns a decision as it is attested: without what it was made from,
// of which it has the digest, and without who answers for an override. Both stand in
// the Build Record, from which they can be erased.
func withoutNames(decision json.RawMessage) (json.RawMessage, error) {
	var members map[string]any
	if err := json.Unmarshal(decision, &members); err != nil {
		return nil, err
	}
	delete(members, "inputs")
	if override, is := members["override"].(map[string]any); is {
		delete(members, "actor")
		delete(override, "actor")
		delete(override, "reason")
	}
	return json.Marshal(members)
}

func statement(record records.BuildRecord, predicateType string, predicate any) (Statement, error) {
	canonical, err := records.Canonical(predicate)
	if err != nil {
		return Statement{}, fmt.Errorf("predicate %s of build %s: %w", predicateType, record.BuildID, err)
	}
	return Statement{Type: StatementType, Subject: subjects(record), PredicateType: predicateType, Predicate: canonical}, nil
}

func provenanceOf(record records.BuildRecord) Provenance {
	return Provenance{
		BuildDefinition: BuildDefinition{
			BuildType:          BuildType,
			ExternalParameters: ExternalParameters{Request: resource("request", record.Request), ReproduceOf: record.ReproduceOf},
			InternalParameters: InternalParameters{
				Organization: record.Organization, Environment: record.Environment.Name, Toolchain: record.Toolchain,
				State: record.State, Codes: record.Codes, Validation: record.Outputs.Validation.Status,
			},
			ResolvedDependencies: dependencies(record),
		},
		RunDetails: RunDetails{
			Builder:    Builder{ID: BuilderID, Version: map[string]string{"orgo": record.Toolchain.OrgoVersion}},
			Metadata:   RunMetadata{InvocationID: record.BuildID, StartedOn: record.CreatedAt, FinishedOn: record.EndedAt},
			Byproducts: []Resource{resource("validation_report", record.Outputs.Validation.Report)},
		},
	}
}

// dependencies are the pinned documents and the inputs, by digest.
func dependencies(record records.BuildRecord) []Resource {
	list := []Resource{resource("snapshot", record.Snapshot), resource("policy", record.MandateBundle)}
	if record.PinsRef == nil || record.Pins == nil {
		return list // pinning refused: nothing else was chosen
	}
	list = append(list, resource("pins", *record.PinsRef), resource("pipeline", record.Pins.Pipeline),
		resource("contracts", record.Pins.Contracts))
	for _, stage := range record.Pins.Stages {
		list = append(list, resource("config/"+string(stage.Stage), stage.Config))
	}
	return list
}

// Decisions is the predicate of PredicateDecisions: how the build ended, and every
// decision in the order in which it was made.
type Decisions struct {
	BuildID   string             `json:"build_id"`
	State     records.BuildState `json:"state"`
	Codes     []string           `json:"reason_codes"`
	Decisions []json.RawMessage  `json:"decisions"` // as in the Build Record, without their inputs and without names
}
