package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// One person is not two by another way to write a name.
func TestFailOpen15NamesThatReadTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Eva Maß", "eva maß", "EVA MASS", "ｅｖａ maß", "eva\u200b maß", "eva\u00a0maß", "evamaß", "eva maß ", "e\u00advamaß", "eva ma\u1e9e", "eva\ufe0f maß"} {
		require.True(t, alike("eva maß", name), "%q", name)
		require.True(t, anyAlike(name, "", "eva maß"), "%q", name)
	}
	for _, name := range []string{"eve maß", "eva-maß", "eva mas", "evá maß"} {
		require.False(t, alike("eva maß", name), "%q", name)
	}
	require.True(t, alike("Jose\u0301", "josé"))
	require.False(t, anyAlike("", ""), "nobody is nobody else")
	require.True(t, mixed("\u0435va"), "a Cyrillic letter among Latin ones")
	require.True(t, mixed("evα"))
	for _, name := range []string{"eva", "Ева", "Εύα", "eva@example.org", "林 eva", "user-7", ""} {
		require.False(t, mixed(name), "%q", name)
	}
	require.Equal(t, []string{"ann", "bob", "bob"}, asOne([]string{"Ann", "bob", "BOB"}, "ann"))
	require.Equal(t, []string{"bob", "cem"}, asOne([]string{"bob", "cem"}, "", "ann"))
}
