package triage

import (
	"fmt"
	"strings"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
)

// glassCause: a release may have several, one after the other.
func glassCause(e records.Entry, glass release.BreakGlass) cases.Cause {
	return cases.Cause{Kind: cases.CauseBreakGlass, ID: e.Subject.ID + "/" + glass.OpenedAt.UTC().Format(time.RFC3339Nano)}
}

// overdueCause: that a review is overdue is one cause for the organization, whichever
// release is refused a break-glass for it.
func overdueCause(e records.Entry) cases.Cause {
	return cases.Cause{Kind: cases.CauseBreakGlass, ID: "overdue/" + e.Organization}
}

// glassConfirmed: from then on it counts, and has to be reviewed.
func glassConfirmed(e records.Entry, glass release.BreakGlass, _ Context) []Meaning {
	o := Opening{
		Type: "break_glass", Category: cases.Incident, Codes: []string{},
		Summary: clipped(because(fmt.Sprintf("Release %s was let past %s by %s", e.Subject.ID, strings.Join(glass.Gates, ", "), strings.Join(glass.By, " and ")), glass.Reason)),
		Due:     []Due{{Key: cases.TaskReview, At: glass.ReviewBy}},
	}
	if glass.CaseID != "" {
		o.Refs = []cases.Ref{{Type: "case", Ref: glass.CaseID, Note: "the incident that it is for"}}
	}
	return []Meaning{opening(e, glassCause(e, glass), o)}
}

func glassReviewed(e records.Entry, glass release.BreakGlass, _ Context) []Meaning {
	text := because("reviewed by "+e.Actor, e.Reason)
	cause, overdue := glassCause(e, glass), overdueCause(e)
	return []Meaning{
		done(cause, cases.TaskReview, text), cleared(cause, text),
		done(overdue, cases.TaskReview, text), cleared(overdue, text),
	}
}

// actionRefused: a review that nobody made keeps others from what they need.
func actionRefused(e records.Entry, outcome records.CommandOutcome, _ Context) []Meaning {
	if outcome.Code != string(gates.GlassReviewOverdue) {
		return nil
	}
	return []Meaning{opening(e, overdueCause(e), Opening{
		Type: "review_overdue", Category: cases.Incident,
		Summary: clipped(because("The review of a break-glass is overdue, and keeps another from being opened", outcome.Message)),
		Renew:   []string{cases.TaskReview},
	})}
}
