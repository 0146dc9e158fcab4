package telemetry

import "time"

// Limits say how far the time of a sample may be from now. Zero fields mean the
// defaults.
type Limits struct {
	Ahead time.Duration // into the future, as clocks differ; 30 s
	Age   time.Duration // into the past; 1 h
}

func (l Limits) withDefaults() Limits {
	if l.Ahead <= 0 {
		l.Ahead = 30 * time.Second
	}
	if l.Age <= 0 {
		l.Age = time.Hour
	}
	return l
}

// Admission is what a sample is admitted by. The zero Release is an unknown one.
type Admission struct {
	Organization string // the sender's
	Release      Release
	Found        bool // whether the organization has the release
	Limits       Limits
	Now          time.Time
}

// admissionRules in their order: the first that a sample breaks names the code.
// Each may rely on the ones before it.
var admissionRules = []struct {
	code  Code
	holds func(Admission, Sample) bool
}{
	{OrganizationForeign, func(a Admission, s Sample) bool {
		return s.OrganizationID == "" || s.OrganizationID == a.Organization
	}},
	{ReleaseUnknown, func(a Admission, s Sample) bool { return a.Found && a.Release.ID == s.ReleaseID }},
	{CohortUnknown, func(a Admission, s Sample) bool { _, known := a.Release.Cohorts[s.Cohort]; return known }},
	{NodeNotInCohort, func(a Admission, s Sample) bool { return a.Release.Cohorts[s.Cohort].has(s.NodeID) }},
	{SampleInFuture, func(a Admission, s Sample) bool { return !s.At.After(a.Now.Add(a.Limits.Ahead)) }},
	{SampleStale, func(a Admission, s Sample) bool { return !s.At.Before(a.Now.Add(-a.Limits.Age)) }},
	{SampleBeforeActivation, func(a Admission, s Sample) bool { return a.Release.Cohorts[s.Cohort].active(s.At) }},
}

// Admit returns Counts, or why a sample does not count.
func (a Admission) Admit(s Sample) Code {
	a.Limits = a.Limits.withDefaults()
	for _, rule := range admissionRules {
		if !rule.holds(a, s) {
			return rule.code
		}
	}
	return Counts
}

func (c Cohort) has(node string) bool {
	_, member := c.Members[node]
	return member
}

// active reports whether the cohort was activated at a time.
func (c Cohort) active(at time.Time) bool {
	return !c.ActivatedAt.IsZero() && !at.Before(c.ActivatedAt)
}
