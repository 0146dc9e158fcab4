package gates

import (
	"cmp"
	"slices"

	"github.com/initkoa/orgo/records"
)

// What evidence is decided on and digested in: lists whose order carries no
// meaning are sorted, so that it does not show in a decision.

func normalEvidence(e Evidence) Evidence {
	e.Outputs = slices.Clone(e.Outputs)
	for i := range e.Outputs {
		e.Outputs[i].Signatures = sortedBy(e.Outputs[i].Signatures, compareSignatures)
	}
	slices.SortStableFunc(e.Outputs, func(a, b OutputEvidence) int {
		return cmp.Or(compareArtifacts(a.Artifact, b.Artifact), compareDigests(a.Found, b.Found), cmp.Compare(a.Read, b.Read),
			compareDigests(a.Schema, b.Schema), cmp.Compare(a.Documents, b.Documents), cmp.Compare(a.Violations, b.Violations),
			slices.Compare(a.First, b.First), cmp.Compare(a.Signed, b.Signed), slices.CompareFunc(a.Signatures, b.Signatures, compareSignatures))
	})
	return e
}

func compareSignatures(a, b SignatureEvidence) int {
	return cmp.Or(cmp.Compare(a.KeyID, b.KeyID), compareBools(a.Valid, b.Valid))
}

func normalReproduction(r Reproduction) Reproduction {
	r.Expected, r.Actual = sortedBy(r.Expected, compareArtifacts), sortedBy(r.Actual, compareArtifacts)
	return r
}

func normalRepetitions(r Repetitions) Repetitions {
	r.Repetitions = sortedBy(r.Repetitions, func(a, b Repetition) int {
		return cmp.Or(cmp.Compare(a.BuildID, b.BuildID), compareDigests(a.Record, b.Record), compareBools(a.Identical, b.Identical))
	})
	return r
}

func normalVotes(v Votes) Votes {
	v.Votes = slices.Clone(v.Votes)
	for i := range v.Votes {
		v.Votes[i].Roles = sortedBy(v.Votes[i].Roles, cmp.Compare[string])
	}
	slices.SortStableFunc(v.Votes, func(a, b Vote) int {
		return cmp.Or(cmp.Compare(a.Actor, b.Actor), a.At.Compare(b.At), compareBools(a.Approve, b.Approve),
			compareDigests(a.Intent, b.Intent), slices.Compare(a.Roles, b.Roles), a.ExpiresAt.Compare(b.ExpiresAt))
	})
	return v
}

func normalWindow(w Window) Window {
	w.Metrics = sortedBy(w.Metrics, func(a, b Metric) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Samples, b.Samples), compareValues(a.Value, b.Value),
			compareValues(a.FailedBefore, b.FailedBefore), compareComparisons(a.Comparison, b.Comparison))
	})
	return w
}

func compareValues[N cmp.Ordered](a, b *N) int {
	if a == nil || b == nil {
		return compareBools(a != nil, b != nil)
	}
	return cmp.Compare(*a, *b)
}

func compareComparisons(a, b *Comparison) int {
	if a == nil || b == nil {
		return compareBools(a != nil, b != nil)
	}
	return cmp.Or(a.Since.Compare(b.Since), compareCounts(a.Canary, b.Canary), compareCounts(a.Control, b.Control), a.Before.Compare(b.Before))
}

func compareCounts(a, b Counts) int {
	return cmp.Or(cmp.Compare(a.Samples, b.Samples), compareValues(a.Failures, b.Failures))
}

// asIs is the form of evidence that has no list without order. Inputs have one:
// their identity (ValidatedInputs) is that of a list.
func asIs[E any](evidence E) E { return evidence }

func sortedBy[T any](list []T, compare func(a, b T) int) []T {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, compare)
	return sorted
}

func compareArtifacts(a, b records.Artifact) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Path, b.Path), compareDigests(a.Ref.Digest, b.Ref.Digest),
		cmp.Compare(a.Ref.MediaType, b.Ref.MediaType), cmp.Compare(a.Ref.Size, b.Ref.Size), cmp.Compare(a.Ref.URI, b.Ref.URI))
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
