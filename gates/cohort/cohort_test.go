package cohort_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates/cohort"
)

func nodes(n int) []cohort.Node {
	list := make([]cohort.Node, n)
	for i := range list {
		list[i] = cohort.Node{ID: fmt.Sprintf("node-%d", i+1), Labels: map[string]string{"site": []string{"berlin", "oslo"}[i%2]}}
	}
	return list
}

// The vectors are of Python's hashlib.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		salt, node string
		bucket     uint32
	}{
		{"", "", 5466},
		{"release-1", "node-1", 1559},
		{"release-1", "node-2", 4598},
		{"release-2", "node-1", 1023},
		{"release-1n", "ode-1", 8326},
		{"reléase", "nœud", 9217},
		{"a", "bc", 8844},
		{"ab", "c", 6607},
	} {
		require.Equal(t, v.bucket, cohort.Assign(v.salt, v.node), "%q %q", v.salt, v.node)
	}
	frozen, err := cohort.Freeze("release-1", cohort.Cohort{Name: "canary", Share: 2500}, nodes(20))
	require.NoError(t, err)
	require.Equal(t, []string{"node-1", "node-20", "node-4", "node-6", "node-7", "node-9"}, frozen.Nodes)
	require.Equal(t, "sha256:4b087b72bfa81896cca611c2591ef48489427364611b30d3d3ee39ea95ce4698", frozen.Digest.String())
	require.NoError(t, frozen.Verify())
}

// Pearson's chi-square over 100,000 nodes. The limits are the 0.999 quantiles for 99
// and 81 degrees of freedom. The inputs are fixed, so the results are too.
func TestBucketsAreUniformAndSaltsIndependent(t *testing.T) {
	t.Parallel()
	const n = 100_000
	var single [100]int
	var joint [10][10]int
	for i := range n {
		node := fmt.Sprintf("node-%d", i)
		a, b := cohort.Assign("release-1", node), cohort.Assign("release-2", node)
		single[a/100]++
		joint[a/1000][b/1000]++
	}
	square := func(seen int, expected float64) float64 {
		off := float64(seen) - expected
		return off * off / expected
	}
	var uniform, independent float64
	for i := range single {
		uniform += square(single[i], n/100)
		independent += square(joint[i/10][i%10], n/100)
	}
	t.Logf("uniform %.1f, joint %.1f", uniform, independent)
	require.Less(t, uniform, 148.2)
	require.Less(t, independent, 148.2, "a joint uniform law has 99 degrees of freedom too")
}

func TestSharesNest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		salt, node := rapid.String().Draw(t, "salt"), rapid.String().Draw(t, "node")
		small := cohort.Share(rapid.Uint32Range(0, cohort.Buckets).Draw(t, "small"))
		large := cohort.Share(rapid.Uint32Range(uint32(small), cohort.Buckets).Draw(t, "large"))
		require.False(t, small.Has(salt, node) && !large.Has(salt, node))
		require.False(t, cohort.Share(0).Has(salt, node))
		require.True(t, cohort.Share(cohort.Buckets).Has(salt, node))
	})
}

// Neither the order of what is known nor that of a list shows in what is frozen,
// and what is asked is not changed.
func TestOrderDoesNotShow(t *testing.T) {
	t.Parallel()
	known := nodes(200)
	for _, c := range []cohort.Cohort{
		{Name: "share", Share: 1000},
		{Name: "list", Nodes: []string{"node-9", "node-10", "node-1"}},
		{Name: "labels", Labels: map[string]string{"site": "oslo"}},
	} {
		expected, err := cohort.Freeze("release-1", c, known)
		require.NoError(t, err)
		require.True(t, slices.IsSorted(expected.Nodes))
		require.Equal(t, expected.Count, len(expected.Nodes))
		rapid.Check(t, func(t *rapid.T) {
			other := c
			if len(c.Nodes) > 0 {
				other.Nodes = rapid.Permutation(c.Nodes).Draw(t, "nodes")
			}
			before := slices.Clone(other.Nodes)
			frozen, err := cohort.Freeze("release-1", other, rapid.Permutation(known).Draw(t, "known"))
			require.NoError(t, err)
			require.Equal(t, expected, frozen)
			require.Equal(t, before, other.Nodes)
		})
	}
}

