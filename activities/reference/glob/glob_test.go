package glob_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/glob"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern string
		yes     []string
		no      []string
	}{
		{"*.csv", []string{"a.csv", "data/a.csv", "data/x/y/a.csv"}, []string{"a.csv.gz", "csv", "a.csv/b"}},
		{"data/*.csv", []string{"data/a.csv"}, []string{"a.csv", "data/x/a.csv", "more/data/a.csv"}},
		{"data/**", []string{"data", "data/a", "data/a/b"}, []string{"database", "x/data"}},
		{"**/tmp/*", []string{"tmp/a", "x/tmp/a", "x/y/tmp/a"}, []string{"tmp", "tmp/a/b"}},
		{"a/**/b/**/c", []string{"a/b/c", "a/x/b/y/z/c", "a/b/b/c/c"}, []string{"a/c", "a/b", "b/a/c"}},
		{"**", []string{"a", "a/b/c"}, nil},
		{"d?ta/[ab]*", []string{"data/axe", "dota/b"}, []string{"data/cat", "daata/a"}},
		{`a\*b`, []string{"a*b"}, []string{"axb"}},
	} {
		pattern, err := glob.Compile(tc.pattern)
		require.NoError(t, err)
		for _, name := range tc.yes {
			require.True(t, pattern.Match(name), "%s should match %s", tc.pattern, name)
		}
		for _, name := range tc.no {
			require.False(t, pattern.Match(name), "%s should not match %s", tc.pattern, name)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "/a", "a/", "a//b", "[", "a/[b", `a\`} {
		_, err := glob.Compile(text)
		require.Error(t, err, text)
	}
	_, at, err := glob.CompileAll([]string{"a", "["})
	require.Error(t, err)
	require.Equal(t, 1, at)
	require.False(t, glob.Pattern{}.Match("a"))
}

func TestManyDoubleStarsStayCheap(t *testing.T) {
	t.Parallel()
	pattern, err := glob.Compile(strings.Repeat("**/a/", 50) + "b")
	require.NoError(t, err)
	require.False(t, pattern.Match(strings.Repeat("a/", 2000)+"c"))
}
