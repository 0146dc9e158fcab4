package rollout

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// What a strategy that says nothing gets.
const (
	defaultObserve  = records.Duration(time.Minute)
	defaultDeadline = records.Duration(10 * time.Minute)
	defaultSoak     = records.Duration(time.Minute)
	defaultPinFor   = records.Duration(168 * time.Hour)
)

// defaultCohorts are those of a channel that nobody divided.
var defaultCohorts = []release.Portion{{Cohort: "canary", Points: 1000}, {Cohort: "rest", Points: 9000}}

// planName is what cohorts and stages may be called: names are also names of
// directories.
var planName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// modes makes the stages of a strategy on the cohorts of a channel, by mode.
var modes = map[release.Mode]func(release.Strategy, []release.Portion) ([]release.Stage, *Refusal){
	release.AllAtOnce:  oneStage,
	release.Pinned:     oneStage,
	release.Percentage: twoStages,
	release.Staged:     ownStages,
}

// PlanOf makes a strategy definite on a channel whose cohorts are existing; it has
// none yet if that is empty, and the plan divides it. The stages of a plan take every
// cohort once. A refusal changes nothing and says what could be asked for instead.
func PlanOf(s release.Strategy, existing []release.Portion) (release.Plan, *Refusal) {
	stagesOf, known := modes[s.Mode]
	if !known {
		return release.Plan{}, invalid("%q is no mode: there are all_at_once, percentage, staged and pinned", s.Mode)
	}
	if refused := checkStrategy(s); refused != nil {
		return release.Plan{}, refused
	}
	cohorts, refused := cohortsOf(s, existing)
	if refused != nil {
		return release.Plan{}, refused
	}
	stages, refused := stagesOf(s, cohorts)
	if refused != nil {
		return release.Plan{}, refused
	}
	plan := release.Plan{Cohorts: cohorts, Soak: or(s.Soak, defaultSoak), OnNoTarget: or(s.OnNoTarget, string(SafeMode)), OnDrift: s.OnDrift}
	if s.Mode == release.Pinned {
		plan.PinFor = or(s.PinFor, defaultPinFor)
	}
	for _, stage := range stages {
		part := release.Part{
			Name: stage.Name, Cohorts: slices.Clone(stage.Cohorts), Manual: stage.Manual,
			Observe: or(stage.Observe, s.Observe, defaultObserve), Deadline: or(stage.Deadline, s.Deadline, defaultDeadline),
		}
		if part.Deadline < part.Observe {
			return release.Plan{}, invalid("stage %s is watched for %s, but has to have passed after %s: give a deadline of at least that", part.Name, part.Observe.Std(), part.Deadline.Std())
		}
		plan.Parts = append(plan.Parts, part)
	}
	return plan, nil
}

func invalid(format string, args ...any) *Refusal {
	return refuse(gates.RequestInvalid, format, args...)
}

// or returns the first value that says something.
func or[T comparable](values ...T) (first T) {
	for _, v := range values {
		if v != first {
			return v
		}
	}
	return first
}

// checkStrategy refuses what no channel makes right: what belongs to another mode was
// meant to have an effect, and would have none.
func checkStrategy(s release.Strategy) *Refusal {
	durations := []records.Duration{s.Observe, s.Deadline, s.Soak, s.PinFor}
	for _, stage := range s.Stages {
		durations = append(durations, stage.Observe, stage.Deadline)
	}
	switch {
	case slices.Min(durations) < 0:
		return invalid("a duration is negative")
	case s.Mode != release.Percentage && s.Percentage != 0:
		return invalid("a percentage is of mode percentage, not of %s", s.Mode)
	case s.Mode != release.Staged && len(s.Stages) > 0:
		return invalid("stages are of mode staged, not of %s", s.Mode)
	case s.Mode != release.Pinned && s.PinFor != 0:
		return invalid("pin_for is of mode pinned, not of %s", s.Mode)
	case s.Mode == release.Percentage && (s.Percentage < 1 || s.Percentage > 99):
		return invalid("percentage is %d, must be 1 to 99; mode all_at_once takes all", s.Percentage)
	case s.OnNoTarget != "" && s.OnNoTarget != string(SafeMode) && s.OnNoTarget != string(Stay):
		return invalid("on_no_target is %q, must be %s or %s", s.OnNoTarget, SafeMode, Stay)
	case s.OnDrift != "" && s.OnDrift != string(DriftCase) && s.OnDrift != string(DriftRollback):
		return invalid("on_drift is %q, must be %s or %s", s.OnDrift, DriftCase, DriftRollback)
	}
	return nil
}

