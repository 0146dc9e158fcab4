package person_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/records/person"
)

// One person is not two by another way to write a name.
func TestFailOpen15NamesThatReadTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Eva Maß", "eva maß", "EVA MASS", "ｅｖａ maß", "eva\u200b maß", "eva\u00a0maß", "evamaß", "eva maß ", "e\u00advamaß", "eva ma\u1e9e", "eva\ufe0f maß"} {
		require.True(t, person.Alike("eva maß", name), "%q", name)
		require.True(t, person.AnyAlike(name, "", "eva maß"), "%q", name)
	}
	for _, name := range []string{"eve maß", "eva-maß", "eva mas", "evá maß"} {
		require.False(t, person.Alike("eva maß", name), "%q", name)
	}
	require.True(t, person.Alike("Jose\u0301", "josé"))
	require.False(t, person.AnyAlike("", ""), "nobody is nobody else")
	require.True(t, person.Mixed("\u0435va"), "a Cyrillic letter among Latin ones")
	require.True(t, person.Mixed("evα"))
	for _, name := range []string{"eva", "Ева", "Εύα", "eva@example.org", "林 eva", "user-7", ""} {
		require.False(t, person.Mixed(name), "%q", name)
	}
	require.Equal(t, []string{"ann", "bob", "bob"}, person.AsOne([]string{"Ann", "bob", "BOB"}, "ann"))
	require.Equal(t, []string{"bob", "cem"}, person.AsOne([]string{"bob", "cem"}, "", "ann"))
}

func TestSomebodyIsNotOrgo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", " ", "orgo", "Orgo", "ｏｒｇｏ", "or\u200bgo", "orgo/rollback", "ORGO / rollback"} {
		require.False(t, person.Somebody(name), "%q", name)
	}
	for _, name := range []string{"eva", "orgonaut", "eva@orgo/x"} {
		require.True(t, person.Somebody(name), "%q", name)
	}
}

// What is not looked at closely is what needs no look.
func TestTheReadingOfAPlainNameIsItself(t *testing.T) {
	t.Parallel()
	for r := rune(' ') + 1; r <= '~'; r++ {
		name := "a" + string(r)
		slow := person.Reading(name + "\u200b") // what cannot be seen sends it the long way
		require.Equal(t, slow, person.Reading(name), "%q", name)
	}
}
