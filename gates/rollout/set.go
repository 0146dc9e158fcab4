package rollout

import "slices"

// What the releases of a set tell each other. They take every stage in lockstep, and
// one that fails takes all with it.
const (
	PeerTurn  EffectKind = "peer_turn"  // the release in ID has its channel's turn
	PeerReady EffectKind = "peer_ready" // the release in ID is ready to enter Stage
	PeerEnded EffectKind = "peer_ended" // the release in ID goes back, or has ended, for Code
)

// HasTurn reports whether a release in a phase has the turn of its channel, or had it and
// closed well. It keeps the turn until it has closed or ended.
func HasTurn(phase Phase) bool { return phase == PhaseClosedGood || slices.Contains(moving, phase) }

// ReadyFor returns the newest stage that a release in a phase is ready to enter, or has
// entered, and false if it is none.
func ReadyFor(phase Phase, stage int) (int, bool) {
	switch {
	case !HasTurn(phase):
		return 0, false
	case phase == PhaseDistributing || phase == PhaseVerifying:
		return stage - 1, stage > 0
	default:
		return stage, true
	}
}

// FromPeer reports whether it is another release of the set that tells so.
func (k EffectKind) FromPeer() bool {
	return slices.Contains([]EffectKind{PeerTurn, PeerReady, PeerEnded}, k)
}
