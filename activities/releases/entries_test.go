package releases_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

func TestTheNewestRecordIsLoaded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	subject := records.ReleaseSubject("r")
	in := releases.LoadInput{Organization: organization, Subject: subject}
	require.Equal(t, releases.Loaded{}, must(b, b.act.Load, in))
	b.append(records.KindRecord, records.TypeRecordWritten, subject, "v1", release.Record{Version: 1})
	b.append(records.KindRecord, records.TypeRecordWritten, subject, "v2", release.Record{Version: 2})
	b.append(records.KindEvent, release.TypeTold, subject, "later", map[string]any{})
	loaded := must(b, b.act.Load, in)
	require.True(t, loaded.Found)
	require.EqualValues(t, 2, loaded.Version)
	in.Organization = "00000000-0000-4000-8000-000000000002"
	require.False(t, must(b, b.act.Load, in).Found)
}

func TestTheInboxHasOnlyMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	subject := records.ReleaseSubject("r")
	requested := b.append(records.KindEvent, release.TypeRequested, subject, "1", map[string]any{})
	b.append(records.KindRecord, records.TypeRecordWritten, subject, "v1", release.Record{Version: 1})
	asked := b.append(records.KindEvent, records.TypeActionRequested, subject, "3", records.Command{Action: release.ActionHold})
	b.append(records.KindEvent, records.TypeActionAccepted, subject, "4", map[string]any{})
	told := b.append(records.KindEvent, release.TypeTold, subject, "5", map[string]any{})
	ids := func(m releases.Messages) (list []string) {
		for _, message := range m.Messages {
			list = append(list, message.ID)
		}
		return list
	}
	in := releases.InboxInput{Organization: organization, Subject: subject}
	all := must(b, b.act.Inbox, in)
	require.Equal(t, []string{requested.ID, asked.ID, told.ID}, ids(all))
	require.False(t, all.More)
	require.EqualValues(t, 3, all.Messages[1].Sequence)
	require.JSONEq(t, `{"action":"hold"}`, string(all.Messages[1].Body))
	in.After, in.Limit = 1, 1
	first := must(b, b.act.Inbox, in)
	require.Equal(t, []string{asked.ID}, ids(first))
	require.True(t, first.More)
	in.After = 5
	require.Equal(t, releases.Messages{Messages: []releases.Message{}}, must(b, b.act.Inbox, in))
}

// Of two runs that write the same version one wins, and the other leaves nothing.
func TestAVersionIsCommittedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	subject := records.ReleaseSubject("r")
	entry := func(kind records.EntryKind, typ, discriminator string, body any) records.Entry {
		return entryOf(t, kind, typ, subject, discriminator, body)
	}
	one := releases.CommitInput{Organization: organization, Entries: []records.Entry{
		entry(records.KindRecord, records.TypeRecordWritten, "v1", release.Record{Version: 1, Phase: "DRAFT"}),
		entry(records.KindEvent, "orgo.release.opened", "1", map[string]any{}),
	}}
	other := releases.CommitInput{Organization: organization, Entries: []records.Entry{
		entry(records.KindEvent, "orgo.release.aborted", "1", map[string]any{}),
		entry(records.KindRecord, records.TypeRecordWritten, "v1", release.Record{Version: 1, Phase: "ABORTED"}),
	}}
	require.False(t, must(b, b.act.Commit, one).Conflict)
	require.True(t, must(b, b.act.Commit, other).Conflict)
	require.False(t, must(b, b.act.Commit, one).Conflict, "the same again")
	stored, err := b.store.Entries(t.Context(), organization, subject, store.EntryQuery{})
	require.NoError(t, err)
	require.Len(t, stored, 2)
	one.Organization = "00000000-0000-4000-8000-000000000002"
	b.caller.Organization = one.Organization
	_, err = run(b, b.act.Commit, one)
	require.ErrorContains(t, err, "is not of organization")
	b.caller.Organization = organization
	other.Entries[0].Actor = ""
	_, err = run(b, b.act.Commit, other)
	require.ErrorContains(t, err, string(gates.RequestInvalid), "it would never be recorded")
}

func TestWhatIsAskedIsRecordedFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := entryOf(t, records.KindEvent, records.TypeActionAsked, records.ChannelSubject(organization, channel), "1", records.Command{Action: "join", Arguments: json.RawMessage(`{"release_id":"r"}`)})
	ask := releases.AskInput{Organization: organization, Channel: channel, Entry: asked}
	for range 2 {
		outcome := must(b, b.act.Ask, ask)
		require.Equal(t, asked.ID, outcome.Command)
		require.False(t, outcome.Accepted(), "a refusal is an outcome")
	}
	ask.Channel.Name = "other"
	_, err := run(b, b.act.Ask, ask)
	require.ErrorContains(t, err, string(gates.RequestInvalid))
	require.Equal(t, []string{asked.ID, asked.ID}, b.temporal.woken)
}

// Who may start activities may not thereby write what only Orgo's workflows do.
func TestOnlyItsOwnWorkflowWritesAboutASubject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, its := records.ReleaseSubject("r"), records.ChannelSubject(organization, channel)
	commit := func(subject records.Subject) error {
		entry := entryOf(t, records.KindRecord, records.TypeRecordWritten, subject, "v1", release.Record{Version: 1})
		_, err := run(b, b.act.Commit, releases.CommitInput{Organization: organization, Entries: []records.Entry{entry}})
		return err
	}
	ask := func(action, arguments string) error {
		entry := entryOf(t, records.KindEvent, records.TypeActionAsked, its, action, records.Command{Action: action, Arguments: json.RawMessage(arguments)})
		_, err := run(b, b.act.Ask, releases.AskInput{Organization: organization, Channel: channel, Entry: entry})
		return err
	}
	containing := releases.Caller{Organization: organization, Subject: its, Containment: "c"}
	for name, c := range map[string]struct {
		by  releases.Caller
		act func() error
	}{
		"no workflow of Orgo":               {releases.Caller{}, func() error { return commit(mine) }},
		"one of another organization":       {releases.Caller{Organization: "other", Subject: mine}, func() error { return commit(mine) }},
		"another release":                   {b.caller, func() error { return commit(records.ReleaseSubject("other")) }},
		"a release of its channel":          {b.caller, func() error { return commit(its) }},
		"a rollback":                        {containing, func() error { return commit(its) }},
		"another release's turn":            {b.caller, func() error { return ask("leave", `{"release_id":"other"}`) }},
		"another release's warrant":         {b.caller, func() error { return ask("advance", `{"warrant":{"release_id":"other"}}`) }},
		"another's warrant beside its name": {b.caller, func() error { return ask("advance", `{"release_id":"r","warrant":{"release_id":"other"}}`) }},
		"a release that restores":           {b.caller, func() error { return ask("restore", `{"id":"c","release_id":"r"}`) }},
		"another containment":               {containing, func() error { return ask("restore", `{"id":"d"}`) }},
		"a rollback that closes":            {containing, func() error { return ask("close", `{"id":"c","warrant":{"release_id":"r"}}`) }},
	} {
		was := b.caller
		b.caller = c.by
		require.ErrorContains(t, c.act(), string(gates.Unauthorized), name)
		b.caller = was
	}
	require.NoError(t, commit(mine))
	require.NoError(t, ask("advance", `{"warrant":{"release_id":"r"}}`))
	b.caller = containing
	require.NoError(t, ask("restore", `{"id":"c"}`))
}
