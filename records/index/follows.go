package index

import (
	"slices"

	"github.com/initkoa/orgo/records"
)

// Begins returns nil if next may be the first index of its channel.
func Begins(next Index) error {
	if err := next.Check(); err != nil {
		return err
	}
	if next.After != 0 {
		return fault(SequenceNotNext, "", "sequence %d follows %d, and nothing is published", next.Sequence, next.After)
	}
	return next.allow(nil)
}

// Follows returns nil if next may be published after previous, and an *Error if
// not.
func Follows(previous, next Index) error {
	if err := next.Check(); err != nil {
		return err
	}
	switch {
	case previous.Channel != next.Channel:
		return fault(OtherChannel, "", "%s does not follow %s", next.Channel, previous.Channel)
	case next.After != previous.Sequence:
		return fault(SequenceNotNext, "", "sequence %d follows %d, and not %d", next.Sequence, next.After, previous.Sequence)
	case next.PublishedAt.Before(previous.PublishedAt):
		return fault(ClockWentBack, "", "published_at is before that of sequence %d", previous.Sequence)
	case lower(next.MinimumVersion, previous.MinimumVersion):
		return fault(MinimumFell, "", "minimum version %q was %q", next.MinimumVersion, previous.MinimumVersion)
	}
	for _, digest := range previous.Revoked {
		if !slices.Contains(next.Revoked, digest) {
			return fault(Unrevoked, "", "%s is no longer revoked", digest)
		}
	}
	if err := sameFacts(previous.Cohorts, next.Cohorts); err != nil {
		return err
	}
	var back []step
	for _, was := range previous.Cohorts {
		step, err := next.move(was)
		if err != nil {
			return err
		}
		if step.back {
			back = append(back, step)
		}
	}
	return next.allow(back)
}

// step is the way of one cohort from one index to the next.
type step struct {
	cohort   string
	from, to records.Digest
	release  string
	back     bool
}

// move compares a cohort with what it was. One that vanished is refused: it could
// come back later with a lower pack, and nothing would be left to compare it with.
func (i Index) move(was Cohort) (step, error) {
	is, there := i.Cohort(was.Name)
	if !there {
		return step{}, fault(CohortLost, was.Name, "it is no longer in the index")
	}
	from, err := was.Pack.Digest()
	if err != nil {
		return step{}, err
	}
	to, err := is.Pack.Digest()
	if err != nil {
		return step{}, err
	}
	switch {
	case is.Release == was.Release && from != to:
		return step{}, fault(PackExchanged, was.Name, "release %s had pack %s", was.Release.ID, from)
	case is.Release.Number == was.Release.Number && is.Release.ID != was.Release.ID:
		return step{}, fault(PackExchanged, was.Name, "release number %d is that of %s", was.Release.Number, was.Release.ID)
	case is.Inactive && is.Release != was.Release:
		// What comes next would be compared with something that was never active.
		return step{}, fault(InactiveMoved, was.Name, "an inactive cohort names release %s, and %s was there last", is.Release.ID, was.Release.ID)
	}
	return step{was.Name, from, to, is.Release.ID, back(was, is)}, nil
}

// back reports whether a cohort goes to something older, or again to what was taken
// away. An old pack under a new release number is older all the same.
func back(was, is Cohort) bool {
	again := was.Inactive && !is.Inactive && is.Release == was.Release
	return again || is.Release.Number < was.Release.Number || is.Pack.BuiltAt.Before(was.Pack.BuiltAt)
}

// allow matches steps back and authorizations one to one. One that allows nothing
// is refused: it would be a permission that waits for its use.
func (i Index) allow(back []step) error {
	allowed := make(map[string]Downgrade, len(i.Downgrades))
	for _, downgrade := range i.Downgrades {
		allowed[downgrade.Cohort] = downgrade
	}
	for _, step := range back {
		d, there := allowed[step.cohort]
		if !there || d.From != step.from || d.To != step.to || d.Release != step.release || d.Sequence != i.Sequence {
			return fault(NotAuthorized, step.cohort, "no authorization from %s to %s in release %s at sequence %d",
				step.from, step.to, step.release, i.Sequence)
		}
		delete(allowed, step.cohort)
	}
	for _, d := range i.Downgrades {
		if _, unused := allowed[d.Cohort]; unused {
			return fault(NothingToAllow, d.Cohort, "the authorization is for no step of this index")
		}
	}
	return nil
}
