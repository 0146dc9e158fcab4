package releases

import (
	"slices"

	"github.com/initkoa/orgo/gates/rollout"
)

// beside returns the packs that are, or should be, active in cohorts that are not
// rolled back: what is active in those that are will be gone.
func beside(channel rollout.Channel) []rollout.Pack {
	var packs []rollout.Pack
	for _, slot := range channel.Slots {
		if channel.Containment != nil && slices.Contains(channel.Containment.Cohorts, slot.Cohort) {
			continue
		}
		for _, p := range []*rollout.Placement{slot.Desired, slot.Active} {
			if p != nil && !slices.Contains(packs, p.Pack) {
				packs = append(packs, p.Pack)
			}
		}
	}
	return packs
}
