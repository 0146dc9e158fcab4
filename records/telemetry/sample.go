package telemetry

import (
	"time"

	"github.com/initkoa/orgo/records"
)

// Kind is what a sample is about.
type Kind string

// The kinds of samples.
const (
	KindNodeState    Kind = "node_state"   // NodeState: the strongest telemetry there is
	KindActivation   Kind = "activation"   // Outcome of the switch to the pack
	KindVerification Kind = "verification" // Outcome of verifying the pack
	KindExecution    Kind = "execution"    // Outcome of one use of the pack
	KindHealth       Kind = "health"       // Health of a node
)

// Sample is one thing that a node reports about a release. The member that its
// kind names is there, and no other.
type Sample struct {
	// SampleID is chosen by the sender, or empty: then equal samples are one.
	SampleID string `json:"sample_id,omitempty"`
	// OrganizationID may be left out. If it is there, it must be the sender's.
	OrganizationID string     `json:"organization_id,omitempty"`
	ReleaseID      string     `json:"release_id"`
	Cohort         string     `json:"cohort"`
	NodeID         string     `json:"node_id"`
	Kind           Kind       `json:"kind"`
	At             time.Time  `json:"at"`
	NodeState      *NodeState `json:"node_state,omitempty"`
	Outcome        *Outcome   `json:"outcome,omitempty"`
	Health         *Health    `json:"health,omitempty"`
}

// Outcome is how something ended.
type Outcome struct {
	Status     Status `json:"status"`
	ReasonCode string `json:"reason_code,omitempty"`
	DurationMS *int64 `json:"duration_ms,omitempty"`
}

// Status says whether something succeeded.
type Status string

// The statuses.
const (
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
)

// Health is how a node is.
type Health struct {
	Status  Phase    `json:"status"`
	Signals []Signal `json:"signals"`
}

// Signal is a number that a node measures.
type Signal struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// NodeState is the state of a node as the node keeps it (CONTRACTS, section 1).
type NodeState struct {
	StateID       string        `json:"state_id"`
	InstanceID    string        `json:"instance_id"`
	Environment   string        `json:"environment"`
	CreatedAt     time.Time     `json:"created_at"`
	Active        ActivePack    `json:"active"`
	Installed     []Pack        `json:"installed"`
	Pins          Pins          `json:"pins"`
	LastAttempt   *Attempt      `json:"last_attempt,omitempty"`
	Health        Health        `json:"health"`
	TelemetryRefs TelemetryRefs `json:"telemetry_refs"`
}

// ActivePack is the pack that a node runs.
type ActivePack struct {
	Channel     string    `json:"channel"`
	PackID      string    `json:"pack_id"`
	ActivatedAt time.Time `json:"activated_at"`
	ExchangeRef *Ref      `json:"exchange_ref,omitempty"`
}

// Pack is a pack that lies on a node.
type Pack struct {
	PackID      string     `json:"pack_id"`
	InstalledAt time.Time  `json:"installed_at"`
	ManifestRef Ref        `json:"manifest_ref"`
	Status      PackStatus `json:"status"`
}

// PackStatus is how far a node is with a pack.
type PackStatus string

// Ref is a digest, and where what has it may be fetched.
type Ref struct {
	records.Digest
	URI string `json:"uri,omitempty"`
}

// Pins are what a node may and may not run.
type Pins struct {
	PinnedPackID   string   `json:"pinned_pack_id,omitempty"`
	RevokedPackIDs []string `json:"revoked_pack_ids"`
}

// Attempt is the last thing that a node tried.
type Attempt struct {
	Type         AttemptType `json:"type"`
	TargetPackID string      `json:"target_pack_id,omitempty"`
	Status       Status      `json:"status"`
	ReasonCode   string      `json:"reason_code,omitempty"`
	StartedAt    time.Time   `json:"started_at"`
	FinishedAt   *time.Time  `json:"finished_at,omitempty"`
}

// AttemptType is what a node tried.
type AttemptType string

// TelemetryRefs say where more is.
type TelemetryRefs struct {
	Logs    string `json:"logs,omitempty"`
	Trace   string `json:"trace,omitempty"`
	Metrics string `json:"metrics,omitempty"`
}
