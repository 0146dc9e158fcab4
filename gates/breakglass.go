package gates

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/person"
	"github.com/initkoa/orgo/records/release"
)

// Limits of a break-glass, from when it was opened.
const (
	MaxGlass       = 4 * time.Hour      // until it expires
	MaxGlassReview = 7 * 24 * time.Hour // until it is reviewed
)

// GlassInputs is what is known of a break-glass when it is asked for, and of the
// refusal that it should let a release past.
type GlassInputs struct {
	Glass     release.BreakGlass `json:"break_glass"`
	ReleaseID string             `json:"release_id"` // whose it is
	Requester string             `json:"requester"`  // of that release
	// OverdueReview is the release with a break-glass that nobody reviewed in time, of
	// the organization; empty if there is none.
	OverdueReview string `json:"overdue_review,omitempty"`

	// Of its use: the release's intent as it is, the stage that would be entered, from
	// 0, and what was refused.
	Intent  records.Digest `json:"intent"`
	Stage   int            `json:"stage"`
	Refused Decision       `json:"refused"`
}

const ruleGlass = "orgo/break-glass"

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// BreakGlass decides whether a release gets past one refusal by a break-glass. The
// refusal stays: this is a second decision beside it, of the same gate about the same
// subject. It permits only if two persons answer for it, with a reason and a case, for
// exactly this; a binding rule of type "override" names every gate that is broken; and
// none of the organization's is left unreviewed. It is for the caller to record that
// it was used, together with this decision and before what it permits.
func BreakGlass(c Context, in GlassInputs) Decision {
	in.Refused.Inputs = nil // its digest says what they were
	findings := slices.Concat(GlassFaults(c, in), glassUse(c, in))
	if len(findings) == 0 {
		findings = append(findings, pass(ruleGlass, &in.Refused.InputsDigest))
	}
	d := decide(in.Refused.Gate, c, in, findings, nil)
	d.Override = &Override{Reason: in.Glass.Reason, CaseID: in.Glass.CaseID, ExpiresAt: in.Glass.ExpiresAt, Of: in.Refused.InputsDigest, BreakGlass: true}
	if len(in.Glass.By) > 0 {
		d.Override.Actor = in.Glass.By[0]
	}
	if len(in.Glass.By) > 1 {
		d.Override.ConfirmedBy = in.Glass.By[1]
	}
	return d
}

// glassFault is one thing that is wrong with a break-glass.
type glassFault struct {
	is           bool
	code         Code
	target, says string
}

func faultsOf(table []glassFault) []Finding {
	var findings []Finding
	for _, fault := range table {
		if fault.is {
			findings = append(findings, refuse(ruleGlass, Fail, fault.code, fault.says).about(fault.target))
		}
	}
	return findings
}

// GlassFaults returns why a break-glass is not admitted, be it by the first person or
// with the second; none if it is. Of what belongs to its use nothing is looked at.
func GlassFaults(c Context, in GlassInputs) []Finding {
	g := in.Glass
	lasts := g.ExpiresAt.Sub(g.OpenedAt)
	findings := faultsOf([]glassFault{
		{in.OverdueReview != "", GlassReviewOverdue, "review", fmt.Sprintf("that of release %s was not reviewed in time", in.OverdueReview)},
		{in.ReleaseID == "" || in.Requester == "", OverrideIncomplete, "release_id", "it is not known for which release it is, and who asked for that"},
		{!g.Intent.Valid(), OverrideIncomplete, "intent", "must name the intent that it is for by its digest"},
		{g.Stage < 0, OverrideIncomplete, "stage", "must name one stage"},
		{!uuid.MatchString(g.CaseID), OverrideIncomplete, "case_id", "must name a case by its uuid"},
		{g.Reason == "", OverrideIncomplete, "reason", "must have a reason"},
		{len(g.Gates) == 0, OverrideIncomplete, "gates", "must name the gates that it breaks"},
		{len(g.By) == 0 || len(g.By) > 2, OverrideIncomplete, "by", "one person opens it, and one confirms it"},
		{slices.ContainsFunc(g.By, nobody), OverrideForbidden, "by", "only persons break glass"},
		{len(g.By) == 2 && person.Alike(g.By[0], g.By[1]), GlassUnconfirmed, "by", "who opened it cannot confirm it"},
		{g.OpenedAt.IsZero() || g.OpenedAt.After(c.At), OverrideIncomplete, "opened_at", "was not opened, or is to be"},
		{lasts <= 0 || lasts > MaxGlass, OverrideIncomplete, "expires_at", fmt.Sprintf("must expire within %s", MaxGlass)},
		{!c.At.Before(g.ExpiresAt), GlassExpired, "expires_at", "has expired"},
		{!g.ReviewBy.After(g.OpenedAt) || g.ReviewBy.Sub(g.OpenedAt) > MaxGlassReview, OverrideIncomplete, "review_by", fmt.Sprintf("must be reviewed within %s", MaxGlassReview)},
	})
	for _, name := range g.Gates {
		findings = append(findings, c.breaks(Gate(name), in)...)
	}
	return findings
}

// nobody reports whether an actor is no person.
func nobody(actor string) bool { return !person.Somebody(actor) }

// breaks returns why a gate is not broken under the policy.
func (c Context) breaks(gate Gate, in GlassInputs) []Finding {
	rule, named := c.Rules.overrideOf(c, gate)
	possible := slices.Contains(overridable(), gate)
	longest := time.Duration(rule.config.MaxDuration)
	return faultsOf([]glassFault{
		{!possible, OverrideForbidden, "gate " + string(gate), fmt.Sprintf("the %s gate can never be overridden", gate)},
		{possible && !named, OverrideForbidden, "gate " + string(gate), fmt.Sprintf("no rule of the policy lets the %s gate be overridden", gate)},
		{named && in.Glass.ExpiresAt.Sub(in.Glass.OpenedAt) > longest, OverrideIncomplete, "expires_at", fmt.Sprintf("the policy has it expire within %s", longest)},
		{named && rule.config.Separate && person.AnyAlike(in.Requester, in.Glass.By...), OverrideForbidden, "by", fmt.Sprintf("%s asked for what was refused, and the policy asks for others", in.Requester)},
	})
}

// glassUse returns why a break-glass that was admitted is not for this refusal.
func glassUse(c Context, in GlassInputs) []Finding {
	g, refused := in.Glass, in.Refused
	return faultsOf([]glassFault{
		{len(g.By) == 1, GlassUnconfirmed, "by", "no second person confirmed it"},
		{g.Used, GlassUsed, "used", "was used before"},
		{len(g.Reviewed) > 0, GlassUsed, "reviewed", "is reviewed: it is over"},
		{c.Subject.ReleaseID != in.ReleaseID, GlassOutOfScope, "release_id", "is of another release"},
		{g.Stage != in.Stage, GlassOutOfScope, "stage", fmt.Sprintf("is for stage %d, not for stage %d", g.Stage, in.Stage)},
		{g.Intent != in.Intent, GlassOutOfScope, "intent", "is for another intent"},
		{!slices.Contains(g.Gates, string(refused.Gate)), GlassOutOfScope, "gate", fmt.Sprintf("does not name the %s gate", refused.Gate)},
		{refused.Permits() || refused.Override != nil || refused.Subject != c.Subject || refused.PolicyDigest != c.Rules.policy.Digest || !refused.InputsDigest.Valid(),
			GlassOutOfScope, "of", "is not about the refusal of this subject under this policy"},
	})
}
