package casehistory

import (
	"errors"
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

// refuses reports whether a Case at a version refuses an append with a code: entries that
// it has already change nothing, and the first that breaks a rule decides for all.
func (c *checker) refuses(a attempt, code cases.Code, version int64) bool {
	state := c.states[version]
	var done []records.Entry
	for _, e := range a.entries {
		if place, there := c.places[e.ID]; there && place <= version {
			if c.log[place-1].Digest != e.Digest {
				return code == codeTaken
			}
			continue
		}
		if slices.ContainsFunc(done, func(d records.Entry) bool { return d.ID == e.ID }) {
			continue
		}
		if broken := state.objects(e); len(broken) > 0 {
			return slices.ContainsFunc(broken, func(o objection) bool { return o.code == code && o.tells(a.err) })
		}
		state, done = state.after(e), append(done, e)
	}
	return false
}

// tells reports whether a refusal has what it is to say: a stale writer learns which
// version there is.
func (o objection) tells(err error) bool {
	var refusal *cases.Refusal
	if o.code != cases.CodeStale {
		return true
	}
	return errors.As(err, &refusal) && refusal.Current == o.current && refusal.Expected != o.current
}

func bodies(entries []records.Entry) string {
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = e.Type + " by " + e.Actor + " " + string(e.Body)
	}
	return strings.Join(all, "; ")
}
