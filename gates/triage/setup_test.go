package triage_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/release"
)

const (
	organization = records.DefaultOrganization
	buildID      = "5f0c1c5e-0000-8000-8000-00000000000b"
	releaseID    = "5f0c1c5e-0000-8000-8000-00000000000e"
	webhookID    = "5f0c1c5e-0000-8000-8000-00000000000d"
)

var (
	now     = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	name    = records.ChannelName{Environment: "production", Name: "stable"}
	channel = records.ChannelSubject(organization, name)
)

// about makes an entry as the parts of Orgo make theirs.
func about(t *testing.T, subject records.Subject, typ, actor, reason string, body any, codes ...string) records.Entry {
	t.Helper()
	e := records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: typ, Subject: subject, At: now, Actor: actor, Reason: reason, Codes: codes,
	}
	switch subject.Kind {
	case records.SubjectBuild:
		e.Correlation.BuildID = subject.ID
	case records.SubjectRelease:
		e.Correlation.ReleaseID, e.Correlation.BuildID, e.Correlation.Channel = subject.ID, buildID, name.String()
	case records.SubjectChannel:
		e.Correlation.Channel = name.String()
	}
	made, err := records.NewEntry(e, "1", body)
	require.NoError(t, err)
	return made
}

func ofBuild(t *testing.T, typ string, body any, codes ...string) records.Entry {
	return about(t, records.Subject{Kind: records.SubjectBuild, ID: buildID}, typ, records.SystemActor, "", body, codes...)
}

func ofRelease(t *testing.T, typ, actor, reason string, body any, codes ...string) records.Entry {
	return about(t, records.ReleaseSubject(releaseID), typ, actor, reason, body, codes...)
}

func ofChannel(t *testing.T, typ, actor, reason string, body any, codes ...string) records.Entry {
	return about(t, channel, typ, actor, reason, body, codes...)
}

func ofWebhook(t *testing.T, typ string, body any, codes ...string) records.Entry {
	return about(t, records.Subject{Kind: event.SubjectWebhook, ID: webhookID}, typ, records.SystemActor, "", body, codes...)
}

func moved(t *testing.T, on rollout.ReleaseEventKind, before, after rollout.Phase, codes ...string) records.Entry {
	return ofRelease(t, release.TypeReleaseMoved, records.SystemActor, "because", release.Moved{Event: string(on), Before: string(before), After: string(after)}, codes...)
}

// cohorts is a channel that has some.
func cohorts(names ...string) triage.Context {
	record := rollout.NewRecord(organization, name)
	for _, cohort := range names {
		record.Slots = append(record.Slots, rollout.Slot{Cohort: cohort})
	}
	return triage.Context{Channel: &record}
}

// solo is a release that nobody else agrees to, or not.
func solo(is bool) triage.Context { return triage.Context{Release: &release.Record{Solo: is}} }

func of(t *testing.T, e records.Entry, more triage.Context) []triage.Meaning {
	t.Helper()
	found, err := triage.Of(e, more)
	require.NoError(t, err)
	return found
}

// said is a meaning in short: what a test compares.
func said(found []triage.Meaning) []string {
	var all []string
	for _, m := range found {
		text := string(m.Kind) + " " + m.Cause.String()
		if m.Task != "" {
			text += " " + m.Task
		}
		all = append(all, text)
	}
	return all
}

// admitted requires that a Case can be opened by what an entry means, under the
// built-in rules, and returns the Case.
func admitted(t *testing.T, e records.Entry, m triage.Meaning) *cases.Case {
	t.Helper()
	require.Equal(t, triage.Open, m.Kind)
	require.Equal(t, m.Cause.Kind, m.Opening.Facts.Cause)
	require.Equal(t, organization, m.Opening.Facts.Organization)
	route, why := routing.Route(m.Opening.Facts, gates.Ruleset{}.CaseRouting(e.At))
	require.NotEqual(t, "built-in/default", route.Rule, why)
	opened, err := records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: cases.TypeOpened, At: e.At, Actor: records.SystemActor,
		Subject: cases.Subject(cases.ID(organization, m.Cause, 1)),
	}, "1", m.Opening.Opened(m.Cause, 1, route, e.At))
	require.NoError(t, err)
	c, err := cases.Reduce(cases.Case{}, opened, 1)
	require.NoError(t, err)
	return &c
}
