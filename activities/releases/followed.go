package releases

import (
	"slices"

	"golang.org/x/mod/semver"

	"github.com/initkoa/orgo/gates/rollout"
)

// followed returns the pack that the next release of a channel follows: of those that
// are active, the one of the highest version; where none is, the newest that closed
// well. It is nil with first where the channel has neither, and nil without where it
// is not known what is active.
func followed(channel rollout.Channel) (pack *rollout.Pack, first bool) {
	for _, slot := range channel.Slots {
		switch {
		case slot.Active == nil:
		case !slot.Active.Pack.Valid():
			return nil, false
		case pack == nil || semver.Compare("v"+slot.Active.Pack.Version, "v"+pack.Version) > 0:
			pack = &slot.Active.Pack
		}
	}
	if pack == nil && len(channel.Good) > 0 {
		pack = &channel.Good[len(channel.Good)-1].Pack
	}
	return pack, pack == nil && channel.Confirmed == channel.Sequence
}

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
