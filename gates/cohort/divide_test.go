package cohort_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates/cohort"
)

// anyParts draws a division of all buckets.
func anyParts(t *rapid.T) []cohort.Part {
	var parts []cohort.Part
	for left := uint32(cohort.Buckets); left > 0; {
		share := rapid.Uint32Range(1, left).Draw(t, "share")
		if len(parts) == 5 {
			share = left
		}
		parts = append(parts, cohort.Part{Name: fmt.Sprintf("part-%d", len(parts)), Share: cohort.Share(share)})
		left -= share
	}
	return parts
}

// undivided returns what is wrong with a division, or nothing.
func undivided(parts []cohort.Part, known []cohort.Node, frozen []cohort.Frozen) string {
	in := map[string]int{}
	for i, f := range frozen {
		switch {
		case f.Cohort.Name != parts[i].Name:
			return "another name"
		case f.Count == 0 || f.Count != len(f.Nodes):
			return "nobody in it"
		case f.Verify() != nil:
			return "not what its digest says"
		}
		for _, node := range f.Nodes {
			in[node]++
		}
	}
	for _, node := range known {
		if in[node.ID] != 1 {
			return node.ID + " is not in one part"
		}
	}
	if len(frozen) != len(parts) || len(in) != len(known) {
		return "not all parts, or more than all nodes"
	}
	return ""
}

// Whatever the parts and the nodes: each node is in one part, no part is empty, and
// neither the order of nodes shows nor how often it is asked.
func TestADivisionIsDisjointAndWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := anyParts(t)
		known := nodes(rapid.IntRange(len(parts), 60).Draw(t, "nodes"))
		salt := rapid.StringN(1, 20, -1).Draw(t, "salt")
		frozen, err := cohort.Divide(salt, parts, known)
		require.NoError(t, err)
		require.Empty(t, undivided(parts, known, frozen))
		again, err := cohort.Divide(salt, parts, rapid.Permutation(known).Draw(t, "known"))
		require.NoError(t, err)
		require.Equal(t, frozen, again)
		for _, f := range frozen {
			made, err := cohort.Freeze(salt, f.Cohort, known)
			require.NoError(t, err)
			require.Equal(t, f, made, "it can be made again from the list of nodes")
		}
	})
}

// With nodes enough, who is in a part depends on the node alone: nobody moves when
// others come.
func TestADivisionOfManyNodesIsByBucket(t *testing.T) {
	t.Parallel()
	parts := []cohort.Part{{Name: "canary", Share: 1000}, {Name: "early", Share: 2500}, {Name: "rest", Share: 6500}}
	all, err := cohort.Divide("salt", parts, nodes(400))
	require.NoError(t, err)
	some, err := cohort.Divide("salt", parts, nodes(200))
	require.NoError(t, err)
	next := cohort.Share(0)
	for i, part := range parts {
		require.Equal(t, cohort.Cohort{Name: part.Name, From: next, Share: part.Share}, all[i].Cohort)
		next += part.Share
		for _, node := range some[i].Nodes {
			require.True(t, all[i].Has(node), node)
		}
	}
}

// Three nodes have nobody in the first hundredth of the buckets. The canary gets the
// nearest, so that a small channel can be released to at all.
func TestAPartOfFewNodesGetsTheNearest(t *testing.T) {
	t.Parallel()
	known := nodes(3)
	order := slices.SortedFunc(slices.Values([]string{"node-1", "node-2", "node-3"}), func(a, b string) int {
		return int(cohort.Assign("release-1", a)) - int(cohort.Assign("release-1", b))
	})
	frozen, err := cohort.Divide("release-1", []cohort.Part{{Name: "canary", Share: 1}, {Name: "rest", Share: 9999}}, known)
	require.NoError(t, err)
	require.Equal(t, order[:1], frozen[0].Nodes)
	require.Empty(t, undivided([]cohort.Part{{Name: "canary"}, {Name: "rest"}}, known, frozen))

	frozen, err = cohort.Divide("release-1", []cohort.Part{{Name: "most", Share: 9998}, {Name: "b", Share: 1}, {Name: "c", Share: 1}}, known)
	require.NoError(t, err)
	for i := range order {
		require.Equal(t, order[i:i+1], frozen[i].Nodes)
	}
}

func TestWhatCannotBeDividedIsRefused(t *testing.T) {
	t.Parallel()
	halves := []cohort.Part{{Name: "a", Share: 5000}, {Name: "b", Share: 5000}}
	for name, c := range map[string]struct {
		salt  string
		parts []cohort.Part
		known []cohort.Node
		err   error
	}{
		"no salt":         {"", halves, nodes(3), cohort.ErrSalt},
		"no parts":        {"s", nil, nodes(3), cohort.ErrDivision},
		"less than all":   {"s", halves[:1], nodes(3), cohort.ErrDivision},
		"more than all":   {"s", append(slices.Clone(halves), cohort.Part{Name: "c", Share: 1}), nodes(3), cohort.ErrDivision},
		"overflowing":     {"s", append(slices.Clone(halves), cohort.Part{Name: "c", Share: 1 << 31}, cohort.Part{Name: "d", Share: 1 << 31}), nodes(9), cohort.ErrDivision},
		"no share":        {"s", append(slices.Clone(halves), cohort.Part{Name: "c"}), nodes(3), cohort.ErrDivision},
		"no name":         {"s", []cohort.Part{{Share: cohort.Buckets}}, nodes(3), cohort.ErrDivision},
		"a name twice":    {"s", []cohort.Part{halves[0], halves[0]}, nodes(3), cohort.ErrDivision},
		"fewer than them": {"s", halves, nodes(1), cohort.ErrFew},
		"nobody":          {"s", halves, nil, cohort.ErrFew},
		"no id":           {"s", halves, append(nodes(3), cohort.Node{}), cohort.ErrNode},
		"a node twice":    {"s", halves, append(nodes(3), nodes(1)...), cohort.ErrDuplicate},
	} {
		frozen, err := cohort.Divide(c.salt, c.parts, c.known)
		require.ErrorIs(t, err, c.err, name)
		require.Nil(t, frozen, name)
	}
}

// Planted faults: divisions that lose a node, have one in two parts, or leave a part
// empty are seen.
func TestWrongDivisionsAreSeen(t *testing.T) {
	t.Parallel()
	parts := []cohort.Part{{Name: "a", Share: 5000}, {Name: "b", Share: 5000}}
	known := nodes(50)
	freeze := func(cohorts ...cohort.Cohort) []cohort.Frozen {
		frozen := make([]cohort.Frozen, len(cohorts))
		for i, c := range cohorts {
			frozen[i], _ = cohort.Freeze("salt", c, known)
		}
		return frozen
	}
	for name, frozen := range map[string][]cohort.Frozen{
		"both begin at 0": freeze(cohort.Cohort{Name: "a", Share: 5000}, cohort.Cohort{Name: "b", Share: 5000}),
		"a hole":          freeze(cohort.Cohort{Name: "a", Share: 5000}, cohort.Cohort{Name: "b", From: 6000, Share: 4000}),
		"overlap":         freeze(cohort.Cohort{Name: "a", Share: 6000}, cohort.Cohort{Name: "b", From: 5000, Share: 5000}),
		"an empty one":    freeze(cohort.Cohort{Name: "a", Share: cohort.Buckets}, cohort.Cohort{Name: "b", Labels: map[string]string{"site": "none"}}),
	} {
		require.NotEmpty(t, undivided(parts, known, frozen), name)
	}
}
