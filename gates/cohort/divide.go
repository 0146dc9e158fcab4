package cohort

import (
	"cmp"
	"slices"
)

// Part is a cohort of a division: its name and its share of all nodes.
type Part struct {
	Name  string
	Share Share
}

// Divide puts every node into one of the parts, in the order of which the buckets are
// theirs: the first has those from 0 on. The order in which nodes are known does not
// matter. Its error wraps a Refusal.
//
// Few nodes may leave a part's buckets empty, and a canary that nobody is in proves
// nothing. It then gets its neighbor by bucket from the next part or, at the end, from
// the one before; so Divide refuses only what has fewer nodes than parts. Parts are
// frozen as lists then: who is in them depends on who else there is, so that all parts
// of a release have to come from one division.
func Divide(salt string, parts []Part, known []Node) ([]Frozen, error) {
	cohorts, err := ranges(parts)
	switch {
	case err != nil:
		return nil, err
	case salt == "":
		return nil, ErrSalt.of("")
	}
	ids, err := inBucketOrder(salt, known)
	switch {
	case err != nil:
		return nil, err
	case len(ids) < len(cohorts):
		return nil, ErrFew.of(cohorts[0].Name)
	}
	cuts := make([]int, len(cohorts)+1) // cohort i has ids[cuts[i]:cuts[i+1]]
	for i, c := range cohorts[1:] {
		cuts[i+1], _ = slices.BinarySearchFunc(ids, c.From, func(id string, from Share) int { return cmp.Compare(Assign(salt, id), uint32(from)) })
	}
	cuts[len(cohorts)] = len(ids)
	if widen(cuts) {
		for i := range cohorts {
			cohorts[i] = Cohort{Name: cohorts[i].Name, Nodes: ids[cuts[i]:cuts[i+1]]}
		}
	}
	frozen := make([]Frozen, len(cohorts))
	for i, c := range cohorts {
		if frozen[i], err = Freeze(salt, c, known); err != nil {
			return nil, err
		}
	}
	return frozen, nil
}

// ranges gives each part the buckets that follow those of the part before.
func ranges(parts []Part) ([]Cohort, error) {
	cohorts := make([]Cohort, 0, len(parts))
	next := Share(0)
	for _, part := range parts {
		named := func(c Cohort) bool { return c.Name == part.Name }
		if part.Name == "" || part.Share == 0 || part.Share > Buckets-next || slices.ContainsFunc(cohorts, named) {
			return nil, ErrDivision.of(part.Name)
		}
		cohorts = append(cohorts, Cohort{Name: part.Name, From: next, Share: part.Share})
		next += part.Share
	}
	if next != Buckets {
		return nil, ErrDivision.of("")
	}
	return cohorts, nil
}

// inBucketOrder returns the ids of nodes by bucket; in one bucket, by bytes.
func inBucketOrder(salt string, known []Node) ([]string, error) {
	ids := make([]string, len(known))
	buckets := make(map[string]uint32, len(known))
	for i, node := range known {
		if node.ID == "" {
			return nil, ErrNode.of("")
		}
		if _, twice := buckets[node.ID]; twice {
			return nil, ErrDuplicate.of(node.ID)
		}
		ids[i], buckets[node.ID] = node.ID, Assign(salt, node.ID)
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(buckets[a], buckets[b]), cmp.Compare(a, b)) })
	return ids, nil
}

// widen moves cuts apart until each is above the one before, and reports whether any
// moved. The first and the last stay; there is room for the others.
func widen(cuts []int) (moved bool) {
	for i := 1; i < len(cuts)-1; i++ {
		if cuts[i] <= cuts[i-1] {
			cuts[i], moved = cuts[i-1]+1, true
		}
	}
	for i := len(cuts) - 2; i > 0; i-- {
		if cuts[i] >= cuts[i+1] {
			cuts[i], moved = cuts[i+1]-1, true
		}
	}
	return moved
}
