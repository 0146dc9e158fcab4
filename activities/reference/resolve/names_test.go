package resolve

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/activities/reference/claim"
)

// No candidate is ever lost, and no reference is resolved against the rule: the
// outcome is compared with one computed naively from the same names.
func TestCandidatesNeverShrink(t *testing.T) {
	t.Parallel()
	spellings := []string{"a", "A", "b", "B", "ä", "a\u0308", " a ", "a b"}
	rapid.Check(t, func(t *rapid.T) {
		type named struct {
			number uint64
			name   string
			flags  uint64
		}
		name := rapid.Custom(func(t *rapid.T) named {
			return named{
				number: rapid.Uint64Range(1, 6).Draw(t, "number"),
				name:   rapid.SampledFrom(spellings).Draw(t, "name"),
				flags:  rapid.Uint64Range(0, 3).Draw(t, "flags"),
			}
		})
		all := rapid.SliceOfN(name, 0, 20).Draw(t, "names")
		table := &names{letter: 'Q'}
		for _, n := range all {
			label, err := table.put("label")
			require.NoError(t, err)
			require.NoError(t, table.add(n.name, n.number, n.flags, label))
		}
		table.seal()
		var brought []claim.Candidate
		for _, number := range rapid.SliceOfNDistinct(rapid.Uint64Range(1, 9), 0, 3, rapid.ID).Draw(t, "brought") {
			score := rapid.SampledFrom([]float64{0, 0.5, 0.9375, 1}).Draw(t, "score")
			brought = append(brought, claim.Candidate{ID: fmt.Sprint("Q", number), Score: score})
		}
		surface := rapid.SampledFrom(spellings).Draw(t, "surface")

		want, found := map[string]float64{}, map[string]float64{}
		for _, n := range all {
			if fold(n.name) != fold(surface) {
				continue
			}
			g := labelFits
			if n.flags&isAlias != 0 {
				g = aliasFits
			}
			if plain(n.name) != plain(surface) {
				g++
			}
			id := fmt.Sprint("Q", n.number)
			found[id] = max(found[id], grades[g].score)
			want[id] = found[id]
		}
		for _, c := range brought {
			want[c.ID] = max(want[c.ID], c.Score)
		}

		v := decide(brought, newFinder(table, 100).find(surface))
		got := map[string]float64{}
		for i, c := range v.candidates {
			got[c.ID] = c.Score
			if i > 0 {
				require.GreaterOrEqual(t, v.candidates[i-1].Score, c.Score)
			}
		}
		require.Equal(t, want, got)
		best, winners := -1.0, []string{}
		for id, score := range want {
			if score > best {
				best, winners = score, nil
			}
			if score == best {
				winners = append(winners, id)
			}
		}
		var score float64
		var isName bool
		if len(winners) == 1 {
			score, isName = found[winners[0]]
		}
		switch {
		case isName && score == best:
			require.Equal(t, claim.StatusResolved, v.status)
			require.Equal(t, winners[0], v.id)
		case len(want) > 1:
			require.Equal(t, claim.StatusAmbiguous, v.status)
		default:
			require.Equal(t, claim.StatusUnresolved, v.status)
		}
	})
}

func plain(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "a\u0308", "ä")) }
func fold(s string) string  { return strings.ToLower(plain(s)) }
