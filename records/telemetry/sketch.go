package telemetry

import (
	"math/bits"
	"sort"
)

// MaxValue is the largest value that a Sketch takes: 34 years in milliseconds.
const MaxValue = 1 << 40

// MaxBuckets is how many buckets a Sketch has at most.
const MaxBuckets = (40-subBits)<<subBits + 1<<subBits + 1

// RelativeError is one over how many parts of a value its quantiles may be off by:
// 1/64, or 1.6 %. Values below 64 are exact.
const RelativeError = 64

// subBits is the logarithm of how many buckets there are between a power of two and
// the next.
const subBits = 5

// Sketch is the distribution of values from 0 to MaxValue, in buckets that grow
// with the value, as in HdrHistogram: the six leading bits of a value, and how many
// follow, make its bucket. There are no other numbers than integers in it, so that
// a sketch depends on the values alone: not on their order, nor on how they were
// split up and merged.
type Sketch []Bucket

// Bucket is the index of a bucket, and how many values are in it. Buckets are
// sorted by index, and none is empty.
type Bucket [2]int64

func bucketOf(value int64) int64 {
	shift := max(0, bits.Len64(uint64(value))-subBits-1)
	return int64(shift)<<subBits + value>>shift
}

// middleOf returns the value in the middle of a bucket.
func middleOf(bucket int64) int64 {
	if bucket < 2<<subBits {
		return bucket
	}
	shift := bucket>>subBits - 1
	lowest := (bucket - shift<<subBits) << shift
	return lowest + (int64(1)<<shift-1)/2
}

// with returns the sketch with count more values in a bucket. It changes s.
func (s Sketch) with(bucket, count int64) Sketch {
	i := sort.Search(len(s), func(i int) bool { return s[i][0] >= bucket })
	if i < len(s) && s[i][0] == bucket {
		s[i][1] += count
		return s
	}
	s = append(s, Bucket{})
	copy(s[i+1:], s[i:])
	s[i] = Bucket{bucket, count}
	return s
}

// Merge returns the distribution of the values of both, which it leaves as they
// are.
func (s Sketch) Merge(other Sketch) Sketch {
	merged := append(Sketch(nil), s...)
	for _, bucket := range other {
		merged = merged.with(bucket[0], bucket[1])
	}
	return merged
}

// Count returns how many values there are.
func (s Sketch) Count() (count int64) {
	for _, bucket := range s {
		count += bucket[1]
	}
	return count
}

// Quantile returns a value that is at most 1/64 off the one below or at which
// permille thousandths of the values lie, and false if there are none.
func (s Sketch) Quantile(permille int64) (int64, bool) {
	count := s.Count()
	if count == 0 {
		return 0, false
	}
	permille = min(max(permille, 0), 1000)
	// Split, so that no product overflows.
	rank := max(1, count/1000*permille+(count%1000*permille+999)/1000)
	for _, bucket := range s {
		if rank -= bucket[1]; rank <= 0 {
			return middleOf(bucket[0]), true
		}
	}
	return 0, false
}

// valid reports whether s is one that values can have made.
func (s Sketch) valid() bool {
	last := int64(-1)
	for _, bucket := range s {
		if bucket[0] <= last || bucket[0] >= MaxBuckets || bucket[1] <= 0 || bucket[1] > maxCount {
			return false
		}
		last = bucket[0]
	}
	return true
}

// contains reports whether s has at least the values of earlier in every bucket.
func (s Sketch) contains(earlier Sketch) bool {
	i := 0
	for _, bucket := range earlier {
		for i < len(s) && s[i][0] < bucket[0] {
			i++
		}
		if i == len(s) || s[i][0] != bucket[0] || s[i][1] < bucket[1] {
			return false
		}
	}
	return true
}
