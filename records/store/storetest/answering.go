package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records"
)

var answering = map[string]func(*testing.T, fixture){
	"the answer to an action is found by what asked": testAnswers,
}

func testAnswers(t *testing.T, f fixture) {
	subject := records.ReleaseSubject("r")
	answer := func(answer, organization, command string, outcome records.CommandOutcome) {
		entry, err := records.NewEntry(records.Entry{
			Organization: organization, Kind: records.KindEvent, Type: answer, Subject: subject, At: epoch, Actor: "ann",
		}, command, outcome)
		require.NoError(t, err)
		must(f.store.Append(t.Context(), entry))(t)
	}
	done := records.CommandOutcome{Command: "one", Action: "hold"}
	refused := records.CommandOutcome{Command: "two", Action: "lift", Code: "HOLD_OF_ANOTHER"}
	answer(records.TypeActionAccepted, acme, "one", done)
	answer(records.TypeActionRefused, acme, "two", refused)
	answer(records.TypeActionAccepted, other, "three", records.CommandOutcome{Command: "three"})

	for command, want := range map[string]*records.CommandOutcome{"one": &done, "two": &refused, "three": nil, "": nil} {
		found, known, err := f.store.Answer(t.Context(), acme, subject, command)
		require.NoError(t, err)
		require.Equal(t, want != nil, known, command)
		if want != nil {
			require.Equal(t, *want, found)
		}
	}
	_, known, err := f.store.Answer(t.Context(), acme, records.ReleaseSubject("other"), "one")
	require.NoError(t, err)
	require.False(t, known, "it answers another subject's")
}
