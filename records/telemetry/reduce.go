package telemetry

import "time"

// Stored is a sample as it lies in the store: with its position among those of its
// release, from 1 on, and Counts or why it does not count.
type Stored struct {
	Position int64
	Code     Code
	Sample
}

// Reducer turns the samples of one cohort into windows. It holds a few words for
// each member that reported, and is not safe for concurrent use.
type Reducer struct {
	release Release
	cohort  Cohort
	wanted  map[string]bool // health signals
	nodes   map[string]nodeSeen
	window  Window
}

// nodeSeen is the newest state of a node, if it has reported one.
type nodeSeen struct {
	at      time.Time
	stateID string // tells states of one time apart, so that their order does not matter
	active  bool
}

// NewReducer returns a reducer of a cohort that the release has and that was
// activated: a cohort that was not has no window.
func NewReducer(organization string, release Release, cohort string) *Reducer {
	frozen := release.Cohorts[cohort]
	r := &Reducer{
		release: release, cohort: frozen, wanted: map[string]bool{}, nodes: map[string]nodeSeen{},
		window: Window{
			Organization: organization, ReleaseID: release.ID, Cohort: cohort,
			ActivatedAt: frozen.ActivatedAt.UTC(), Expected: int64(len(frozen.Members)),
			Metrics: map[string]Metric{}, Refused: map[Code]int64{},
		},
	}
	for _, signal := range release.Signals {
		r.wanted[signal] = true
	}
	return r
}

// Add adds a sample that names the cohort. Positions must ascend: one that is in
// the window already is passed over.
//
// What its code says was decided when the sample came. That it is of a member, and
// not from before the activation, is asked again: of other samples nothing may
// count, however they got into the store.
func (r *Reducer) Add(s Stored) {
	if s.Position <= r.window.Sequence {
		return
	}
	r.window.Sequence = s.Position
	code := s.Code
	switch {
	case code != Counts:
	case !r.cohort.has(s.NodeID):
		code = NodeNotInCohort
	case !r.cohort.active(s.At):
		code = SampleBeforeActivation
	}
	if code != Counts {
		r.window.Refused[code]++
		return
	}
	r.count(s.Sample)
}

func (r *Reducer) count(s Sample) {
	w := &r.window
	w.Counted++
	at := s.At.UTC()
	if w.From.IsZero() || at.Before(w.From) {
		w.From = at
	}
	if at.After(w.To) {
		w.To = at
	}
	seen, phase := s.observe(r.wanted)
	for _, o := range seen {
		metric := w.Metrics[o.metric]
		metric.add(o)
		w.Metrics[o.metric] = metric
	}
	w.WorstPhase = worse(w.WorstPhase, phase)
	r.see(s)
}

// see keeps the newest state of the sample's node.
func (r *Reducer) see(s Sample) {
	before, reported := r.nodes[s.NodeID]
	if !reported {
		r.window.Reporting++
		r.nodes[s.NodeID] = before
	}
	if s.Kind != KindNodeState {
		return
	}
	now := nodeSeen{at: s.At, stateID: s.NodeState.StateID, active: r.runs(s.NodeState)}
	if now.at.Before(before.at) || now.at.Equal(before.at) && now.stateID <= before.stateID {
		return
	}
	r.nodes[s.NodeID] = now
	if before.active {
		r.window.Active--
	}
	if now.active {
		r.window.Active++
	}
}

// runs reports whether a state proves that its node runs the release's pack.
func (r *Reducer) runs(state *NodeState) bool {
	return state.Active.PackID == r.release.PackID && r.cohort.active(state.Active.ActivatedAt)
}

// Sequence returns that of the last sample added, 0 before the first.
func (r *Reducer) Sequence() int64 { return r.window.Sequence }

// Window returns the window of all samples added so far. It shares nothing with
// the reducer.
func (r *Reducer) Window() (Window, error) { return r.window.clone().sealed() }