func TestWhatCannotBeFrozenIsRefused(t *testing.T) {
	t.Parallel()
	all := cohort.Cohort{Name: "all", Share: cohort.Buckets}
	for name, c := range map[string]struct {
		salt   string
		cohort cohort.Cohort
		known  []cohort.Node
		err    error
	}{
		"no salt":            {"", all, nodes(3), cohort.ErrSalt},
		"no name":            {"s", cohort.Cohort{Share: 1}, nodes(3), cohort.ErrSelection},
		"no way to choose":   {"s", cohort.Cohort{Name: "c"}, nodes(3), cohort.ErrSelection},
		"two ways":           {"s", cohort.Cohort{Name: "c", Share: 1, Nodes: []string{"node-1"}}, nodes(3), cohort.ErrSelection},
		"more than all":      {"s", cohort.Cohort{Name: "c", Share: 10001}, nodes(3), cohort.ErrShare},
		"beyond the end":     {"s", cohort.Cohort{Name: "c", From: 9999, Share: 2}, nodes(3), cohort.ErrShare},
		"begins overflowing": {"s", cohort.Cohort{Name: "c", From: 1<<32 - 1, Share: 2}, nodes(3), cohort.ErrShare},
		"a beginning alone":  {"s", cohort.Cohort{Name: "c", From: 1, Nodes: []string{"node-1"}}, nodes(3), cohort.ErrSelection},
		"nobody known":       {"s", all, nil, cohort.ErrEmpty},
		"nobody chosen":      {"release-1", cohort.Cohort{Name: "c", Share: 1}, nodes(3), cohort.ErrEmpty},
		"no such label":      {"s", cohort.Cohort{Name: "c", Labels: map[string]string{"site": ""}}, []cohort.Node{{ID: "a"}}, cohort.ErrEmpty},
		"a node twice":       {"s", all, append(nodes(3), nodes(1)...), cohort.ErrDuplicate},
		"twice, not chosen":  {"s", cohort.Cohort{Name: "c", Nodes: []string{"node-2"}}, append(nodes(3), nodes(1)...), cohort.ErrDuplicate},
		"listed twice":       {"s", cohort.Cohort{Name: "c", Nodes: []string{"node-2", "node-2"}}, nodes(3), cohort.ErrDuplicate},
		"listed, not known":  {"s", cohort.Cohort{Name: "c", Nodes: []string{"node-2", "node-4"}}, nodes(3), cohort.ErrUnknown},
		"no id":              {"s", all, []cohort.Node{{}}, cohort.ErrNode},
	} {
		frozen, err := cohort.Freeze(c.salt, c.cohort, c.known)
		require.ErrorIs(t, err, c.err, name)
		require.Zero(t, frozen, name)
	}
}

func TestVerifyFindsEveryChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*cohort.Frozen){
		"a node less": func(f *cohort.Frozen) { f.Nodes = f.Nodes[1:] },
		"the count":   func(f *cohort.Frozen) { f.Count-- },
		"the known":   func(f *cohort.Frozen) { f.Known++ },
		"the salt":    func(f *cohort.Frozen) { f.Salt = "other" },
		"the share":   func(f *cohort.Frozen) { f.Cohort.Share++ },
		"the digest":  func(f *cohort.Frozen) { f.Digest.Value = f.Digest.Value[1:] },
	} {
		frozen, err := cohort.Freeze("release-1", cohort.Cohort{Name: "c", Share: 5000}, nodes(20))
		require.NoError(t, err)
		require.True(t, frozen.Has(frozen.Nodes[0]))
		require.False(t, frozen.Has("node-21"))
		change(&frozen)
		require.ErrorIs(t, frozen.Verify(), cohort.ErrDigest, name)
	}
}

func TestParseShare(t *testing.T) {
	t.Parallel()
	for text, points := range map[string]cohort.Share{"1%": 100, "5%": 500, "0.25%": 25, "0.5%": 50, "0.01%": 1, "100%": 10000, "99.99%": 9999} {
		share, err := cohort.ParseShare(text)
		require.NoError(t, err, text)
		require.Equal(t, points, share, text)
	}
	for _, text := range []string{"", "%", "5", "0%", "0.00%", "0.001%", "100.01%", "101%", "-1%", "+1%", "1e1%", ".5%", "5.%", " 5%", "NaN%", "1.2.3%", "99999999999%"} {
		_, err := cohort.ParseShare(text)
		require.ErrorIs(t, err, cohort.ErrShare, text)
	}
}
