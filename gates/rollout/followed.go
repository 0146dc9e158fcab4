package rollout

import "golang.org/x/mod/semver"

// Followed returns the pack that the next release of the channel follows: of those that
// are active, the one of the highest version; where none is, the newest that closed
// well. It is nil with first where the channel has neither, and nil without where it is
// not known what is active: what was published last was not read back yet, say.
func (c Channel) Followed() (pack *Pack, first bool) {
	for _, slot := range c.Slots {
		switch {
		case slot.Active == nil:
		case !slot.Active.Pack.Valid():
			return nil, false
		case pack == nil || semver.Compare("v"+slot.Active.Pack.Version, "v"+pack.Version) > 0:
			pack = &slot.Active.Pack
		}
	}
	if pack == nil && len(c.Good) > 0 {
		pack = &c.Good[len(c.Good)-1].Pack
	}
	return pack, pack == nil && c.Confirmed == c.Sequence
}
