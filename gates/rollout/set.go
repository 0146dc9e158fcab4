package rollout

// What the releases of a set tell each other. They take every stage in lockstep, and
// one that fails takes all with it.
const (
	PeerReady EffectKind = "peer_ready" // the release in ID is ready to enter Stage
	PeerEnded EffectKind = "peer_ended" // the release in ID goes back, or has ended, for Code
)
