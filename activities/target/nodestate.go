package target

import (
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/telemetry"
)

// Stamp is what an observation does not know of itself.
type Stamp struct {
	StateID  string    // UUID
	Observed time.Time // when Observe ended
	Started  time.Time // when the attempt began
}

// NoPack is the pack id of a cohort in which no pack is active, or is to be.
const NoPack = "none"

// NodeStateOf returns the state of one cohort in the form in which nodes tell theirs. It is proof of an
// activation only where its last attempt SUCCEEDED, which is so only if everything
// was read back as the index says. The error is a *runner.Failure with
// gates.EvidenceMissing where the cohort was not observed at all.
func NodeStateOf(found State, name string, stamp Stamp) (telemetry.NodeState, error) {
	cohort, err := found.cohort(name)
	if err != nil {
		return telemetry.NodeState{}, err
	}
	want, err := cohort.wanted()
	if err != nil {
		return telemetry.NodeState{}, err
	}
	drift := append(append([]Drift(nil), found.Drift...), cohort.Drift...)
	proven := len(drift) == 0 && cohort.Found == want
	at := stamp.Observed
	node := telemetry.NodeState{
		StateID:     stamp.StateID,
		InstanceID:  found.Index.Channel.String() + "/" + name,
		Environment: found.Index.Environment,
		CreatedAt:   at,
		Active:      telemetry.ActivePack{Channel: found.Index.Name, PackID: packID(cohort.Found), ActivatedAt: cohort.Since},
		Installed:   []telemetry.Pack{},
		Pins:        telemetry.Pins{RevokedPackIDs: []string{}},
		LastAttempt: &telemetry.Attempt{Type: attemptOf(found, cohort), TargetPackID: packID(want), Status: telemetry.Succeeded, StartedAt: stamp.Started, FinishedAt: &at},
		Health:      telemetry.Health{Status: telemetry.Healthy, Signals: []telemetry.Signal{{Name: "drift", Value: float64(len(drift))}}},
	}
	for _, revoked := range found.Index.Revoked {
		node.Pins.RevokedPackIDs = append(node.Pins.RevokedPackIDs, revoked.String())
	}
	if !proven {
		node.LastAttempt.Status = telemetry.Failed
		node.LastAttempt.ReasonCode = string(gates.TargetLinkForeign)
		node.Health.Status = telemetry.Unhealthy
	}
	if len(drift) > 0 {
		node.LastAttempt.ReasonCode = string(drift[0].Code)
	}
	if !cohort.Inactive {
		describePack(&node, cohort, proven)
	}
	return node, nil
}

// describePack says of the pack that is to be active what was found of it. Of that
// of an inactive cohort nothing is known: it was not looked at.
func describePack(node *telemetry.NodeState, cohort Cohort, proven bool) {
	installed := telemetry.Pack{
		PackID: node.LastAttempt.TargetPackID, InstalledAt: cohort.Since, ManifestRef: refOf(cohort.Pack.Manifest), Status: "VERIFIED",
	}
	if !proven {
		installed.Status = "FAILED"
	}
	node.Installed = append(node.Installed, installed)
	if node.Active.PackID == installed.PackID {
		exchange := refOf(cohort.Pack.Exchange)
		node.Active.ExchangeRef = &exchange
	}
}

// wanted is the digest of the pack that is to be active, zero where none is.
func (c Cohort) wanted() (records.Digest, error) {
	if c.Inactive {
		return records.Digest{}, nil
	}
	return c.Pack.Digest()
}

// attemptOf is a rollback where a pack is taken away, or taken back to an older one.
func attemptOf(found State, cohort Cohort) telemetry.AttemptType {
	if cohort.Inactive {
		return "ROLLBACK"
	}
	for _, downgrade := range found.Index.Downgrades {
		if downgrade.Cohort == cohort.Name {
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

func refOf(r records.Ref) telemetry.Ref { return telemetry.Ref{Digest: r.Digest, URI: r.URI} }
