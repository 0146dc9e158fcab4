package target

import (
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// NodeState is the node state of the contract (CONTRACTS §1), exactly: no other
// keys at any level.
type NodeState struct {
	StateID       string        `json:"state_id"` // UUID
	InstanceID    string        `json:"instance_id"`
	Environment   string        `json:"environment"`
	CreatedAt     time.Time     `json:"created_at"`
	Active        Active        `json:"active"`
	Installed     []Installed   `json:"installed"`
	Pins          Pins          `json:"pins"`
	LastAttempt   Attempt       `json:"last_attempt"`
	Health        Health        `json:"health"`
	TelemetryRefs TelemetryRefs `json:"telemetry_refs"`
}

// Active is the pack that runs.
type Active struct {
	Channel     string     `json:"channel"`
	PackID      string     `json:"pack_id"`
	ActivatedAt time.Time  `json:"activated_at"`
	ExchangeRef *DigestRef `json:"exchange_ref,omitempty"`
}

// DigestRef is a digest as the contracts write it.
type DigestRef struct {
	records.Digest
	URI string `json:"uri,omitempty"`
}

// Installed is a pack that is on the node.
type Installed struct {
	PackID      string    `json:"pack_id"`
	InstalledAt time.Time `json:"installed_at"`
	ManifestRef DigestRef `json:"manifest_ref"`
	Status      string    `json:"status"` // VERIFIED or FAILED
}

// Pins are the packs that are held or kept out.
type Pins struct {
	PinnedPackID   string   `json:"pinned_pack_id,omitempty"`
	RevokedPackIDs []string `json:"revoked_pack_ids"`
}

// Attempt is what was tried last.
type Attempt struct {
	Type         string     `json:"type"` // VERIFY, ACTIVATE or ROLLBACK
	TargetPackID string     `json:"target_pack_id,omitempty"`
	Status       string     `json:"status"` // SUCCEEDED or FAILED
	ReasonCode   gates.Code `json:"reason_code,omitempty"`
	StartedAt    time.Time  `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
}

// Health is how the node is.
type Health struct {
	Status  string   `json:"status"` // HEALTHY, DEGRADED, UNHEALTHY or UNKNOWN
	Signals []Signal `json:"signals"`
}

// Signal is one measurement.
type Signal struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
}

// TelemetryRefs say where more is.
type TelemetryRefs struct {
	Logs    string `json:"logs,omitempty"`
	Trace   string `json:"trace,omitempty"`
	Metrics string `json:"metrics,omitempty"`
}

// Stamp is what an observation does not know of itself.
type Stamp struct {
	StateID  string    // UUID
	Observed time.Time // when Observe ended
	Started  time.Time // when the attempt began
}

// NoPack is the pack id of a cohort whose link leads to no pack.
const NoPack = "none"

// NodeStateOf returns the state of one cohort as of a node. It is proof of an
// activation only where its last attempt SUCCEEDED, which is so only if everything
// was read back as the index says. The error is a *runner.Failure with
// gates.EvidenceMissing where the cohort was not observed at all.
func NodeStateOf(found State, name string, stamp Stamp) (NodeState, error) {
	cohort, err := found.cohort(name)
	if err != nil {
		return NodeState{}, err
	}
	want, err := cohort.Pack.Digest()
	if err != nil {
		return NodeState{}, err
	}
	drift := append(append([]Drift(nil), found.Drift...), cohort.Drift...)
	proven := len(drift) == 0 && cohort.Found == want
	at := stamp.Observed
	node := NodeState{
		StateID:     stamp.StateID,
		InstanceID:  found.Index.Channel.String() + "/" + name,
		Environment: found.Index.Environment,
		CreatedAt:   at,
		Active:      Active{Channel: found.Index.Name, PackID: packID(cohort.Found), ActivatedAt: cohort.Since},
		Installed:   []Installed{{PackID: want.String(), InstalledAt: cohort.Since, ManifestRef: refOf(cohort.Pack.Manifest), Status: "VERIFIED"}},
		Pins:        Pins{RevokedPackIDs: []string{}},
		LastAttempt: Attempt{Type: attemptOf(found, name), TargetPackID: want.String(), Status: "SUCCEEDED", StartedAt: stamp.Started, FinishedAt: &at},
		Health:      Health{Status: "HEALTHY", Signals: []Signal{{Name: "drift", Value: float64(len(drift))}}},
	}
	for _, revoked := range found.Index.Revoked {
		node.Pins.RevokedPackIDs = append(node.Pins.RevokedPackIDs, revoked.String())
	}
	if cohort.Found == want {
		exchange := refOf(cohort.Pack.Exchange)
		node.Active.ExchangeRef = &exchange
	}
	if !proven {
		node.Installed[0].Status = "FAILED"
		node.LastAttempt.Status = "FAILED"
		node.LastAttempt.ReasonCode = gates.TargetLinkForeign
		node.Health.Status = "UNHEALTHY"
	}
	if len(drift) > 0 {
		node.LastAttempt.ReasonCode = drift[0].Code
	}
	return node, nil
}

func attemptOf(found State, name string) string {
	for _, downgrade := range found.Index.Downgrades {
		if downgrade.Cohort == name {
			return "ROLLBACK"
		}
	}
	return "ACTIVATE"
}

func packID(d records.Digest) string {
	if d.IsZero() {
		return NoPack
	}
	return d.String()
}

func refOf(r records.Ref) DigestRef { return DigestRef{r.Digest, r.URI} }
