package rollout

import (
	"slices"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Warrant is what a release shows its channel to move: decisions of gates, each
// about this release, this pack and this stage. It serves for one move, since a
// stage is entered once.
type Warrant struct {
	ReleaseID string         `json:"release_id"`
	Pack      records.Digest `json:"pack"`
	Stage     int            `json:"stage"` // the one that is entered; one past the last closes the release
	Permits   []Permit       `json:"permits"`
}

// Permit is what one gate decided.
type Permit struct {
	Gate      gates.Gate     `json:"gate"`
	Verdict   gates.Verdict  `json:"verdict"`
	ReleaseID string         `json:"release_id"`
	Pack      records.Digest `json:"pack"`
	Stage     int            `json:"stage"`
	Inputs    records.Digest `json:"inputs"` // the decision's, by which it is found
}

// asked has the gates that must permit a move: into a first stage, into a later
// one, and out of the last. There is no move that asks for none, and none for
// first releases: they are gated like any other.
func asked(stage, stages int) []gates.Gate {
	switch {
	case stage <= 0:
		return []gates.Gate{gates.GateIntegrity, gates.GateCompatibility, gates.GateApprovals, gates.GateFreeze}
	case stage < stages:
		return []gates.Gate{gates.GateIntegrity, gates.GateFreeze, gates.GateHealth}
	default:
		return []gates.Gate{gates.GateHealth}
	}
}

// missing returns the first gate that must permit the move and does not. A gate
// that also refuses has not permitted.
func (w Warrant) missing(stages int) (gates.Gate, bool) {
	for _, gate := range asked(w.Stage, stages) {
		permits := slices.DeleteFunc(slices.Clone(w.Permits), func(p Permit) bool { return p.Gate != gate })
		if len(permits) == 0 || slices.ContainsFunc(permits, func(p Permit) bool { return !w.covers(p) }) {
			return gate, true
		}
	}
	return "", false
}

func (w Warrant) covers(p Permit) bool {
	return p.Verdict == gates.Pass && p.ReleaseID == w.ReleaseID && p.Pack == w.Pack && p.Stage == w.Stage && p.Inputs.Valid()
}
