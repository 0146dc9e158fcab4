package cases

import (
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// Bounds of a Case: it is read and written as one.
const (
	MaxTasks       = 200
	MaxRefs        = 500
	MaxOwners      = 50
	MaxTitle       = 512 // characters (CONTRACTS §1)
	MaxEscalations = 16
)

const timeLayout = time.RFC3339

// taskLabel is the form of a label: base.category.subcategory.role… That of a Task
// is the narrower one of the two in CONTRACTS §1, so both have it.
var taskLabel = regexp.MustCompile(`^\d+\.\d+\.\d+\.[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$`)

// severities are those of incidents (CONTRACTS §2); a Case need not be one.
var severities = []string{"", "SEV1", "SEV2", "SEV3", "SEV4"}

func (o Opened) problem() string {
	switch {
	case !slices.Contains(Sources(), o.Source):
		return fmt.Sprintf("source %q is none of %v", o.Source, Sources())
	case o.Type == "":
		return "its type is missing"
	case !slices.Contains(Categories(), o.Category):
		return fmt.Sprintf("category %q is none of %v", o.Category, Categories())
	case o.Summary == "" || utf8.RuneCountInString(o.Summary) > MaxTitle:
		return fmt.Sprintf("its summary has 1 to %d characters", MaxTitle)
	case o.Ordinal < 1:
		return "its ordinal is less than 1"
	case len(o.Refs) > MaxRefs:
		return fmt.Sprintf("it has more than %d references", MaxRefs)
	case slices.ContainsFunc(o.Refs, func(r Ref) bool { return !r.valid() }):
		return "a reference has a ref_type and a ref"
	}
	return o.Route.Problem()
}

func (r Ref) valid() bool { return r.Type != "" && r.Ref != "" }

// Problem says what keeps a route from being one, or nothing.
func (r Route) Problem() string {
	switch {
	case r.Rule == "":
		return "the route names no rule"
	case !taskLabel.MatchString(r.Label):
		return fmt.Sprintf("label %q is not like 1000.12.34.Ops.Maintenance", r.Label)
	case !slices.Contains(Priorities(), r.Priority):
		return fmt.Sprintf("priority %q is none of %v", r.Priority, Priorities())
	case !slices.Contains(severities, r.Severity):
		return fmt.Sprintf("severity %q is none of %v", r.Severity, severities[1:])
	case !slices.Contains(Visibilities(), r.Visibility):
		return fmt.Sprintf("visibility %q is none of %v", r.Visibility, Visibilities())
	case len(r.Escalation) > MaxEscalations:
		return fmt.Sprintf("it has more than %d levels of escalation", MaxEscalations)
	case len(r.Tasks) > MaxTasks:
		return fmt.Sprintf("it plans more than %d tasks", MaxTasks)
	}
	if problem := ownersProblem(r.Owners); problem != "" {
		return problem
	}
	return r.partsProblem()
}

func (r Route) partsProblem() string {
	for i, level := range r.Escalation {
		if i > 0 && level.After < r.Escalation[i-1].After {
			return fmt.Sprintf("level %d of the escalation comes before the one below it", i+1)
		}
		if len(level.Owners) > 0 {
			if problem := ownersProblem(level.Owners); problem != "" {
				return fmt.Sprintf("level %d of the escalation: %s", i+1, problem)
			}
		}
	}
	for _, s := range r.Pauses {
		if !slices.Contains(Statuses(), s) || s.Terminal() {
			return fmt.Sprintf("no Case is paused in %q", s)
		}
	}
	for _, s := range r.TaskPauses {
		if !slices.Contains(TaskStatuses(), s) || s.Terminal() {
			return fmt.Sprintf("no task is paused in %q", s)
		}
	}
	for _, asked := range []*Asked{r.ReviewBy, r.CloseBy} {
		if problem := asked.problem(); problem != "" {
			return problem
		}
	}
	keys := map[string]bool{}
	for _, plan := range r.Tasks {
		if problem := plan.problem(); problem != "" {
			return problem
		}
		if keys[plan.Key] {
			return fmt.Sprintf("two tasks have the key %q", plan.Key)
		}
		keys[plan.Key] = true
	}
	return ""
}

func (p Plan) problem() string {
	switch {
	case p.Key == "" || p.Type == "":
		return "a task has a key and a type"
	case reserved(p.Key):
		return fmt.Sprintf("the key %q of a task begins with %q, as those do that Orgo gives", p.Key, decisionKeys)
	case p.Title == "" || utf8.RuneCountInString(p.Title) > MaxTitle:
		return fmt.Sprintf("the title of task %q has 1 to %d characters", p.Key, MaxTitle)
	case p.Category != "" && !slices.Contains(Categories(), p.Category):
		return fmt.Sprintf("category %q of task %q is none of %v", p.Category, p.Key, Categories())
	case p.Priority != "" && !slices.Contains(Priorities(), p.Priority):
		return fmt.Sprintf("priority %q of task %q is none of %v", p.Priority, p.Key, Priorities())
	case p.Label != "" && !taskLabel.MatchString(p.Label):
		return fmt.Sprintf("label %q of task %q is not like 1000.12.34.Ops.Maintenance", p.Label, p.Key)
	case p.Owner != nil:
		return ownersProblem([]Owner{*p.Owner})
	}
	return ""
}

func ownersProblem(owners []Owner) string {
	if len(owners) == 0 {
		return "nobody would own it: name an owner"
	}
	if len(owners) > MaxOwners {
		return fmt.Sprintf("more than %d would own it", MaxOwners)
	}
	for i, o := range owners {
		switch {
		case !slices.Contains(OwnerKinds(), o.Kind) || o.ID == "":
			return fmt.Sprintf("owner %d has a kind of %v and an id", i+1, OwnerKinds())
		case slices.ContainsFunc(owners[:i], func(has Owner) bool { return has.Kind == o.Kind && has.ID == o.ID }):
			return fmt.Sprintf("%s %s would own it twice", o.Kind, o.ID)
		}
	}
	return ""
}
