package rollout

import "slices"

// resumes has what a release does in each phase: what it begins with when it comes
// there, and with what it goes on when its workflow begins again.
var resumes = map[Phase][]Step{
	PhaseChecking:         {DoCheck},
	PhaseAwaitingApproval: {DoSeek},
	PhaseApproved:         {DoJoin},
	PhaseDistributing:     {DoDistribute},
	PhaseVerifying:        {DoVerify},
	PhaseActivating:       {DoAdvance},
	PhaseObserving:        {DoObserve},
	PhaseSoaking:          {DoSoak},
	PhaseClosedGood:       {DoClose},
	PhaseRollingBack:      {DoContain},
	// What ended may have been about to leave its channel.
	PhaseAborted:    {DoLeave},
	PhaseSuperseded: {DoLeave},
	PhaseFailed:     {DoLeave},
}

// Resume returns what a release does when its workflow begins again in a phase.
func Resume(phase Phase) []Step { return slices.Clone(resumes[phase]) }