// cohortsOf returns the cohorts that the channel has or gets. It keeps those that it
// has: what is active is known by cohort.
func cohortsOf(s release.Strategy, existing []release.Portion) ([]release.Portion, *Refusal) {
	cohorts := existing
	switch {
	case len(existing) > 0 && len(s.Cohorts) > 0 && !slices.Equal(existing, s.Cohorts):
		return nil, invalid("the channel has the cohorts %s and keeps them; leave cohorts out", portions(existing))
	case len(existing) > 0:
	case len(s.Cohorts) > 0:
		cohorts = s.Cohorts
	case s.Mode == release.Percentage:
		cohorts = []release.Portion{{Cohort: "first", Points: s.Percentage * 100}, {Cohort: "rest", Points: cohort.Buckets - s.Percentage*100}}
	default:
		cohorts = defaultCohorts
	}
	return slices.Clone(cohorts), checkCohorts(cohorts)
}

func checkCohorts(cohorts []release.Portion) *Refusal {
	left := cohort.Buckets
	for i, c := range cohorts {
		// Some file systems do not tell names apart by case.
		same := func(other release.Portion) bool { return strings.EqualFold(other.Cohort, c.Cohort) }
		switch {
		case !planName.MatchString(c.Cohort):
			return invalid("%q is no name of a cohort: 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or a digit", c.Cohort)
		case slices.ContainsFunc(cohorts[:i], same):
			return invalid("cohort %s is there twice", c.Cohort)
		case c.Points < 1 || c.Points > left:
			return invalid("cohorts %s: each has at least 1 point, and all together 10000", portions(cohorts))
		}
		left -= c.Points
	}
	if left != 0 {
		return invalid("cohorts %s add up to %d points, must be 10000", portions(cohorts), cohort.Buckets-left)
	}
	return nil
}

func portions(cohorts []release.Portion) string {
	text := make([]string, len(cohorts))
	for i, c := range cohorts {
		text[i] = fmt.Sprintf("%s:%d", c.Cohort, c.Points)
	}
	return strings.Join(text, " ")
}

func namesOf(cohorts []release.Portion) []string {
	names := make([]string, len(cohorts))
	for i, c := range cohorts {
		names[i] = c.Cohort
	}
	return names
}

func oneStage(_ release.Strategy, cohorts []release.Portion) ([]release.Stage, *Refusal) {
	return []release.Stage{{Name: "all", Cohorts: namesOf(cohorts)}}, nil
}

// twoStages takes first the cohorts, from the first on, that together are the
// percentage.
func twoStages(s release.Strategy, cohorts []release.Portion) ([]release.Stage, *Refusal) {
	points := 0
	var possible []string
	for i, c := range cohorts[:len(cohorts)-1] {
		points += c.Points
		if points == s.Percentage*100 {
			return []release.Stage{{Name: "first", Cohorts: namesOf(cohorts[:i+1])}, {Name: "rest", Cohorts: namesOf(cohorts[i+1:])}}, nil
		}
		if points%100 == 0 {
			possible = append(possible, fmt.Sprint(points/100))
		}
	}
	if len(possible) == 0 {
		return nil, invalid("%d %% of the channel's cohorts %s cannot be taken first, nor can any other percentage", s.Percentage, portions(cohorts))
	}
	return nil, invalid("%d %% of the channel's cohorts %s cannot be taken first; these percentages can: %s", s.Percentage, portions(cohorts), strings.Join(possible, ", "))
}

// ownStages checks that the strategy's stages take each cohort once.
func ownStages(s release.Strategy, cohorts []release.Portion) ([]release.Stage, *Refusal) {
	left := namesOf(cohorts)
	for i, stage := range s.Stages {
		same := func(other release.Stage) bool { return strings.EqualFold(other.Name, stage.Name) }
		switch {
		case !planName.MatchString(stage.Name):
			return nil, invalid("%q is no name of a stage", stage.Name)
		case slices.ContainsFunc(s.Stages[:i], same):
			return nil, invalid("stage %s is there twice", stage.Name)
		case len(stage.Cohorts) == 0:
			return nil, invalid("stage %s takes no cohort", stage.Name)
		}
		for _, name := range stage.Cohorts {
			at := slices.Index(left, name)
			if at < 0 {
				return nil, invalid("stage %s takes cohort %q, which is taken before or is none of the channel's: %s", stage.Name, name, portions(cohorts))
			}
			left = slices.Delete(left, at, at+1)
		}
	}
	if len(left) > 0 {
		return nil, invalid("no stage takes the cohorts %s", strings.Join(left, ", "))
	}
	return s.Stages, nil
}

// Members says who is in each cohort of a channel, of all the nodes that are known, in
// the order of cohorts (cohort.Divide). They are frozen together, once for a release.
// Its error wraps a cohort.Refusal.
func Members(salt string, cohorts []release.Portion, known []cohort.Node) ([]cohort.Frozen, error) {
	parts := make([]cohort.Part, len(cohorts))
	for i, c := range cohorts {
		// What is no share of its own would be one after conversion.
		parts[i] = cohort.Part{Name: c.Cohort, Share: cohort.Share(min(max(c.Points, 0), cohort.Buckets+1))}
	}
	return cohort.Divide(salt, parts, known)
}
