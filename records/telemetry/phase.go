package telemetry

// Phase is how well something is. The zero Phase says nothing.
type Phase string

// The phases, from the best to the worst. A node that does not know how it is
// counts as worse than one that knows it is degraded: absent evidence is no pass.
const (
	Healthy   Phase = "HEALTHY"
	Degraded  Phase = "DEGRADED"
	Unknown   Phase = "UNKNOWN"
	Unhealthy Phase = "UNHEALTHY"
	// PhaseFailed is that of a verification, activation or rollback that failed. No
	// node reports it as its health.
	PhaseFailed Phase = "FAILED"
)

var phaseRanks = map[Phase]int{"": 0, Healthy: 1, Degraded: 2, Unknown: 3, Unhealthy: 4, PhaseFailed: 5}

// worse returns the worse of two phases.
func worse(a, b Phase) Phase {
	if phaseRanks[b] > phaseRanks[a] {
		return b
	}
	return a
}
