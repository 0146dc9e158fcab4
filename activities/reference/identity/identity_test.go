package identity

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/activities/reference/claim"
)

func TestLabelAndFold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ surface, label, fold string }{
		"plain":                {"Golden Gate Bridge", "Golden Gate Bridge", "golden gate bridge"},
		"white space":          {" Golden\t Gate\u00a0\nBridge ", "Golden Gate Bridge", "golden gate bridge"},
		"decomposed":           {"Poe\u0301sie", "Po\u00e9sie", "po\u00e9sie"},
		"sharp s":              {"Stra\u00dfe", "Stra\u00dfe", "strasse"},
		"final sigma":          {"\u039f\u0394\u039f\u03a3", "\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3"},
		"angstrom":             {"\u212b", "\u00c5", "\u00e5"},
		"only white space":     {" \t", "", ""},
		"nothing":              {"", "", ""},
		"one trailing space":   {"a ", "a", "a"},
		"cherokee small":       {"\uab70", "\uab70", "\u13a0"},
		"cherokee capital":     {"\u13a0", "\u13a0", "\u13a0"},
		"ligature is not case": {"\ufb01", "\ufb01", "fi"},
	} {
		require.Equal(t, tc.label, Label(tc.surface), name)
		require.Equal(t, tc.fold, Fold(tc.surface), name)
	}
}

func TestLabelAndFoldSettle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		surface := rapid.String().Draw(t, "surface")
		require.Equal(t, Label(surface), Label(Label(surface)))
		require.Equal(t, Fold(surface), Fold(Fold(surface)))
		require.Equal(t, Fold(surface), Fold(Label(surface)))
	})
}

func TestNumber(t *testing.T) {
	t.Parallel()
	number, err := Number("Q42", 'Q')
	require.NoError(t, err)
	require.EqualValues(t, 42, number)
	number, err = Number("P"+strings.Repeat("9", 18), 'P')
	require.NoError(t, err)
	require.EqualValues(t, 999999999999999999, number)
	for _, id := range []string{"", "Q", "Q0", "Q01", "q1", "P1", "Q1 ", "Q-1", "Q+1", "Q1_0", "Q" + strings.Repeat("9", 19)} {
		_, err := Number(id, 'Q')
		require.Error(t, err, id)
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._:-]{0,127}$`)
	entity := func(status, qid, surface, document string) Ref {
		ref, err := Entity(claim.ResolvedEntity{Status: status, QID: qid, Surface: surface}, document)
		require.NoError(t, err)
		return ref
	}
	property := func(status, pid, surface string) Ref {
		ref, err := PropertyOf(claim.ResolvedPredicate{Status: status, PID: pid, Surface: surface})
		require.NoError(t, err)
		return ref
	}
	require.Equal(t, "Q42", entity("resolved", "Q42", "x", "d").String())
	require.Equal(t, "P31", property("resolved", "P31", "x").String())
	require.Equal(t, entity("unresolved", "", "Tay  Bridge", "d1"), entity("unresolved", "", "tay bridge", "d2"), "a name is one thing")
	require.NotEqual(t, entity("ambiguous", "", "Mercury", "d1"), entity("ambiguous", "", "Mercury", "d2"), "an ambiguous name is not")
	require.Equal(t, property("ambiguous", "", "orbits"), property("ambiguous", "", "Orbits"))

	ordered := []Ref{
		entity("resolved", "Q2", "", ""), entity("resolved", "Q10", "", ""), property("resolved", "P1", ""),
		entity("unresolved", "", "x", ""), entity("ambiguous", "", "x", ""),
	}
	seen := map[string]bool{}
	for i, ref := range append(ordered, property("unresolved", "", "x"), property("ambiguous", "", "x")) {
		require.Regexp(t, pattern, ref.String())
		require.False(t, seen[ref.String()], ref.String())
		seen[ref.String()] = true
		key := ref.AppendKey(nil)
		require.Len(t, key, KeySize)
		require.Equal(t, ref, FromKey(key))
		if i > 0 && i < len(ordered) {
			require.Negative(t, bytes.Compare(ordered[i-1].AppendKey(nil), key))
		}
	}
	require.Equal(t, "ambiguous", ordered[4].Status())

	for _, e := range []claim.ResolvedEntity{{Status: "resolved"}, {Status: "resolved", QID: "P1"}, {Status: "unresolved"}, {Status: "ambiguous"}} {
		_, err := Entity(e, "d")
		require.Error(t, err)
	}
	for _, p := range []claim.ResolvedPredicate{{Status: "resolved", PID: "Q1"}, {Status: "failed"}, {Status: "ambiguous"}} {
		_, err := PropertyOf(p)
		require.Error(t, err)
	}
}
