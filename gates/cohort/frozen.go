package cohort

import (
	"maps"
	"slices"

	"github.com/initkoa/orgo/records"
)

// Node is a machine or a user that a channel reaches.
type Node struct {
	ID     string            `json:"id"`
	Labels map[string]string `json:"labels,omitempty"`
}

// Cohort says which nodes a stage goes to: a share of all, those of a list, or
// those that bear labels.
type Cohort struct {
	Name string `json:"name"`
	// From is the bucket at which the share begins. Shares of which each begins where
	// the one before ends have no node in common.
	From   Share             `json:"from,omitempty"`
	Share  Share             `json:"share,omitempty"`
	Nodes  []string          `json:"nodes,omitempty"`  // in any order, each once, all known
	Labels map[string]string `json:"labels,omitempty"` // a node bears all of them
}

// Frozen is who was in a cohort when its stage began. Whoever has the list of nodes
// of that time can make it again, and Verify holds it to its digest without.
type Frozen struct {
	Cohort Cohort         `json:"cohort"`
	Salt   string         `json:"salt"`
	Known  int            `json:"known"`  // how many nodes there were to choose from
	Count  int            `json:"count"`  // how many were chosen
	Nodes  []string       `json:"nodes"`  // the chosen, sorted by bytes
	Digest records.Digest `json:"digest"` // of the canonical form (RFC 8785) of all the other members
}

// Freeze chooses the nodes of a cohort among those that are known, whose order
// does not matter. Its error wraps a Refusal.
func Freeze(salt string, cohort Cohort, known []Node) (Frozen, error) {
	if salt == "" {
		return Frozen{}, ErrSalt.of(cohort.Name)
	}
	chooses, err := cohort.chooses(salt)
	if err != nil {
		return Frozen{}, err
	}
	seen := make(map[string]bool, len(known))
	chosen := []string{}
	for _, node := range known {
		switch {
		case node.ID == "":
			return Frozen{}, ErrNode.of(cohort.Name)
		case seen[node.ID]:
			return Frozen{}, ErrDuplicate.of(node.ID)
		case chooses(node):
			chosen = append(chosen, node.ID)
		}
		seen[node.ID] = true
	}
	for _, node := range cohort.Nodes {
		if !seen[node] {
			return Frozen{}, ErrUnknown.of(node)
		}
	}
	if len(chosen) == 0 {
		return Frozen{}, ErrEmpty.of(cohort.Name)
	}
	slices.Sort(chosen)
	cohort.Nodes, cohort.Labels = slices.Sorted(slices.Values(cohort.Nodes)), maps.Clone(cohort.Labels)
	frozen := Frozen{Cohort: cohort, Salt: salt, Known: len(known), Count: len(chosen), Nodes: chosen}
	frozen.Digest, err = frozen.digest()
	return frozen, err
}

// chooses returns whether a node is in the cohort, by the one way to say so that
// the cohort uses.
func (c Cohort) chooses(salt string) (func(Node) bool, error) {
	named := make(map[string]bool, len(c.Nodes))
	for _, node := range c.Nodes {
		if named[node] {
			return nil, ErrDuplicate.of(node)
		}
		named[node] = true
	}
	ways := []struct {
		used bool
		has  func(Node) bool
	}{
		{c.Share != 0, func(n Node) bool { return (c.From+c.Share).Has(salt, n.ID) && !c.From.Has(salt, n.ID) }},
		{len(c.Nodes) > 0, func(n Node) bool { return named[n.ID] }},
		{len(c.Labels) > 0, func(n Node) bool { return bears(n, c.Labels) }},
	}
	var has func(Node) bool
	used := 0
	for _, way := range ways {
		if way.used {
			has, used = way.has, used+1
		}
	}
	switch {
	case c.Name == "" || used != 1 || c.From != 0 && c.Share == 0:
		return nil, ErrSelection.of(c.Name)
	case c.Share > Buckets || c.From > Buckets-c.Share:
		return nil, ErrShare.of(c.Name)
	}
	return has, nil
}

// bears reports whether a node has labels. One that it does not have is not the
// same as one that is empty.
func bears(n Node, labels map[string]string) bool {
	for key, value := range labels {
		if found, there := n.Labels[key]; !there || found != value {
			return false
		}
	}
	return true
}

// Has reports whether a node was in the cohort.
func (f Frozen) Has(node string) bool {
	_, found := slices.BinarySearch(f.Nodes, node)
	return found
}

// Verify checks that a frozen cohort is what Freeze made. Its error wraps ErrDigest.
func (f Frozen) Verify() error {
	digest, err := f.digest()
	if err != nil || digest != f.Digest {
		return ErrDigest.of(f.Cohort.Name)
	}
	return nil
}

func (f Frozen) digest() (records.Digest, error) {
	return records.CanonicalDigest(struct {
		Cohort Cohort   `json:"cohort"`
		Salt   string   `json:"salt"`
		Known  int      `json:"known"`
		Count  int      `json:"count"`
		Nodes  []string `json:"nodes"`
	}{f.Cohort, f.Salt, f.Known, f.Count, f.Nodes})
}
